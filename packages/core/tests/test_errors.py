"""Errors say what, which and what to do, and survive a process border."""

from __future__ import annotations

import inspect
import pickle

import pytest

from dovetail_core import errors
from dovetail_core.errors import DovetailError, NotFound, RateLimited, Timeout, Unavailable

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, DovetailError)]


def test_there_are_all_kinds() -> None:
    assert len(KINDS) == 17


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_survives_pickling(kind: type[DovetailError]) -> None:
    error = kind("bucket 'x' is away", remedy="make it", retryable=True, bucket="x")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error) == "bucket 'x' is away (make it)"
    assert (copy.message, copy.remedy, copy.retryable, copy.details["bucket"]) == (error.message, "make it", True, "x")


def test_errors_are_also_what_a_caller_would_expect() -> None:
    assert issubclass(NotFound, FileNotFoundError) and issubclass(NotFound, LookupError)
    assert issubclass(Timeout, TimeoutError) and issubclass(Unavailable, ConnectionError)


def test_a_rate_limit_keeps_its_time_across_pickling() -> None:
    assert pickle.loads(pickle.dumps(RateLimited("slow down", retry_after=3.5))).retry_after == 3.5
    assert RateLimited("x").retryable and not NotFound("x").retryable

"""Exceptions as plain data."""

from __future__ import annotations

import traceback

from dovetail_core import ConfigError, DovetailError, Failure, mask

_OWN = ("dovetail.execution",)


def failure_of(error: BaseException) -> Failure:
    """Return what is worth keeping of an exception; secrets are masked, and our own frames at the top of the traceback are left out."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None and trace.tb_frame.f_globals.get("__name__", "").startswith(_OWN):
        trace = trace.tb_next
    text = "".join(traceback.format_exception(type(error), error, trace))
    return Failure(type(error).__name__, mask(_message(error)), mask(text), _may_pass(error))


def _may_pass(error: BaseException) -> bool:
    """Tell whether another attempt may help: our own errors know, of others nobody does."""
    return error.retryable and not isinstance(error, ConfigError) if isinstance(error, DovetailError) else True


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # an exception whose text cannot be made must not hide that there was one
        return f"(its message cannot be shown: {type(broken).__name__})"

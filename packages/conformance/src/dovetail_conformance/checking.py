"""What rules say with: every failure tells what was done, what came, and the ways out."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator
from contextlib import contextmanager

from dovetail_conformance.outcomes import HarnessError, RuleFailure, Untested
from dovetail_conformance.overhearing import overhear_error
from dovetail_core.errors import Unsupported

_PASSED_ON = (AssertionError, Unsupported, Untested, HarnessError)
_shown = reprlib.Repr()
_shown.maxstring = _shown.maxother = 300  # Python 3.11 takes no arguments
_shown.maxlist = _shown.maxtuple = _shown.maxset = _shown.maxdict = 20


def check(that: object, *, did: str, came: object, mend: str = "") -> None:
    """Fail the rule unless `that` is true; `did` says what was done, `came` is what came of it, `mend` what to do about it."""
    if not that:
        raise RuleFailure(did, came if isinstance(came, str) else _shown.repr(came), mend)


class Caught:
    """The exception that a block raised."""

    def __init__(self) -> None:
        self.error: BaseException = AssertionError("nothing was raised yet")


@contextmanager
def raises(expected: type[BaseException] | tuple[type[BaseException], ...], *, did: str, mend: str = "") -> Iterator[Caught]:
    """Fail the rule unless the block raises one of the expected errors. `Unsupported` passes: it is judged by what is declared."""
    caught = Caught()
    names = _names(expected)
    try:
        yield caught
    except expected as error:
        caught.error = error
        overhear_error(error)
        return
    except _PASSED_ON:
        raise
    except Exception as error:
        raise RuleFailure(did, f"{_described(error)}, and not {names}", mend or f"map this failure to {names}") from error
    raise RuleFailure(did, f"nothing was raised, and it must be {names}", mend or f"raise {names}")


@contextmanager
def attempt(*, did: str, mend: str = "") -> Iterator[None]:
    """Fail the rule if the block raises."""
    try:
        yield
    except _PASSED_ON:
        raise
    except Exception as error:
        raise RuleFailure(did, _described(error), mend) from error


def _names(expected: type[BaseException] | tuple[type[BaseException], ...]) -> str:
    kinds = expected if isinstance(expected, tuple) else (expected,)
    return " or ".join(kind.__name__ for kind in kinds)


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"

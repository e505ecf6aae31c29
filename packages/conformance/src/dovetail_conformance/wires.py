"""What rules do to a wire, whatever is spoken on it: on one of HTTP the suite knows requests and statuses, on any other the harness does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from dovetail_conformance.harness import Harness
from dovetail_conformance.instruments import Exchange, Fault, Refusal, ResetAfter, ResetBefore, Status, TcpProxy
from dovetail_conformance.operations import Operation
from dovetail_conformance.outcomes import HarnessError

_SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
"""Methods of HTTP that change nothing (RFC 9110, section 9.2.1)."""
_STATUSES = {"unavailable": 503, "denied": 403}


def over_tcp(harness: Harness) -> bool:
    """Tell whether the harness's proxy knows only bytes and turns."""
    return isinstance(harness.proxy, TcpProxy)


def refusal(harness: Harness, kind: str, elsewhere: str = "") -> Refusal:
    """Return how the backend says that it is `unavailable`, that something is `denied`, or over TCP that it has `moved` elsewhere.

    Raises `Untested` where the harness does not know that of its protocol, and `HarnessError` for an answer that is none.
    """
    if not over_tcp(harness):
        return Refusal(Status(_STATUSES[kind]))
    answer = harness.answers(kind, elsewhere)
    if not isinstance(answer, Refusal):
        raise HarnessError(f"{type(harness).__name__}.answers({kind!r}) returned {answer!r}: return a Refusal")
    return answer


def transient(harness: Harness) -> Iterator[Refusal]:
    """Yield what passes: a connection that is reset, and the backend's own refusals for now."""
    yield Refusal(ResetBefore())
    yield refusal(harness, "unavailable")
    if not over_tcp(harness):
        yield Refusal(Status(500))


def answering(harness: Harness, refused: Refusal, times: int | None) -> Fault[Any]:
    """Return the fault that lets the backend refuse so often (None: always), for a `with` block; `fired` counts how often it did."""
    chosen = {} if refused.to is None else {"data": refused.to}
    fault: Fault[Any] = harness.proxy.fault(refused.action, times=times, **chosen)
    return fault


def made_again(harness: Harness, passed: Sequence[Any], refused: Fault[Any]) -> str:
    """Return what was tried again of what passed while a fault refused all of it, or nothing.

    Over HTTP that is a request with the method, the path and the query of another; over another wire, whatever met a second refusal.
    """
    if over_tcp(harness):
        return f"{refused.fired} tries" if refused.fired > 1 else ""
    (first, times), *_ = Counter((exchange.method, exchange.path, exchange.query) for exchange in passed).most_common(1)
    return f"{times} requests {first[0]} {first[1]}" if times > 1 else ""


def losing_the_answer(harness: Harness, operation: Operation, passed: Sequence[Any]) -> Fault[Any]:
    """Return the fault that loses the answer to an operation, of which this `passed` when nothing was disturbed.

    It is that to the first request, or turn, that changes something, or to the first one if none does. Raises `Untested` where the harness
    of a wire that is not HTTP does not know which do, and `HarnessError` if none did though there is an effect to look at.
    """
    if not over_tcp(harness):
        changing = any(_changes(exchange) for exchange in passed)
        fault: Fault[Any] = harness.proxy.fault(ResetAfter(), where=_changes if changing else None, times=1)
        return fault
    committing = any(harness.commits(turn) for turn in passed if not turn.opening)
    if operation.effect is not None and not committing:
        raise HarnessError(f"{type(harness).__name__}.commits found no turn of {operation.name} that changes something: {_shown(passed)}")
    lost: Fault[Any] = harness.proxy.fault(ResetAfter(), where=harness.commits if committing else None, times=1)
    return lost


def _changes(exchange: Exchange) -> bool:
    return exchange.method not in _SAFE


def _shown(passed: Sequence[Any]) -> str:
    return ", ".join(repr(turn.data[:40]) for turn in passed if not turn.opening)

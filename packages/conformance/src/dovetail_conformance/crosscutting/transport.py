"""A backend that fails, hangs, or loses its answer."""

from __future__ import annotations

import _thread
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from dovetail_conformance.audit import audited, ending
from dovetail_conformance.checking import attempt, check, raises
from dovetail_conformance.crosscutting.base import Asked, made, prepare
from dovetail_conformance.harness import Harness
from dovetail_conformance.instruments import Call, Hang, Refusal
from dovetail_conformance.operations import Operation
from dovetail_conformance.rules import rule
from dovetail_conformance.waiting import within
from dovetail_conformance.wires import answering, losing_the_answer, made_again, refusal, transient
from dovetail_core.errors import AuthenticationFailed, PermissionDenied, RateLimited, Timeout, Unavailable

_LINGERS = 2.0
"""Seconds that threads have to end which an operation started."""


class TransportRules(Asked):
    """Rules about the wire between a flavor and its backend."""

    @rule("XC-03", severity=2, hooks=("proxy",), kind="fault")
    def test_a_silent_peer_ends_in_timeout(self, harness: Harness) -> None:
        """A peer that accepts and never answers ends every call in `Timeout` or `Unavailable`, after a finite time."""
        for name in self._names(harness):
            with harness.make(**harness.impatient) as component:
                operation = self._ready(component, name)
                did = f"called {name}; the peer never answered"
                with harness.proxy.fault(Hang(), times=None), raises((Timeout, Unavailable), did=did):
                    within(harness.patience, partial(made, operation), did=did, mend="set time limits")

    @rule("XC-04", severity=2, hooks=("proxy",), kind="fault")
    def test_what_passes_is_tried_again_and_what_does_not_is_not(self, harness: Harness) -> None:
        """A transient fault is tried again, a bounded number of times; a refusal is not.

        Over HTTP, the refusals are 503, 500 and 403; a look that is refused may be followed by another request, but none is made twice. Over
        another protocol the harness says what the refusals are, in `answers`, and it is counted how many were given.
        """
        names = self._names(harness)
        for passing in transient(harness):
            for name in names:
                with harness.make() as component:
                    operation = self._ready(component, name, passing)
                    did = f"called {name}; the first two requests met {passing.action}"
                    with answering(harness, passing, 2), attempt(did=did, mend="try again, with growing pauses"):
                        made(operation)
        denied, unavailable = refusal(harness, "denied"), refusal(harness, "unavailable")
        for name in names:
            with harness.make(**harness.impatient) as component:
                operation = self._ready(component, name, denied)
                did, mark = f"called {name}; the answer was always {denied.action}", harness.proxy.mark()
                with answering(harness, denied, None) as refused, raises((AuthenticationFailed, PermissionDenied), did=did):
                    made(operation)
                again = made_again(harness, harness.proxy.since(mark), refused)
                check(not again, did=did, came=again, mend="do not repeat what cannot succeed")
                operation = self._ready(component, name, unavailable)
                did = f"called {name}; the answer was always {unavailable.action}"
                with answering(harness, unavailable, None), raises((Unavailable, RateLimited, Timeout), did=did):
                    made(operation)

    @rule("XC-05", severity=1, hooks=("proxy",), kind="fault")
    def test_a_lost_answer_neither_doubles_nor_fails_a_call(self, harness: Harness) -> None:
        """A call whose request was applied and whose answer was lost succeeds, and its effect happens once.

        A call may begin with what changes nothing, such as a search or a login: the answer is lost to the first request that changes
        something. Over HTTP that is one that is no GET, HEAD or OPTIONS; over another protocol the harness says it, in `commits`.
        """
        for name in self._names(harness):
            with harness.make() as component:
                operation = self._ready(component, name)
                expected, passed = self._undisturbed(harness, name)
                did = f"called {name}; it was applied, the answer was lost"
                with losing_the_answer(harness, operation, passed), attempt(did=did, mend="find out what became of the request"):
                    made(operation)
                came = operation.effect() if operation.effect is not None else None
                check(came == expected, did=did, came=came, mend="make the retry recognise what the first request did")

    @rule("XC-20", severity=2, hooks=("proxy",), kind="security")
    def test_every_request_goes_to_the_endpoint(self, harness: Harness) -> None:
        """Every connection goes to the endpoint that the config names.

        Heard are the sockets of Python, of every thread but those of the suite and of servers that the harness runs. A thread that is
        started meanwhile has some seconds to end.
        """
        with harness.make() as component, audited("socket.connect", every_thread=True) as events, ending(_LINGERS):
            self.operate(component)
            component.close()
        others = [text for _, text in events if text not in _to_endpoint(harness.proxy.port)]
        check(
            not others, did="watched the connections of every operation", came="; ".join(others), mend="give the endpoint to every client"
        )

    @rule("XC-17", severity=2, hooks=("proxy",), kind="fault")
    def test_an_interrupted_call_leaves_the_component_usable(self, harness: Harness) -> None:
        """After KeyboardInterrupt in the midst of a call, the component can be used, and nothing of the call is left over."""
        for name in self._names(harness):
            with harness.make() as component:
                operation = self._ready(component, name)
                interruption = harness.proxy.fault(Call(_thread.interrupt_main))
                with _heard(), interruption, raises(KeyboardInterrupt, did=f"interrupted {name}"):
                    made(operation)
                    _wait_for_interrupt()
                self.operate(component, f"after {name} was interrupted")
                if harness.has("census"):
                    left = {what: count for what, count in harness.census(component).items() if count}
                    check(not left, did=f"interrupted {name}", came=left, mend="abort what was begun, also on BaseException")

    def _names(self, harness: Harness) -> list[str]:
        with harness.make() as component:
            return [operation.name for operation in self.operations(component) if _asks_the_backend(harness, operation, component)]

    def _ready(self, component: Any, name: str, refused: Refusal | None = None) -> Operation:
        """Return the operation of that name, with what it needs made, so that what is done to a request now is done to one of its own."""
        operation = next(operation for operation in self.operations(component) if operation.name == name)
        prepare(operation, component)
        if refused is not None and refused.to is not None:
            component.close()  # what is refused may be the login only, which is over
        return operation

    def _undisturbed(self, harness: Harness, name: str) -> tuple[object, Sequence[Any]]:
        """Return the effect of one call, and what passed the proxy for it."""
        with harness.make() as component:
            operation = self._ready(component, name)
            mark = harness.proxy.mark()
            made(operation)
            passed = harness.proxy.since(mark)
            return operation.effect() if operation.effect is not None else None, passed


def _to_endpoint(port: int) -> set[str]:
    """Return what the audit says of connections to the proxy, also where its host is given by its name."""
    addresses: list[tuple[object, ...]] = [("127.0.0.1", port), ("localhost", port), ("::1", port), ("::1", port, 0, 0)]
    return {f"socket.connect {address}" for address in addresses}


def _asks_the_backend(harness: Harness, operation: Operation, component: Any) -> bool:
    prepare(operation, component)
    mark = harness.proxy.mark()
    made(operation)
    return bool(harness.proxy.since(mark))


@contextmanager
def _heard() -> Iterator[None]:
    """Let SIGINT interrupt, also where whoever started this process ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _wait_for_interrupt() -> None:
    """Let an interrupt that is on its way arrive."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        pass

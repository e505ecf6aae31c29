"""Calls of the public methods of an alerter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dovetail_alerter.alerts import Alert, Attachment
from dovetail_alerter.capabilities import AlerterCapability as Capability
from dovetail_alerter.contract.harness import AlerterHarness
from dovetail_alerter.contract.samples import having, unique
from dovetail_alerter.interface import Alerter
from dovetail_conformance import Operation, Untested


class Calls:
    """Makes operations on an alerter, with titles that nobody else uses. `notify` never raises, and is asked by rules of its own."""

    def __init__(self, component: Alerter, harness: AlerterHarness) -> None:
        self._component = component
        self._harness = harness

    def all(self) -> list[Operation]:
        """Return an operation per public method, and per capability that posting can use."""
        found = [
            Operation("check", self._component.check, reads=True),
            self._post("post", Alert(unique("posted"), "body", fields={"a": "b"})),
        ]
        if Capability.THREADS in self._component.capabilities:
            found.append(self._post("post in a thread", Alert(unique("threaded"), thread=unique("thread"))))
        if Capability.ATTACHMENTS in self._component.capabilities:
            found.append(self._post("post with a file", Alert(unique("with a file"), attachments=(Attachment("a.txt", b"data"),))))
        long = Alert(unique("long"), "word " * (self._component.limits.body // 4))
        return [*found, self._post("post in parts", long)]

    def _post(self, name: str, alert: Alert) -> Operation:
        def call() -> object:
            return replace(self._component.post(alert), alert=alert)

        return Operation(name, call, self._count(alert.title))

    def _count(self, title: str) -> Callable[[], object]:
        """Return what counts the messages that arrived."""

        def count() -> object:
            try:
                return len(having(self._harness, self._component, title[: self._component.limits.title - 20]))
            except Untested:
                return None

        return count

"""An alerter at the console: alerts are printed, and questions are asked at a terminal."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from typing import Any, Literal

from pydantic import Field

from dovetail_alerter.alerts import Level
from dovetail_alerter.capabilities import AlerterCapability as Capability
from dovetail_alerter.interface import Alerter, AlerterConfig
from dovetail_alerter.messages import Limits, Message
from dovetail_alerter.printing import Line, Printer
from dovetail_alerter.questions import Answer, Reply
from dovetail_alerter.receipts import Posted
from dovetail_core import ComponentConfig, ProjectPath, Reach, new_id

_ASKS = os.name == "posix"  # elsewhere a terminal cannot be read with a time limit
_STYLES = {
    Level.INFO: "bold",
    Level.SUCCESS: "bold green",
    Level.WARNING: "bold yellow",
    Level.ERROR: "bold red",
    Level.CRITICAL: "bold white on red",
}


class ConsoleAlerter(Alerter):
    """Prints alerts to a standard stream, a terminal or a file, in color where that is a terminal, and asks at the terminal.

    Only the level and the title of an alert begin a line, so that no text can pass for another alert. A question is answered by
    whoever runs the program: approvers are names of users or groups of this machine. Without a terminal `ask` raises `NotReady`.
    """

    flavor = "console"
    capabilities: frozenset[Any] = frozenset({Capability.RICH, Capability.ASK}) if _ASKS else frozenset({Capability.RICH})
    limits: Limits = Limits(title=500, body=16_000, fields=100, field=500, parts=20)

    class Config(AlerterConfig):
        """Settings of the alerter at the console."""

        stream: Literal["stderr", "stdout"] = Field(default="stderr", description="Standard stream to print to.")
        device: ProjectPath | None = Field(
            default=None, description="Terminal such as /dev/tty to print to and ask at, or a file to append to, in place of the stream."
        )
        color: Literal["auto", "always", "never"] = Field(
            default="auto", description="Whether to color; `auto`: where a terminal is printed to and NO_COLOR is not set."
        )

    config: Config

    @classmethod
    def reach(cls, config: ComponentConfig) -> Reach:
        """Only this machine."""
        return Reach.MACHINE

    def setup(self) -> None:
        """Choose what is printed to."""
        super().setup()
        self._printer = Printer(self.config.stream, self.config.device, self.config.color)

    def check(self) -> None:
        """Verify that the stream or device can be written to."""
        self._printer.print([])

    def _post(self, message: Message, target: str) -> Posted:
        self._printer.print([*_lines(message), *([Line(f"  {message.question.instructions}")] if message.question else [])])
        return Posted(new_id())

    def _asking(self, target: str, deadline: float) -> AbstractContextManager[object]:
        from dovetail_alerter.terminal import held

        return held(self.config.device, deadline)

    def _people(self, name: str) -> Collection[str]:
        from dovetail_alerter.terminal import people

        return people(name)

    def _replies(self, message: Message, posted: Posted, target: str, deadline: float) -> Iterator[Reply]:
        from dovetail_alerter.terminal import replies

        return replies(self.config.device, deadline, lambda: self._prompt(message))

    def _prompt(self, message: Message) -> None:
        if message.question is not None:
            self._printer.print([Line(f"  {message.question.approve[0]} / {message.question.reject[0]}> ", end="")])

    def _close_question(self, message: Message, posted: Posted, target: str, answer: Answer | None) -> None:
        said = "nobody has decided" if answer is None else f"{'approved' if answer.approved else 'rejected'} by {answer.by}"
        self._printer.print([Line(""), Line(f"  {said}", "dim")] if answer is None else [Line(f"  {said}", "dim")])


def _lines(message: Message) -> Iterator[Line]:
    yield Line(f"[{message.level}] {message.title}", _STYLES[message.level])
    yield from (Line(f"  {text}") for text in message.body.split("\n") if message.body)
    width = max((len(name) for name, _ in message.fields), default=0)
    for name, value in message.fields:
        first, *rest = value.split("\n")
        yield Line(f"  {name + ':':{width + 1}} {first}", "cyan")
        yield from (Line(f"  {'':{width + 1}} {text}", "cyan") for text in rest)
    for link in message.links:
        yield Line(f"  {link.text}: {link.url}" if link.text else f"  {link.url}", "blue")
    yield from (Line(f"  | {text}", "dim") for text in message.details.split("\n") if message.details)

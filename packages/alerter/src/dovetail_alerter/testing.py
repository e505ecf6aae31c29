"""Harnesses of the flavors of this package, for the conformance suite."""

from __future__ import annotations

import re
import tempfile
import uuid
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

from dovetail_alerter.console import ConsoleAlerter
from dovetail_alerter.contract.harness import AlerterHarness, Arrived
from dovetail_alerter.interface import Alerter
from dovetail_alerter.memory import InMemoryAlerter, SentMessage
from dovetail_alerter.receipts import AnswerLost
from dovetail_conformance import Untested
from dovetail_core import AuthenticationFailed, NotFound, RateLimited, Unavailable


class MemoryHarness(AlerterHarness):
    """The reference flavor, in the memory of this process."""

    flavor: ClassVar[type[InMemoryAlerter]] = InMemoryAlerter
    processes = False
    people: Sequence[str] = ("alice", "bob")
    refusals: ClassVar[Mapping[str, type[Exception]]] = {"revoked": AuthenticationFailed, "no target": NotFound}
    lacks: Mapping[str, str] = {"AL-19": "what arrived is in the memory of the process that posted it"}

    def make(self, **config: Any) -> Alerter:
        """Return an alerter on a space of its own."""
        return self.flavor(**{"space": uuid.uuid4().hex, **config})

    def several(self, count: int) -> Alerter:
        """Return an alerter with so many targets."""
        return self.make(targets=[f"inbox {number}" for number in range(count)])

    def second(self, component: Alerter) -> Alerter:
        """Return another alerter on the same space."""
        return type(component)(component.config)

    def received(self, component: Alerter) -> Sequence[Arrived]:
        """Return what is in the outbox."""
        return [_seen(sent) for sent in _memory(component).outbox]

    @contextmanager
    def refuse(self, component: Alerter, kind: str, *, target: str = "", times: int | None = None, after: int = 0) -> Iterator[None]:
        """Let messages fail."""
        errors: dict[str, Exception] = {
            "revoked": AuthenticationFailed("the token was revoked", remedy="make another one"),
            "no target": NotFound("there is no such target", remedy="name another one"),
            "unavailable": Unavailable("not now", remedy="try again later"),
            "rate_limited": RateLimited("too many", retry_after=self.retry_after),
            "lost": AnswerLost("the answer was lost", remedy="try again"),
        }
        _memory(component).fail(errors[kind], target=target, times=times, after=after)
        try:
            yield
        finally:
            _memory(component).recover()

    def attempts(self, component: Alerter) -> Sequence[float]:
        """Return when something was sent."""
        return list(_memory(component)._space.attempts)

    def answer(self, component: Alerter, message: str, by: str, text: str) -> None:
        """Reply to a question."""
        _memory(component).reply(text, by=by, to=message)

    def wrong_settings(self) -> Iterable[Mapping[str, Any]]:
        """Return no targets, and attempts that are none."""
        return ({"targets": ()}, {"attempts": 0}, {"patience": float("inf")})


def _memory(component: Alerter) -> InMemoryAlerter:
    return InMemoryAlerter(space=component.config.space)  # type: ignore[attr-defined]


def _seen(sent: SentMessage) -> Arrived:
    message = sent.message
    fields = [f"{name}: {value}" for name, value in message.fields]
    links = [f"{link.text}: {link.url}" for link in message.links]
    text = "\n".join([message.body, *fields, *links, message.details])
    files = {attachment.name: attachment.data for attachment in message.attachments}
    return Arrived(sent.id, sent.target, message.title, text, message.reply_to, files)


class ConsoleHarness(AlerterHarness):
    """The embedded flavor, at a pseudo-terminal of each component's own; it is reached by a symbolic link, which can be bent."""

    flavor: ClassVar[type[ConsoleAlerter]] = ConsoleAlerter
    one_question_at_a_time = True
    refusals: ClassVar[Mapping[str, type[Exception]]] = {"unwritable": Unavailable}

    def __enter__(self) -> Self:
        from dovetail_alerter.terminal import user_name

        self._folder = Path(self.enter_context(tempfile.TemporaryDirectory(prefix="dovetail-console-")))
        self._terminals: weakref.WeakValueDictionary[Path, Any] = weakref.WeakValueDictionary()
        self.people: Sequence[str] = (user_name(),)
        return self

    def make(self, **config: Any) -> Alerter:
        """Return an alerter at a terminal of its own."""
        from dovetail_alerter.contract.pseudo_terminal import PseudoTerminal

        path = self._folder / uuid.uuid4().hex
        component = self.flavor(**{"device": path, **config})
        terminal = PseudoTerminal()
        path.symlink_to(terminal.name)
        self._terminals[path] = terminal
        weakref.finalize(component, terminal.close)  # keeps it as long as the component is used
        return component

    def _terminal(self, component: Alerter) -> Any:
        return self._terminals[component.config.device]  # type: ignore[attr-defined]

    def received(self, component: Alerter) -> Sequence[Arrived]:
        """Return what can be read at the terminal: a title begins a line, all else is indented."""
        return list(_read(self._terminal(component).text()))

    @contextmanager
    def refuse(self, component: Alerter, kind: str, *, target: str = "", times: int | None = None, after: int = 0) -> Iterator[None]:
        """Let the device be a directory."""
        if kind not in self.refusals or times is not None or after:
            raise Untested(f"a terminal is not {kind}, or not for some messages only")
        path: Path = component.config.device  # type: ignore[attr-defined]
        path.unlink()
        path.symlink_to(self._folder)
        try:
            yield
        finally:
            path.unlink()
            path.symlink_to(self._terminal(component).name)

    def answer(self, component: Alerter, message: str, by: str, text: str) -> None:
        """Type a line."""
        self._terminal(component).type(f"{text}\n")

    def remark(self, component: Alerter, by: str, text: str, *, during: bool) -> None:
        """Type a line before anything is asked."""
        if during:
            raise Untested("what is typed while a question waits is its answer")
        self._terminal(component).type(f"{text}\n")

    def wrong_settings(self) -> Iterable[Mapping[str, Any]]:
        """Return a stream and a color that do not exist."""
        return ({"stream": "stdlog"}, {"color": "red"}, {"attempts": 0})


_TITLE = re.compile(r"\[(info|success|warning|error|critical)\] (.*)")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")


def _read(text: str) -> Iterator[Arrived]:
    title, lines = "", []
    for line in _COLOR.sub("", text).split("\n"):
        if (begins := _TITLE.fullmatch(line)) is None:
            lines.append(line.removeprefix("  "))
            continue
        if title:
            yield Arrived("", "console", title, "\n".join(lines))
        title, lines = begins[2], []
    if title:
        yield Arrived("", "console", title, "\n".join(lines))

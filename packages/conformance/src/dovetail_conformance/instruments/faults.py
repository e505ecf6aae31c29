"""Faults: what is done to a request, which request, and the proof that it was done."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from dovetail_conformance.outcomes import HarnessError

T = TypeVar("T", contravariant=True)
S = TypeVar("S")


class FaultDidNotFire(HarnessError):
    """A fault was armed, and nothing came that it could be done to: the rule has shown nothing."""


class Unsuitable(HarnessError, TypeError):
    """A proxy was asked for something that its wire does not have: the rule, or the harness, is wrong, and not the flavor."""


@dataclass
class Disturbances:
    """What was done to the world while a rule ran."""

    faults: list[Fault[Any]] = field(default_factory=list)
    kills: int = 0
    """Processes that were started to be killed."""

    def unproven(self) -> str:
        """Return what keeps a rule that passed from having shown anything, or nothing."""
        for fault in self.faults:
            if not fault.ended:
                return f"{fault.action}: it was armed outside a `with` block, so nobody asked whether it was done"
            if not fault.proven:
                return fault.undone
        return ""

    def forget(self) -> None:
        """Disarm what is still armed, and keep nothing alive that a fault refers to."""
        for fault in self.faults:
            if not fault.ended:
                fault.end()
        self.faults.clear()


_watching: list[Disturbances] = []


@contextmanager
def disturbances() -> Iterator[Disturbances]:
    """Note every fault that is armed and every kill that is prepared within the block."""
    noted = Disturbances()
    _watching.append(noted)
    try:
        yield noted
    finally:
        _watching.remove(noted)
        noted.forget()


def note_kill() -> None:
    """Note that a process is to be killed."""
    for noted in _watching:
        noted.kills += 1


class Selector(Protocol[T]):
    """Tells whether something is what a fault is for."""

    def __call__(self, what: T, /) -> bool: ...


@dataclass
class Fault(Generic[S]):
    """A fault that is armed within a `with` block; `fired` counts how often it was done."""

    action: object
    selector: Callable[[S], bool]
    nth: int = 1
    """The first matching one that it is done to, counted from 1."""
    times: int | None = 1
    """To how many it is done; None: to all from then on."""
    disarm: Callable[[Fault[S]], None] = field(default=lambda fault: None)
    fired: int = 0
    seen: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _event: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    """Set when the block is left, or `release` is called: what is held goes on."""
    ended: bool = False
    """Whether the block was left."""
    excused: bool = False
    """Whether nothing needs to have come that it could be done to."""
    around: Callable[[], str] = field(default=lambda: "")
    """Returns what was armed, and what came past it instead, for whoever wonders why it was never done."""
    _past: str = ""

    def __post_init__(self) -> None:
        for noted in _watching:
            noted.faults.append(self)

    def takes(self, what: S) -> bool:
        """Tell whether the fault is done to this, and count it."""
        if not self.selector(what):
            return False
        with self._lock:
            self.seen += 1
            last = None if self.times is None else self.nth + self.times
            taken = self.seen >= self.nth and (last is None or self.seen < last)
            self.fired += taken
        if taken:
            self._event.set()
        return taken

    def arrived(self, seconds: float = 20.0) -> None:
        """Wait until it was done once. Raises `FaultDidNotFire` if that does not happen in time."""
        if not self._event.wait(seconds):
            raise FaultDidNotFire(f"{self.action}: nothing came within {seconds:g} seconds")

    def reached(self) -> bool:
        """Tell whether it was done, where a rule counts `nth` up until there is no such one any more.

        Then it need not have been done: but nothing at all at the first one is no end, and is `FaultDidNotFire` when the block is left.
        """
        self.excused = self.nth > 1
        return self.fired > 0

    @property
    def proven(self) -> bool:
        """Whether what a rule saw was seen under this fault."""
        return self.fired > 0 or self.excused

    @property
    def undone(self) -> str:
        """What is said of a fault that was never done."""
        past = self._past or self.around()
        return f"{self.action}: it was never done, so nothing is shown (matching: {self.seen}){'; ' if past else ''}{past}"

    def release(self) -> None:
        """Let what is held go on."""
        self.released.set()

    def end(self) -> None:
        """Disarm the fault, and let go of what it holds."""
        if not self.ended:
            self._past = self.around()
        self.ended = True
        self.released.set()
        self.disarm(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end()
        if error is None and not self.proven:
            raise FaultDidNotFire(self.undone)


def matching(pattern: str | None) -> Callable[[str], bool]:
    """Return a predicate that tells whether a regular expression is found in a text; None finds anything."""
    compiled = re.compile(pattern) if pattern is not None else None
    return lambda text: compiled is None or compiled.search(text) is not None

"""Races of flavors that have no wire: a call that waits at a named point, and a source of bytes that waits while it is read."""

from __future__ import annotations

import inspect
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dovetail_conformance.instruments.actions import Hold
from dovetail_conformance.instruments.faults import Fault


@contextmanager
def hold(owner: Any, name: str, *, nth: int = 1, after: bool = False) -> Iterator[Fault[str]]:
    """Let the nth call of a function wait until the fault is released: before its work, or with `after` before it returns.

    `owner` is the class, instance or module whose attribute `name` is the function: the switch point, in this process. `arrived` tells
    when the call is there; leaving the block lets it go on, and raises `FaultDidNotFire` if none came. Raises AttributeError if
    there is no such function.
    """
    original = getattr(owner, name)
    fault: Fault[str] = Fault(Hold(), lambda called: called == name, nth)

    def held(*arguments: Any, **named: Any) -> Any:
        if after:
            result = original(*arguments, **named)
            _wait(fault, name)
            return result
        _wait(fault, name)
        return original(*arguments, **named)

    unbound = isinstance(inspect.getattr_static(owner, name), classmethod | staticmethod)  # what `original` is bound to, it has
    with _replaced(owner, name, staticmethod(held) if unbound and inspect.isclass(owner) else held), fault:
        yield fault


@contextmanager
def held_source(data: bytes, *, at: int) -> Iterator[tuple[io.RawIOBase, Fault[int]]]:
    """Yield a source of bytes whose reader waits when it wants more than the first `at` of them, and the fault that lets it go on."""
    fault: Fault[int] = Fault(Hold(), lambda position: position >= at)
    with fault:
        yield _HeldSource(data, at, fault), fault


class _HeldSource(io.RawIOBase):
    def __init__(self, data: bytes, at: int, fault: Fault[int]) -> None:
        self._data = memoryview(data)
        self._at = at
        self._fault = fault
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        _wait(self._fault, self._position)
        end = self._at if self._position < self._at else len(self._data)
        piece = self._data[self._position : min(end, self._position + len(buffer))]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)


def _wait(fault: Fault[Any], what: Any) -> None:
    if fault.takes(what):
        fault.released.wait()


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    own = vars(owner).get(name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if own is None:
            delattr(owner, name)
        else:
            setattr(owner, name, own)

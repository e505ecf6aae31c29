"""What this process does to the world, as the interpreter itself reports it (PEP 578)."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(eq=False)
class _Listener:
    events: frozenset[str]
    full: bool
    found: list[tuple[str, str]]


_listeners: dict[int, list[_Listener]] = {}
_installed = threading.Event()


@contextmanager
def audited(*events: str, full: bool = False) -> Iterator[list[tuple[str, str]]]:
    """Collect the audit events of some names that this thread raises within the block, each with its arguments as text.

    `full` keeps all arguments, such as the environment of a child.
    """
    if not _installed.is_set():
        _installed.set()
        sys.addaudithook(_hear)  # there is no way to remove one
    found: list[tuple[str, str]] = []
    thread = threading.get_ident()
    listener = _Listener(frozenset(events), full, found)
    _listeners.setdefault(thread, []).append(listener)
    try:
        yield found
    finally:
        _listeners[thread].remove(listener)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    for listener in _listeners.get(threading.get_ident(), ()):
        if event in listener.events:
            listener.found.append((event, repr(arguments) if listener.full else _shown(event, arguments)))


def _shown(event: str, arguments: tuple[Any, ...]) -> str:
    if event == "open":
        path, mode, flags = arguments
        return f"open {path!r} mode {mode or _mode(flags)}"
    return f"{event} {arguments[-1] if event == 'socket.connect' else arguments[:2]}"


def _mode(flags: int) -> str:
    return "w" if flags & (os.O_WRONLY | os.O_RDWR) else "r"

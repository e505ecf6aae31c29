"""What this process does to the world, as the interpreter itself reports it (PEP 578)."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_listeners: dict[int, tuple[frozenset[str], list[tuple[str, str]]]] = {}
_installed = threading.Event()


@contextmanager
def audited(*events: str) -> Iterator[list[tuple[str, str]]]:
    """Collect the audit events of some names that this thread raises within the block, each with its arguments as text."""
    if not _installed.is_set():
        _installed.set()
        sys.addaudithook(_hear)  # there is no way to remove one
    found: list[tuple[str, str]] = []
    thread = threading.get_ident()
    _listeners[thread] = (frozenset(events), found)
    try:
        yield found
    finally:
        del _listeners[thread]


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    listener = _listeners.get(threading.get_ident())
    if listener is not None and event in listener[0]:
        listener[1].append((event, _shown(event, arguments)))


def _shown(event: str, arguments: tuple[Any, ...]) -> str:
    if event == "open":
        path, mode, flags = arguments
        return f"open {path!r} mode {mode or _mode(flags)}"
    return f"{event} {arguments[-1] if event == 'socket.connect' else arguments[:2]}"


def _mode(flags: int) -> str:
    import os

    return "w" if flags & (os.O_WRONLY | os.O_RDWR) else "r"

"""What this process does to the world, as the interpreter itself reports it (PEP 578)."""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

THREAD_STARTS = ("_thread.start_new_thread", "_thread.start_joinable_thread")
"""Events that are the start of a thread: since Python 3.12 and 3.13. Before, `threading` is made to raise the first."""

_PAUSE = 0.005


@dataclass(eq=False)
class _Listener:
    events: frozenset[str]
    full: bool
    found: list[tuple[str, str]]


_listeners: dict[int, list[_Listener]] = {}
_everywhere: list[_Listener] = []
_installed = threading.Event()
_exempt: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
"""Threads of the suite and of servers that harnesses run, with those that they started."""


@contextmanager
def audited(*events: str, full: bool = False, every_thread: bool = False) -> Iterator[list[tuple[str, str]]]:
    """Collect the audit events of some names that this thread raises within the block, each with its arguments as text.

    `full` keeps all arguments, such as the environment of a child. `every_thread` hears all threads but those that are `exempt`.
    """
    _install()
    listener = _Listener(frozenset(events), full, [])
    listeners = _everywhere if every_thread else _listeners.setdefault(threading.get_ident(), [])
    listeners.append(listener)
    try:
        yield listener.found
    finally:
        listeners.remove(listener)


def exempt(threads: Iterable[threading.Thread]) -> None:
    """Leave threads, and those that they will start, out of what is heard of every thread. They are nothing of the flavor's."""
    _install()
    _exempt.update(threads)


@contextmanager
def ending(seconds: float) -> Iterator[None]:
    """Wait at the end of the block for threads that were started within it and are not `exempt`, at most some seconds for all of them."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(thread not in _exempt for thread in set(threading.enumerate()) - before):
        time.sleep(_PAUSE)  # not `join`: one that is about to start cannot be joined


def _install() -> None:
    if not _installed.is_set():
        _installed.set()
        sys.addaudithook(_hear)  # there is no way to remove one
        if sys.version_info < (3, 12):
            threading.Thread.start = _saying(threading.Thread.start)  # type: ignore[method-assign,assignment]


def _saying(start: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    """Return what starts a thread and says so, as later Pythons do."""

    @wraps(start)
    def said(thread: threading.Thread) -> None:
        sys.audit(THREAD_STARTS[0], thread.run, ())
        start(thread)

    return said


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event in THREAD_STARTS and _exempt:
        _inherit(arguments)
    for listener in _listeners.get(threading.get_ident(), ()):
        _note(listener, event, arguments)
    for listener in _everywhere:
        if event in listener.events and not _is_exempt():
            _note(listener, event, arguments)


def _note(listener: _Listener, event: str, arguments: tuple[Any, ...]) -> None:
    if event in listener.events:
        listener.found.append((event, repr(arguments) if listener.full else _shown(event, arguments)))


def _inherit(arguments: tuple[Any, ...]) -> None:
    """Exempt the thread that an exempt one starts: what is called in it is a method of it."""
    started = getattr(arguments[0], "__self__", None)
    if isinstance(started, threading.Thread) and _is_exempt():
        _exempt.add(started)


def _is_exempt() -> bool:
    number = threading.get_ident()  # `current_thread` would make an object for a thread that has none, which counts as left behind
    return any(thread.ident == number and thread in _exempt for thread in threading.enumerate())


def _shown(event: str, arguments: tuple[Any, ...]) -> str:
    if event == "open":
        path, mode, flags = arguments
        return f"open {path!r} mode {mode or _mode(flags)}"
    if event in THREAD_STARTS:
        return f"{event} {getattr(getattr(arguments[0], '__self__', None), 'name', arguments[0])}"
    return f"{event} {arguments[-1] if event == 'socket.connect' else arguments[:2]}"


def _mode(flags: int) -> str:
    return "w" if flags & (os.O_WRONLY | os.O_RDWR) else "r"

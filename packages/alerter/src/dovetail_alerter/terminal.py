"""Asks whoever sits at the terminal, with a time limit. POSIX only."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import select
import sys
import termios
import threading
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from dovetail_alerter.questions import Reply
from dovetail_core import Cancelled, NotFound, NotReady, Timeout, utcnow

_asking = threading.Lock()  # one question at a time: whoever answers must know what


@contextlib.contextmanager
def held(device: Path | None, deadline: float) -> Iterator[None]:
    """Hold the terminal for one question, with what was typed before thrown away. Raises `NotReady` if there is none.

    Raises `Timeout` if another question keeps it until `deadline` (monotonic).
    """
    if not _asking.acquire(timeout=max(0.0, deadline - time.monotonic())):
        raise Timeout("another question was not answered in time at this terminal", remedy="answer it first", retryable=False)
    try:
        with _opened(device) as descriptor:
            termios.tcflush(descriptor, termios.TCIFLUSH)
        yield
    finally:
        _asking.release()


def replies(device: Path | None, deadline: float, prompt: Callable[[], None]) -> Iterator[Reply]:
    """Yield the lines that are typed until `deadline`, with a prompt before each. Raises `Cancelled` at the end of the input."""
    with _opened(device) as descriptor:
        while True:
            prompt()
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return
            data = os.read(descriptor, 4096)
            if not data:
                raise Cancelled("the input of the terminal has ended without an answer", remedy="ask again")
            user = user_name()
            yield Reply(user, data.decode("utf-8", "replace").strip(), utcnow(), user)


def user_name() -> str:
    """Return the name of the user as whom this process runs; the environment has no say in it."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def people(name: str) -> Collection[str]:
    """Return whom the name of a user or group of this machine stands for. Raises `NotFound`."""
    if name == user_name():
        return (name,)
    with contextlib.suppress(KeyError):
        return (pwd.getpwnam(name).pw_name,)
    with contextlib.suppress(KeyError):
        return _members(grp.getgrnam(name))
    raise NotFound(f"this machine has no user or group '{name}'", remedy="name one of them in `approvers`")


def _members(group: grp.struct_group) -> Collection[str]:
    """Return a group's members, this process's user among them if the group is its own."""
    own = [user_name()] if group.gr_gid in {os.getgid(), *os.getgroups()} else []
    return (*group.gr_mem, *own)


@contextlib.contextmanager
def _opened(device: Path | None) -> Iterator[int]:
    """Give the descriptor that answers are read from. Raises `NotReady` unless it is a terminal that this program may read."""
    descriptor = _standard_input() if device is None else _open(device)
    try:
        if not os.isatty(descriptor):
            raise NotReady(
                "there is no terminal to ask at", remedy="run it at a terminal, or use an alerter that asks elsewhere", retryable=False
            )
        if _in_background(descriptor):
            raise NotReady("the program is in the background of its terminal", remedy="bring it to the foreground", retryable=False)
        yield descriptor
    finally:
        if device is not None:
            os.close(descriptor)


def _standard_input() -> int:
    try:
        return sys.stdin.fileno()
    except (AttributeError, OSError, ValueError) as error:  # none, replaced, or closed
        raise NotReady("there is no terminal to ask at", remedy="run it at a terminal, or set `device`", retryable=False) from error


def _open(device: Path) -> int:
    try:
        return os.open(device, os.O_RDONLY | os.O_NOCTTY)
    except OSError as error:
        raise NotReady(f"{device} cannot be read: {error.strerror}", remedy="check `device`", retryable=False) from error


def _in_background(descriptor: int) -> bool:
    """Tell whether reading would stop this process (SIGTTIN); a terminal that is not its own stops nobody."""
    try:
        return os.tcgetpgrp(descriptor) != os.getpgrp()
    except OSError:
        return False

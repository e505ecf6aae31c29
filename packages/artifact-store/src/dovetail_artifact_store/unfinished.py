"""Unfinished files: each is locked by who writes it, so that what a killed writer left is told from what is in work."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import socket
import time

ABANDONED = 24 * 3600.0
"""Seconds without a write after which an unfinished file counts as left over, where its lock says nothing: locks of another host may not be seen."""


def begin(folder: str) -> tuple[str, int]:
    """Make a file that is locked, under a name that is nobody else's, and return its path and descriptor. Closing that gives the lock back."""
    while True:
        # neither a number of a process nor one of this host makes a name: containers have both in common
        name = f"{folder}/{_host()}-{os.urandom(8).hex()}"
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        if _is_ours(descriptor):
            return name, descriptor
        os.close(descriptor)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)


def _is_ours(descriptor: int) -> bool:
    """Lock a new file, and tell whether it is there still: it may be swept before it is locked."""
    return _locked(descriptor) is not False and os.fstat(descriptor).st_nlink > 0


def _locked(descriptor: int) -> bool | None:
    """Lock a file, and tell whether that was possible: False if another has it, None if there are no locks here."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def sweep(folder: str) -> None:
    """Remove what writers left that were killed."""
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        with contextlib.suppress(OSError):
            descriptor = os.open(entry.path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                if _is_left_over(descriptor, entry.name):
                    os.unlink(entry.path)
            finally:
                os.close(descriptor)


def _is_left_over(descriptor: int, name: str) -> bool:
    """Tell whether nobody writes a file; where its lock does not say that, whether it is too old to be in work."""
    free = _locked(descriptor)
    if free and name.rpartition("-")[0] == _host():
        return True
    return free is not False and time.time() - os.fstat(descriptor).st_mtime > ABANDONED


@functools.cache
def _host() -> str:
    return socket.gethostname()

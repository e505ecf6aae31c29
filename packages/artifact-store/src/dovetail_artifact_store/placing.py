"""Putting files into place, while others make and remove directories around them."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import time
from collections.abc import Callable, Iterable

_ATTEMPTS = 100  # to put a file into place while others delete around it


def into_place(source: str, target: str, place: Callable[[], object]) -> list[str]:
    """Put the file at `source` to `target`, and return the directories in which others had to be made.

    The parent is made, and a directory that was emptied gives way; others may do the opposite meanwhile. Raises `FileNotFoundError` if
    nothing is at `source`.
    """
    made: list[str] = []
    for attempt in range(_ATTEMPTS):
        if attempt > 2:
            time.sleep(random.uniform(0, min(attempt, 10) / 1000))
        try:
            place()
            return made
        except FileNotFoundError:
            if not os.path.lexists(source):
                raise
            with contextlib.suppress(FileNotFoundError):  # deleted again while it was made
                make_directory(os.path.dirname(target), made)
        except (IsADirectoryError, FileExistsError):
            if os.path.islink(target) or not os.path.isdir(target):
                raise
            _remove_empty(target)
    place()
    return made


def make_directory(path: str, made: list[str]) -> None:
    """Make a directory and those above it, and add to `made` those in which one was made; nothing happens if something is there."""
    try:
        os.mkdir(path)  # most often only the last one is missing, and makedirs looks at each
    except FileExistsError:
        return
    except FileNotFoundError:
        make_directory(os.path.dirname(path), made)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path)
    made.append(os.path.dirname(path))


def _remove_empty(directory: str) -> None:
    """Remove a directory in which there is no file. Raises IsADirectoryError if there is one."""
    if any(files for _, _, files in os.walk(directory)):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), directory)
    remove_empty_directories(directory)


def remove_empty_directories(top: str) -> None:
    """Remove the directories at and below `top` that hold nothing."""
    for directory, _, _ in os.walk(top, topdown=False):
        with contextlib.suppress(OSError):  # not empty: somebody wrote meanwhile
            os.rmdir(directory)


def sync(directories: Iterable[str]) -> None:
    """Let what was put into directories, or taken out of them, survive a power failure; one that is gone meanwhile has nothing to keep."""
    for path in dict.fromkeys(directories):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

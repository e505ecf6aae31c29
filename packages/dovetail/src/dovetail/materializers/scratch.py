"""Local copies of files, for as long as the process lives."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path


def directory() -> Path:
    """Return a new empty directory that is removed when the process ends."""
    return Path(tempfile.mkdtemp(dir=_root(os.getpid())))


@functools.cache
def _root(process: int) -> str:
    path = tempfile.mkdtemp(prefix="dovetail-copies-")
    atexit.register(_remove, path, process)
    return path


def _remove(path: str, process: int) -> None:
    if os.getpid() == process:  # a forked child inherits the registration, and must not remove what its parent still reads
        shutil.rmtree(path, ignore_errors=True)

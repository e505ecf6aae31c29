"""What this process holds: descriptors, threads, children, sockets, temporary files."""

from __future__ import annotations

import gc
import os
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass

import psutil

_PAUSE = 0.02


@dataclass(frozen=True)
class Census:
    """A count of what this process holds at one moment."""

    descriptors: Counter[str]
    """By what they lead to; sockets and pipes by kind."""
    threads: Counter[str]
    children: Counter[str]
    files: Counter[str]
    """Entries of the directory for temporary files that this user made."""

    @classmethod
    def take(cls) -> Census:
        """Return what there is now; what is only waiting to be collected does not count."""
        gc.collect()
        return cls(_descriptors(), Counter(thread.name for thread in threading.enumerate()), _children(), _temporary_files())

    def beyond(self, before: Census) -> dict[str, int]:
        """Return what there is more than before, by what it is."""
        more: dict[str, int] = {}
        for kind in ("descriptors", "children", "files"):
            for name, count in (getattr(self, kind) - getattr(before, kind)).items():
                more[f"{kind[:-1] if kind != 'children' else 'child'} {name}"] = count
        extra = self.threads.total() - before.threads.total()  # names are often numbered
        return {**more, **({f"threads, of {sorted(self.threads - before.threads)}": extra} if extra > 0 else {})}

    @classmethod
    def settled(cls, before: Census, seconds: float = 10.0) -> dict[str, int]:
        """Return what there is more than before, once it is nothing or some seconds have passed."""
        deadline = time.monotonic() + seconds
        while (left := cls.take().beyond(before)) and time.monotonic() < deadline:
            time.sleep(_PAUSE)
        return left


def _descriptors() -> Counter[str]:
    found: Counter[str] = Counter()
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    for name in os.listdir(folder):
        try:
            target = os.readlink(f"{folder}/{name}")
        except OSError:  # the one of this listing
            continue
        found[target.partition(":")[0] if target.startswith(("socket:", "pipe:", "anon_inode:")) else target] += 1
    return found


def _children() -> Counter[str]:
    found: Counter[str] = Counter()
    for child in psutil.Process().children(recursive=True):
        try:
            found[f"{child.name()} ({child.status()})"] += 1
        except psutil.NoSuchProcess:
            continue
    return found


def _temporary_files() -> Counter[str]:
    own = f"{os.getpid()}"
    return Counter(name for name in os.listdir(tempfile.gettempdir()) if own in name)

"""What this process holds: descriptors, threads, children, sockets, temporary files."""

from __future__ import annotations

import gc
import os
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing import resource_tracker
from pathlib import Path

import psutil

_PAUSE = 0.02
_SHORT = 0.002
_BEFORE_COLLECTING = 0.05
OWN_FOLDER = "dovetail-rules-"
"""How the name of a directory for temporary files begins that belongs to the suite: all that is in it counts."""
_OF_PYTEST = "pytest-of-"


@dataclass(frozen=True)
class Census:
    """A count of what this process holds at one moment."""

    descriptors: Counter[str]
    """By what they lead to; sockets and pipes by kind."""
    threads: Counter[str]
    children: Counter[str]
    files: Counter[str]
    """Entries of the directory for temporary files: those that bear this process's number, or all if the directory is the suite's."""

    @classmethod
    def take(cls) -> Census:
        """Return what there is now; what is only waiting to be collected does not count."""
        gc.collect()
        return cls.glance()

    @classmethod
    def glance(cls) -> Census:
        """Return what there is now, garbage too: cheap enough for every rule."""
        return cls(_descriptors(), Counter(thread.name for thread in threading.enumerate()), _children(), _temporary_files())

    def beyond(self, before: Census) -> dict[str, int]:
        """Return what there is more than before, by what it is. One descriptor in the place of another is no more than before."""
        more: dict[str, int] = {}
        for kind, word in (("descriptors", "descriptor"), ("children", "child"), ("files", "file")):
            now, then = getattr(self, kind), getattr(before, kind)
            if kind != "descriptors" or now.total() > then.total():
                more |= {f"{word} {name}": count for name, count in (now - then).items()}
        extra = self.threads.total() - before.threads.total()  # names are often numbered
        return {**more, **({f"threads, of {sorted(self.threads - before.threads)}": extra} if extra > 0 else {})}

    @classmethod
    def settled(cls, before: Census, seconds: float = 10.0) -> dict[str, int]:
        """Return what there is more than before, once it is nothing or some seconds have passed.

        Collecting garbage takes long in a large process, so that what ends by itself within a moment is waited for without it.
        """
        began = time.monotonic()
        while left := cls.glance().beyond(before):
            passed = time.monotonic() - began
            if passed >= _BEFORE_COLLECTING:
                left = cls.take().beyond(before)
                if not left or passed > seconds:
                    return left
            time.sleep(_PAUSE if passed >= _BEFORE_COLLECTING else _SHORT)
        return {}


def _descriptors() -> Counter[str]:
    found: Counter[str] = Counter()
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    tracker = str(getattr(resource_tracker._resource_tracker, "_fd", None))
    for name in os.listdir(folder):
        try:
            target = os.readlink(f"{folder}/{name}")
        except OSError:  # the one of this listing
            continue
        if name != tracker:
            found[target.partition(":")[0] if target.startswith(("socket:", "pipe:", "anon_inode:")) else target] += 1
    return found


def _children() -> Counter[str]:
    """Count this process's children: not theirs, which servers start and end as they like, nor the resource tracker, which is started once."""
    tracker = getattr(resource_tracker._resource_tracker, "_pid", None)
    found: Counter[str] = Counter()
    for child in _below(os.getpid()):
        try:
            if child.pid != tracker:
                found[child.name() + (" (zombie)" if child.status() == psutil.STATUS_ZOMBIE else "")] += 1
        except psutil.NoSuchProcess:
            continue
    return found


def _below(process: int) -> list[psutil.Process]:
    """Return the children of a process. Where the system lists them by parent there is no need to look at all processes."""
    threads = f"/proc/{process}/task"
    try:
        listed = [Path(threads, name, "children").read_text("ascii").split() for name in os.listdir(threads)]
    except OSError:
        return list(psutil.Process(process).children())
    return [psutil.Process(int(word)) for words in listed for word in words if psutil.pid_exists(int(word))]


def _temporary_files() -> Counter[str]:
    folder = tempfile.gettempdir()
    own = "" if os.path.basename(folder).startswith(OWN_FOLDER) else f"{os.getpid()}"
    return Counter(name for name in os.listdir(folder) if own in name and not name.startswith(_OF_PYTEST))

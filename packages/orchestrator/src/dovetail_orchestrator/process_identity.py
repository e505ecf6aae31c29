"""Which process is executing a run, and whether it lives: process ids are reused, and clocks are set."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

TICK: float = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01
"""Seconds: what the starts of processes are counted in."""


@dataclass(frozen=True)
class ProcessIdentity:
    """One process, told from all that had or will have its id."""

    host: str
    pid: int
    started: str
    """When it started, on a clock that nobody can set where the system has one."""

    @classmethod
    def own(cls) -> ProcessIdentity:
        """Return the identity of this process."""
        return cls(platform.node(), os.getpid(), _started(os.getpid()) or "")

    def alive(self) -> bool:
        """Tell whether the process lives; one that is dead and not yet reaped does not, one of another machine is taken to live."""
        return not self.is_of_this_machine() or _started(self.pid) == self.started

    def is_of_this_machine(self) -> bool:
        """Tell whether its id means anything here."""
        return self.host == platform.node()

    def found(self) -> psutil.Process | None:
        """Return the process if it lives on this machine; what is returned never becomes another one that has its id later."""
        import psutil

        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)  # before the look at when it started: that is then of the same process
            if self.is_of_this_machine() and _started(self.pid) == self.started:
                return process
        return None


def _started(pid: int) -> str | None:
    """Return when a living process started: on Linux in ticks since the boot that is named, elsewhere in seconds since 1970."""
    try:
        return _ticks(pid)
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    import psutil

    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return f"{process.create_time():.2f}" if process.status() != psutil.STATUS_ZOMBIE else None
    return None


def uptime_at_start(pid: int) -> float | None:
    """Return the seconds between the start of the system and that of a process, in whole ticks; None if it does not live (Linux)."""
    with suppress(FileNotFoundError):
        ticks = _ticks_of(pid)
        return None if ticks is None else int(ticks) * TICK
    return None


def _ticks(pid: int) -> str | None:
    ticks = _ticks_of(pid)
    return None if ticks is None else f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}:{ticks}"


def _ticks_of(pid: int) -> str | None:
    """Fields 3 and 22 of /proc/PID/stat (proc(5)), after the name, which may hold spaces and parentheses."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except ProcessLookupError:  # it ended while it was read
        return None
    return None if fields[0] in "ZX" else fields[19]

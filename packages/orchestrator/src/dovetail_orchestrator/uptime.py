"""Time since the system has started."""

from __future__ import annotations

import sys
import time


def uptime() -> float:
    """Return the seconds since the system has started, by the clock that dates the starts of processes; 0 where there is none."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else 0.0

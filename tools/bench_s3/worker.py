"""One measurement, in a process of its own: `worker.py PLACE CONTENDER TASK [--mark]` prints it as JSON."""

from __future__ import annotations

import contextlib
import json
import re
import resource
import statistics
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from contenders import CONTENDERS, Contender
from place import Place
from tasks import TASKS, Task

MARK = "/dovetail-bench-mark"
"""Path of the requests before and after the task, for a proxy that counts."""
ENOUGH = 3.0
"""Seconds in all for which a short task is repeated, up to `MOST` times."""
MOST = 5


def main() -> None:
    """Warm up, measure, and print seconds, seconds of the processor, and the peak of memory in bytes."""
    place = Place.from_text(sys.argv[1])
    contender = CONTENDERS[sys.argv[2]](place)
    task = TASKS[sys.argv[3]](place)
    if task.once:
        contender.keys(f"{place.prefix}/nothing")
        took = ENOUGH
    else:
        took, _ = timed(task, contender)
    if "--mark" in sys.argv:
        mark(place)
        task.run(contender)
        mark(place)
        return
    runs = [timed(task, contender) for _ in range(max(1, min(MOST, int(ENOUGH / took))))]
    seconds, cpu = (statistics.median(run[index] for run in runs) for index in (0, 1))
    print(json.dumps({"seconds": seconds, "cpu": cpu, "memory": peak_of_memory()}))


def timed(task: Task, contender: Contender) -> tuple[float, float]:
    """Do the task, and return the seconds that it took, and those of the processor."""
    began, busy = time.perf_counter(), time.process_time()
    task.run(contender)
    took = time.perf_counter() - began, time.process_time() - busy
    task.check(contender)
    return took


def peak_of_memory() -> int:
    """Return the most memory that this process held, in bytes; `getrusage` on Linux tells that of its parent if it was more."""
    with contextlib.suppress(OSError):
        if found := re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text()):
            return int(found[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def mark(place: Place) -> None:
    """Send a request that a proxy recognises."""
    with contextlib.suppress(urllib.error.HTTPError):  # whatever the answer, it came by
        urllib.request.urlopen(f"{place.endpoint}{MARK}", timeout=10).close()


if __name__ == "__main__":
    main()

"""One measurement, in a process of its own: `worker.py PLACE CONTENDER TASK [--mark]` prints it as JSON."""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import time
import urllib.error
import urllib.request

from contenders import CONTENDERS
from place import Place
from tasks import TASKS

MARK = "/dovetail-bench-mark"
"""Path of the requests before and after the task, for a proxy that counts."""


def main() -> None:
    """Warm up, measure, and print seconds, seconds of the processor, and the peak of memory in bytes."""
    place = Place.from_text(sys.argv[1])
    contender = CONTENDERS[sys.argv[2]](place)
    task = TASKS[sys.argv[3]](place)
    if task.once:
        contender.keys(task.prefix)
    else:
        task.run(contender)
        task.check(contender)
    if "--mark" in sys.argv:
        _mark(place)
    began, busy = time.perf_counter(), time.process_time()
    task.run(contender)
    found = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - busy}
    found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if "--mark" in sys.argv:
        _mark(place)
    task.check(contender)
    print(json.dumps(found))


def _mark(place: Place) -> None:
    with contextlib.suppress(urllib.error.HTTPError):  # whatever the answer, it came by
        urllib.request.urlopen(f"{place.endpoint}{MARK}", timeout=10).close()


if __name__ == "__main__":
    main()

"""A process that writes to a metadata store with several threads, and prints a line of JSON for everything it was told is stored.

python metadata_store_writer.py STORE SECONDS THREADS
"""

from __future__ import annotations

import json
import sys
import threading
import time

from metadata_store_kit import executed, opened, taken

from dovetail_core import new_id
from dovetail_metadata_store import MetadataStore, Run, State

_printing = threading.Lock()


def stored(kind: str, *values: object) -> None:
    with _printing:
        print(json.dumps([kind, *values]), flush=True)


def write(store: MetadataStore, until: float, shared: str) -> None:
    """Write runs, steps and metadata until the time is up."""
    while time.monotonic() < until:
        run = store.create_run(Run(new_id(), new_id(), "soak", "default"), ["a", "b"])
        store.transition_run(run.id, State.RUNNING)
        first = executed(store, run, "a", cache_key=f"k{run.id}", provenance_key=shared)
        stored("step", run.id, "a", first.id)
        taken(store, run, "b", f"k{run.id}")
        stored("step", run.id, "b", first.id)
        store.put_metadata(run.id, {"n": 1})
        store.heartbeat(run.id)
        store.get_steps(run.id)
        store.transition_run(run.id, State.SUCCEEDED)
        stored("run", run.id, "succeeded")


def main() -> None:
    description, seconds, threads = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    until = time.monotonic() + seconds
    errors: list[BaseException] = []

    def work() -> None:
        try:
            write(store, until, "shared")
        except BaseException as error:
            errors.append(error)
            raise

    with opened(description) as store:
        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()

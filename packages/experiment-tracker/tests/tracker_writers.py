"""What tests of several processes execute in them."""

from __future__ import annotations

import threading

from dovetail_experiment_tracker import LocalExperimentTracker


def log_from_threads(path: str, run_id: str, process: int, threads: int, count: int) -> None:
    """Log `count` points from each of some threads, each to a metric of its own."""
    with LocalExperimentTracker(path=path) as tracker, tracker.attach(run_id) as run:

        def log(number: int) -> None:
            for step in range(count):
                run.log_metric(f"{process}-{number}", step + 0.5, step=step)

        working = [threading.Thread(target=log, args=(number,)) for number in range(threads)]
        for thread in working:
            thread.start()
        for thread in working:
            thread.join()


def log_and_leave(path: str, run_id: str, count: int) -> None:
    """Log `count` points, and return without a word about them."""
    run = LocalExperimentTracker(path=path).attach(run_id)
    for step in range(count):
        run.log_metric("m", step, step=step)


def start_and_leave(path: str, said: str) -> None:
    """Start a run, log to it, write its id to a file, and return without ending it."""
    run = LocalExperimentTracker(path=path).start_run()
    run.log_metric("m", 1)
    with open(said, "w") as file:
        file.write(run.id)

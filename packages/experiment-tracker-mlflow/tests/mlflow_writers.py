"""What tests of several processes execute in them."""

from __future__ import annotations

import threading
from typing import Any

from dovetail_experiment_tracker_mlflow import MlflowExperimentTracker


def log_from_threads(settings: dict[str, Any], run_id: str, process: int, threads: int, count: int, begun: Any) -> None:
    """Log `count` points from each of some threads, each to a metric of its own, once all who wait for `begun` do."""
    with MlflowExperimentTracker(**settings) as tracker, tracker.attach(run_id) as run:
        begun.wait(120)

        def log(number: int) -> None:
            for step in range(count):
                run.log_metric(f"{process}-{number}", step + 0.5, step=step)

        working = [threading.Thread(target=log, args=(number,)) for number in range(threads)]
        for thread in working:
            thread.start()
        for thread in working:
            thread.join()

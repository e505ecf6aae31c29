"""Calls of the public methods of a tracker, on a run of their own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from dovetail_conformance import Operation
from dovetail_core import new_id
from dovetail_experiment_tracker.capabilities import ExperimentTrackerCapability as Capability
from dovetail_experiment_tracker.interface import ExperimentTracker
from dovetail_experiment_tracker.run import Run


class Calls:
    """Makes the operations of one tracker; each finds the run that it needs, or starts it."""

    def __init__(self, tracker: ExperimentTracker) -> None:
        self._tracker = tracker
        self._experiment = f"calls-{new_id()}"
        self._runs: dict[str, Run] = {}

    def operations(self) -> list[Operation]:
        """Return an operation per public method."""
        tracker = self._tracker
        found = [
            Operation("start_run", self._start, lambda: len(self._runs)),
            Operation("log_metric", self._log, lambda: self._count("log_metric")),
            Operation("log_params", lambda: self._on("log_params", lambda run: run.log_params({"a": [1, None]}))),
            Operation("set_tags", lambda: self._on("set_tags", lambda run: run.set_tags({"a": "b"}))),
            Operation("end", lambda: self._on("end", lambda run: tracker.attach(run.id).end())),
            Operation("get_run", lambda: self._on("get_run", lambda run: tracker.get_run(run.id))),
            Operation("metric_history", lambda: self._on("log_metric", lambda run: list(tracker.metric_history(run.id, "m")))),
            Operation("attach", lambda: self._on("attach", lambda run: tracker.attach(run.id).record)),
        ]
        if Capability.SEARCH in tracker.capabilities:
            found.append(Operation("search_runs", lambda: tracker.search_runs('name = "nobody"'), reads=True))
            found.append(Operation("experiments", lambda: tracker.experiments() and None))
        if Capability.ARTIFACTS in tracker.capabilities:
            found.append(Operation("log_artifact", lambda: self._on("log_artifact", _file)))
            found.append(Operation("list_artifacts", lambda: self._on("log_artifact", lambda run: tracker.list_artifacts(run.id))))
        return found

    def _start(self) -> None:
        self._runs["start_run"] = self._tracker.start_run("start_run", experiment=self._experiment)
        self._runs["start_run"].end()

    def _on(self, name: str, call: Callable[[Run], object]) -> object:
        """Return what a call on a run of that name returns, which is ended at once, so that none is left running."""
        run = self._runs.get(name)
        if run is None:
            with self._tracker.start_run(name, experiment=self._experiment) as run:
                self._runs[name] = run
        return call(self._tracker.attach(run.id))

    def _log(self) -> None:
        def log(run: Run) -> None:
            run.log_metric("m", 1.5)
            run.flush()

        self._on("log_metric", log)

    def _count(self, name: str) -> int:
        return len(list(self._tracker.metric_history(self._runs[name].id, "m")))


def _file(run: Run) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "file.txt")
        file.write_text("text")
        run.log_artifact(file)

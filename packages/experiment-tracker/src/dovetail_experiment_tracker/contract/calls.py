"""Calls of the public methods of a tracker, on a run of their own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from dovetail_conformance import Operation
from dovetail_core import new_id, utcnow
from dovetail_experiment_tracker.capabilities import ExperimentTrackerCapability as Capability
from dovetail_experiment_tracker.interface import ExperimentTracker
from dovetail_experiment_tracker.records import ArtifactInfo, MetricPoint, RunRecord, RunStatus
from dovetail_experiment_tracker.run import Run


class Calls:
    """Makes the operations of one tracker; each is prepared by the run that it needs."""

    def __init__(self, tracker: ExperimentTracker) -> None:
        self._tracker = tracker
        self._experiment = f"calls-{new_id()}"
        self._records: dict[str, RunRecord] = {}

    def operations(self) -> list[Operation]:
        """Return an operation per public method."""
        tracker, run = self._tracker, self._run
        searches = Capability.SEARCH in tracker.capabilities
        found = [
            Operation("start_run", self._start, self._started if searches else None),
            Operation("log_metric", self._log, self._logged, prepare=self._begun("log_metric")),
            Operation("log_params", lambda: run("log_params").log_params({"a": [1, None]}), prepare=self._begun("log_params")),
            Operation("set_tags", lambda: run("set_tags").set_tags({"a": "b"}), prepare=self._begun("set_tags")),
            Operation("end", lambda: run("end").end(), prepare=self._begun("end")),
            Operation("get_run", lambda: tracker.get_run(run("get_run").id), reads=True, prepare=self._begun("get_run")),
            Operation("metric_history", self._history, reads=True, prepare=self._with_a_point),
            Operation("attach", lambda: tracker.attach(run("attach").id).record, reads=True, prepare=self._begun("attach")),
        ]
        if searches:
            found.append(Operation("search_runs", lambda: tracker.search_runs('name = "nobody"'), reads=True))
            found.append(Operation("experiments", lambda: tracker.experiments() and None, reads=True))
        if Capability.ARTIFACTS in tracker.capabilities:
            found.append(Operation("log_artifact", lambda: _log_file(run("log_artifact")), prepare=self._begun("log_artifact")))
            found.append(Operation("list_artifacts", self._files, reads=True, prepare=self._with_a_file))
        return found

    # What a call needs

    def _begun(self, name: str) -> Callable[[ExperimentTracker], object]:
        """Return what starts a run of that name, if there is none, and ends it at once, so that none is left running."""

        def begin(tracker: ExperimentTracker) -> None:
            if name not in self._records:
                with tracker.start_run(name, experiment=self._experiment) as run:
                    self._records[name] = run.record

        return begin

    def _with_a_point(self, tracker: ExperimentTracker) -> None:
        if "metric_history" not in self._records:
            self._begun("metric_history")(tracker)
            _log_point(tracker.attach(self._records["metric_history"].id))

    def _with_a_file(self, tracker: ExperimentTracker) -> None:
        if "list_artifacts" not in self._records:
            self._begun("list_artifacts")(tracker)
            _log_file(tracker.attach(self._records["list_artifacts"].id))

    def _run(self, name: str) -> Run:
        """Return a run as `attach` would, without asking for it; one that nobody started if there is none of that name."""
        there = RunRecord(new_id(), self._experiment, name, RunStatus.RUNNING, utcnow())
        record = self._records.get(name, there)
        tracker = self._tracker
        return tracker.run_class(tracker, record, owned=False, buffered=tracker._is_buffered(None), autolog=False)

    # The calls

    def _start(self) -> None:
        run = self._tracker.start_run("start_run", experiment=self._experiment)
        self._records["start_run"] = run.record
        run.end()

    def _log(self) -> None:
        _log_point(self._run("log_metric"))

    def _history(self) -> list[MetricPoint]:
        return list(self._tracker.metric_history(self._run("metric_history").id, "m"))

    def _files(self) -> list[ArtifactInfo]:
        return self._tracker.list_artifacts(self._run("list_artifacts").id)

    # What they bring about

    def _started(self) -> int:
        return len(self._tracker.search_runs(experiments=[self._experiment]).items)

    def _logged(self) -> int:
        return len(list(self._tracker.metric_history(self._records["log_metric"].id, "m")))


def _log_point(run: Run) -> None:
    run.log_metric("m", 1.5)
    run.flush()


def _log_file(run: Run) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "file.txt")
        file.write_text("text")
        run.log_artifact(file)

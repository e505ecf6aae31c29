"""With `on_outage: buffer`, an outage fails nobody, and what was logged in it is stored in its order."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest

from dovetail_core import Conflict
from dovetail_experiment_tracker import InMemoryExperimentTracker
from dovetail_experiment_tracker.testing import MemoryHarness


def test_more_parameters_than_one_call_takes_are_stored_after_an_outage() -> None:
    harness, wanted = MemoryHarness(), {f"p{number}": number for number in range(17)}
    with harness.make(on_outage="buffer", outage_seconds=1.0) as tracker:
        run = tracker.start_run()
        with harness.outage(tracker):
            run.log_params(wanted)
        run.flush()
        assert dict(tracker.get_run(run.id).params) == wanted
        with pytest.raises(Conflict, match="p3"):
            run.log_params({**wanted, "new": 1, "p3": 4})
        assert dict(tracker.get_run(run.id).params) == wanted


class Slow(InMemoryExperimentTracker):
    """Sets a tag when it may."""

    def setup(self) -> None:
        super().setup()
        self.begun, self.go_on = threading.Event(), threading.Event()

    def _set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        super()._get_run(run_id)
        if tags.get("stage") == "first":
            self.begun.set()
            self.go_on.wait(10)
        super()._set_tags(run_id, tags)


def test_a_tag_does_not_overtake_those_that_wait() -> None:
    harness = MemoryHarness()
    harness.flavor = Slow  # type: ignore[misc]
    with harness.make(on_outage="buffer") as tracker:
        assert isinstance(tracker, Slow)
        run = tracker.start_run()
        with harness.outage(tracker):
            for stage in ("zero", "first", "training"):
                run.set_tag("stage", stage)
        assert tracker.begun.wait(30)
        run.set_tag("stage", "done")
        tracker.go_on.set()
        run.flush()
        assert tracker.get_run(run.id).tags == {"stage": "done"}

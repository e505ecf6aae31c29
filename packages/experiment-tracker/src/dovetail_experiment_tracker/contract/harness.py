"""What a harness of an experiment tracker supplies beyond what every harness does."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from dovetail_conformance import Harness
from dovetail_conformance.instruments import ResetAfter, ResetBefore
from dovetail_experiment_tracker.interface import ExperimentTracker


class ExperimentTrackerHarness(Harness):
    """Base of the harnesses of experiment trackers. `impatient` holds settings with which a call gives up within seconds."""

    impatient: Mapping[str, object] = {"outage_seconds": 1.0}

    def outage(self, component: ExperimentTracker) -> AbstractContextManager[Any]:
        """Return what makes the backend be away, for writing at least, within a block."""
        return self.proxy.fault(ResetBefore(), times=None)  # type: ignore[no-any-return]

    def lost_answer(self, component: ExperimentTracker) -> AbstractContextManager[Any]:
        """Return what applies the first write within a block and loses its answer."""
        return self.proxy.fault(ResetAfter(), times=1)  # type: ignore[no-any-return]

    def foreign_environment(self) -> Mapping[str, str]:
        """Return environment variables by which an outer system might redirect the backend's client; the suite adds the usual ones."""
        return {}

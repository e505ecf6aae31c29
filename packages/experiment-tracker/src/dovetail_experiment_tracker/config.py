"""Settings that experiment trackers share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dovetail_core import ComponentConfig


class ExperimentTrackerConfig(ComponentConfig):
    """Base of the settings of every experiment tracker."""

    experiment: str = Field(default="default", min_length=1, max_length=255, description="Experiment of runs that name none.")


class BufferedTrackerConfig(ExperimentTrackerConfig):
    """Base of the settings of trackers that declare ASYNC."""

    buffered: bool = Field(
        default=True, description="Whether metric points are sent in the background; else a call returns when they are stored."
    )
    buffer_points: int = Field(default=100_000, ge=1, le=10_000_000, description="Most metric points that wait to be sent.")
    flush_seconds: float = Field(default=1.0, gt=0, le=600, description="Seconds that a point waits at most before it is sent.")
    on_outage: Literal["raise", "buffer"] = Field(
        default="raise",
        description="What logging does while the backend is away: `raise` an error, or `buffer` what fits and say at the end what was lost.",
    )
    outage_seconds: float = Field(
        default=30.0, gt=0, le=3600, description="Seconds for which a call, or the end of a run, tries to reach a backend that is away."
    )

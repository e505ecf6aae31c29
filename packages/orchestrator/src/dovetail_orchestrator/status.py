"""How far a run is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dovetail_core import Failure
from dovetail_orchestrator.plan import StepState


@dataclass(frozen=True)
class StepStatus:
    """How far a step is."""

    state: StepState = StepState.PENDING
    """How the step is, or how it ended."""
    attempt: int = 0
    """Number of the latest attempt, 0 before the first."""
    failure: Failure | None = None
    """Why the latest attempt that failed did so; of a running step, why it is tried again."""
    reason: str = ""
    """Why it is skipped or cancelled, for people."""


@dataclass(frozen=True)
class RunStatus:
    """How far a run and its steps are."""

    run_id: str
    """Id of the run."""
    state: StepState
    """Never `cached` or `skipped`."""
    steps: Mapping[str, StepStatus] = field(default_factory=dict)
    """How far each step is, by its name."""
    failure: Failure | None = None
    """Why the run as a whole failed, where no step of it did."""

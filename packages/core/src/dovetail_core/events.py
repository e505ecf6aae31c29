"""What hook plugins are told about runs and steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Failure:
    """Why something failed, as plain data."""

    kind: str
    """The exception's type, or `Killed`, `Timeout`, `Lost`."""
    message: str
    traceback: str = ""
    retryable: bool = True
    """Whether another attempt may help; as with errors, False says that it will not."""


@dataclass(frozen=True)
class RunEvent:
    """A run of a pipeline began (`state` is `running`) or ended."""

    run_id: str
    run_name: str
    pipeline: str
    state: str
    at: datetime
    duration: float | None = None
    """Seconds, once the run has ended."""
    failure: Failure | None = None


@dataclass(frozen=True)
class StepEvent:
    """A step began, ended, or will be tried again (`state` is `retrying`)."""

    run_id: str
    run_name: str
    pipeline: str
    step: str
    attempt: int
    state: str
    at: datetime
    duration: float | None = None
    """Seconds, once the attempt has ended."""
    failure: Failure | None = None

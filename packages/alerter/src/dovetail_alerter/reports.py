"""What became of a run or a step, as alerters are told it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dovetail_alerter.alerts import Link
from dovetail_core import Failure, RunEvent, StepEvent


@dataclass(frozen=True)
class RunReport:
    """What became of a run of a pipeline, or of one of its steps. Any text is taken: what cannot be sent is replaced when it is rendered."""

    pipeline: str
    """Name of the pipeline."""
    run_id: str
    """Id of the run."""
    state: str
    """As in core's events: `running`, `succeeded`, `failed`, `cancelled`, and of a step `cached`, `skipped`, `retrying`."""
    run_name: str = ""
    """Name of the run; empty: not said."""
    step: str = ""
    """Empty: it is about the whole run."""
    attempt: int = 0
    """Of the step; 0: not said."""
    failure: Failure | None = None
    """Why it failed, if it did."""
    log_lines: tuple[str, ...] = ()
    """The last lines of the log."""
    duration: float | None = None
    """Seconds."""
    links: tuple[Link, ...] = ()
    """Addresses to read on at."""
    command: str = ""
    """What to type to see more, such as `dovetail runs show 0197`."""
    failed_steps: tuple[str, ...] = ()
    """Of a run: the steps that failed."""

    @classmethod
    def of(cls, event: RunEvent | StepEvent, *, log_lines: Iterable[str] = (), links: Iterable[Link] = (), command: str = "") -> RunReport:
        """Return what an event tells, with what its sender knows besides."""
        step, attempt = (event.step, event.attempt) if isinstance(event, StepEvent) else ("", 0)
        return cls(
            event.pipeline, event.run_id, event.state, event.run_name, step, attempt,
            event.failure, tuple(log_lines), event.duration, tuple(links), command,
        )  # fmt: skip

"""What an orchestrator is given: a plan, which is plain data, and a launcher, which executes one attempt of one step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import Any, ClassVar, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dovetail_core import Failure, closest
from dovetail_core.jobs import RetryPolicy
from dovetail_core.resources import Resources

PLAN_VERSION = 1


class StepState(StrEnum):
    """State of a step, or of a run (which is never `cached` or `skipped`). It only ever advances."""

    PENDING = "pending"
    """Not begun."""
    RUNNING = "running"
    """Begun, and not ended."""
    SUCCEEDED = "succeeded"
    """Executed, and its outputs are committed."""
    CACHED = "cached"
    """Of a step: an earlier execution's outputs were taken."""
    SKIPPED = "skipped"
    """Of a step: something before it did not succeed."""
    FAILED = "failed"
    """Ended by an error, for good."""
    CANCELLED = "cancelled"
    """Stopped because somebody asked for it, or because something else failed."""

    @property
    def terminal(self) -> bool:
        """Whether nothing follows."""
        return self not in (StepState.PENDING, StepState.RUNNING)

    @property
    def good(self) -> bool:
        """Whether what comes after may start."""
        return self in (StepState.SUCCEEDED, StepState.CACHED)


class StepPlan(BaseModel):
    """One step, as far as an orchestrator needs to know it."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, description="Unique in the plan.")
    upstream: tuple[str, ...] = Field(default=(), description="Steps that must have succeeded before.")
    resources: Resources = Resources()
    """What an attempt needs."""
    retry: RetryPolicy = RetryPolicy()
    """How often a failed attempt is tried again, and after how long."""
    timeout: float | None = Field(default=None, gt=0, description="Seconds that one attempt may take.")
    isolated: bool = Field(default=False, description="Whether it must have a process of its own.")
    operator: str | None = Field(default=None, description="Name of the step operator that executes it.")
    settings: dict[str, Any] = Field(default_factory=dict, description="Settings for the orchestrator's flavor.")


class PipelinePlan(BaseModel):
    """The steps of a run and their order. Refuses unknown or repeated names and cycles when it is made."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    version: int = PLAN_VERSION
    """Version of the format of plans."""
    run_id: str
    """Id of the run."""
    pipeline: str
    """Name of the pipeline."""
    steps: tuple[StepPlan, ...]
    """The steps, in any order."""
    failure_mode: Literal["fail_fast", "continue"] = "fail_fast"
    """Whether a step that fails for good stops the rest of the run."""

    @field_validator("version")
    @classmethod
    def _known_version(cls, version: int) -> int:
        if version != PLAN_VERSION:
            raise ValueError(f"the plan has version {version}, and this package knows version {PLAN_VERSION}")
        return version

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        """Refuse what has no order: the steps must form an acyclic graph."""
        graph = {step.name: step.upstream for step in self.steps}
        if len(graph) < len(self.steps):
            counts = Counter(step.name for step in self.steps)
            raise ValueError("several steps are called " + ", ".join(f"'{name}'" for name, count in counts.items() if count > 1))
        if unknown := [(name, other) for name, upstream in graph.items() for other in upstream if other not in graph]:
            what = (f"step '{name}' comes after '{other}', which is not in the plan{closest(other, graph)}" for name, other in unknown)
            raise ValueError("; ".join(what))
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            raise ValueError("steps wait for each other: " + " before ".join(f"'{name}'" for name in error.args[1])) from None
        return self


@dataclass(frozen=True)
class StepResult:
    """How an attempt ended: `succeeded`, `cached`, `failed` or `cancelled`."""

    state: StepState
    """How it ended."""
    failure: Failure | None = None
    """Why it failed, if it did."""
    retry: bool = True
    """Of a failed one: whether another attempt may help."""


@dataclass(frozen=True)
class Command:
    """A command that executes one attempt of a step in a process of its own; `environment` is added to what the flavor gives."""

    arguments: tuple[str, ...]
    """The program and its arguments; no shell takes part."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables by name."""


class StepInterrupted(BaseException):
    """Raised inside an attempt that an orchestrator stops in this process; like KeyboardInterrupt, it is not for a step to catch."""


class LogSink(Protocol):
    """Takes what an attempt prints; may be called from any thread.

    Bounded: past its limit, output is counted and dropped, and the log's last line says so.
    """

    def write(self, data: bytes) -> None:
        """Append bytes. Never raises: an attempt does not fail for its log."""
        ...


class Launcher(Protocol):
    """Executes attempts of steps, and keeps the record. Given by whoever submits a plan; called from any thread.

    Who records what: a launcher (or its command) records that an attempt begins, and success, as part of the commit of its outputs.
    It records nothing else by itself. Of every attempt that did not succeed, however it was executed, and of every step that is
    skipped or cancelled, the orchestrator tells it by `ended`; what `ended` was told is the record. Attempts are numbered from 1.
    """

    def __call__(self, step: str, attempt: int, log: LogSink) -> StepResult:
        """Execute an attempt in this process, and return how it ended; `succeeded` and `cached` are committed when it returns.

        Raises nothing but KeyboardInterrupt, SystemExit and `StepInterrupted`, of which none leads to another attempt. Executes in a
        copy of the context (PEP 567) in which the plan was submitted.
        """
        ...

    def command(self, step: str, attempt: int) -> Command | None:
        """Return the command that executes an attempt, or None if the step can only execute in this process.

        Attempt 0 asks only whether there is one: nothing begins. Otherwise the command is started at once, and once.
        """
        ...

    def result(self, step: str, attempt: int) -> StepResult | None:
        """Return what an attempt committed or how it says that it failed, or None if it left nothing: then it failed, whatever its
        exit code. Asked after a command has ended, and after an attempt in this process was interrupted."""
        ...

    def ended(self, step: str, attempt: int, result: StepResult, final: bool) -> None:
        """Record an end that is no success: `result.state` is `failed`, `cancelled` or `skipped`.

        Attempt 0: the step never began. Not `final`: another attempt follows. A step that is cancelled while it waits for its next
        attempt is told with the attempt before, which was told already as failed. Called once per end, from one thread at a time; a
        `retryable` error is retried for a while, others are logged.
        """
        ...

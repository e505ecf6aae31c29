"""The plan of a run: all that is needed to execute its steps elsewhere, as plain data."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from dovetail_orchestrator.plan import PipelinePlan, StepPlan

RUN_PLAN_VERSION = 1


class CodeReference(BaseModel):
    """Where a function is found again."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    module: str
    qualname: str
    importable: bool = Field(description="Whether another process finds it by these names.")


class OutputReference(BaseModel):
    """An output of a step."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    step: str
    output: str


class InputPlan(BaseModel):
    """What an argument is given: one output, or a list of them."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    sources: tuple[OutputReference, ...]
    collected: bool = False


class RunStep(BaseModel):
    """One step of a run."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    plan: StepPlan
    code: CodeReference
    fingerprint: str = Field(description="Digest of the step's code; empty if it cannot be told: the step is then never cached.")
    inputs: dict[str, InputPlan] = Field(default_factory=dict)
    parameters: dict[str, Any] = Field(default_factory=dict, description="JSON data; typed by the function's annotations.")
    outputs: tuple[str, ...] = ()
    cache: bool = True
    environment: dict[str, str] = Field(default_factory=dict)
    experiment_tracker: bool | str | None = Field(
        default=None, description="True or a tracker's name: tracked from the beginning; None: if the step asks for it; False: never."
    )

    @property
    def name(self) -> str:
        """The step's name, unique in the run."""
        return self.plan.name


class CodeArchive(BaseModel):
    """The project's code in the artifact store."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    key: str
    digest: str


class RunPlan(BaseModel):
    """A compiled pipeline. Steps stand in an order in which they can run."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    version: int = RUN_PLAN_VERSION
    pipeline: str
    code: CodeReference
    source_root: str | None = Field(
        default=None, description="Directory from which the project's modules are imported; None if they are installed."
    )
    archive: CodeArchive | None = None
    failure_mode: Literal["fail_fast", "continue"] = "fail_fast"
    parameters: dict[str, Any] = Field(default_factory=dict, description="The pipeline's own arguments, as JSON data.")
    options: dict[str, Any] = Field(default_factory=dict, description="What `RunOptions` were set, as JSON data, for resuming the run.")
    allow_pickle: bool = False
    steps: tuple[RunStep, ...] = ()

    def step(self, name: str) -> RunStep:
        """Return a step by name; KeyError if there is none."""
        return {step.name: step for step in self.steps}[name]

    def for_orchestrator(self, run_id: str, without: frozenset[str] = frozenset()) -> PipelinePlan:
        """Return what the orchestrator executes: the steps but those in `without`, which are done."""
        steps = (step.plan for step in self.steps if step.name not in without)
        kept = tuple(step.model_copy(update={"upstream": tuple(n for n in step.upstream if n not in without)}) for step in steps)
        return PipelinePlan(run_id=run_id, pipeline=self.pipeline, steps=kept, failure_mode=self.failure_mode)

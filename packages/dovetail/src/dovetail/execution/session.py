"""What everything that executes a run's steps shares: the plan, the stores, and the artifacts that there are."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dovetail.cache_keys import provenance_keys
from dovetail.materializers import Registry
from dovetail.plan import InputPlan, RunPlan, RunStep
from dovetail.signature import Signature
from dovetail_artifact_store import ArtifactStore
from dovetail_core import NotFound
from dovetail_core.stack_instance import Stack
from dovetail_metadata_store import MetadataStore
from dovetail_metadata_store.records import Artifact, Link, Run, StepRun

Function = Callable[..., Any]


def run_prefix(run_id: str) -> str:
    """Return where the artifacts of a run are in the artifact store."""
    return f"runs/{run_id}"


class RunSession:
    """One run, as one process sees it.

    `functions` gives a step's function and signature by the step's name.
    """

    def __init__(self, run: Run, plan: RunPlan, stack: Stack, functions: Callable[[str], tuple[Function, Signature]]) -> None:
        self.run = run
        self.plan = plan
        self.stack = stack
        self.functions = functions
        self.metadata: MetadataStore = stack.metadata_store
        self.store: ArtifactStore = stack.artifact_store
        self.registry: Registry = Registry(allow_pickle=plan.allow_pickle)
        self._steps = {step.name: step for step in plan.steps}
        self._positions = {step.name: position for position, step in enumerate(plan.steps)}
        self._outputs: dict[str, Mapping[str, Artifact]] = {}
        self._lock = threading.Lock()

    @functools.cached_property
    def provenance(self) -> Mapping[str, str]:
        """Provenance keys, by step; a step that this run took over from the one that it continues keeps its own. Ask once these are committed."""
        if self.run.resumed_from is None:
            return provenance_keys(self.plan)
        records = self.metadata.get_steps(self.run.id)
        return provenance_keys(self.plan, {record.name: record.provenance_key for record in records if record.state.good})

    def step(self, name: str) -> RunStep:
        """Return a step of the plan."""
        return self._steps[name]

    def position(self, name: str) -> int:
        """Return a step's place in the plan."""
        return self._positions[name]

    def know(self, name: str, outputs: Iterable[Link]) -> None:
        """Remember what a step gave."""
        with self._lock:
            self._outputs[name] = {link.name: link.artifact for link in outputs}

    def know_record(self, record: StepRun) -> None:
        """Remember what a step gave, if it is committed."""
        if record.state.good:
            self.know(record.name, record.outputs)

    def artifacts(self, given: InputPlan) -> list[Artifact]:
        """Return what an argument is given. Raises `NotFound` if a step before has not committed it."""
        return [self._artifact(source.step, source.output) for source in given.sources]

    def _artifact(self, step: str, output: str) -> Artifact:
        if step not in self._outputs:
            self.know_record(self.metadata.get_step(self.run.id, step))
        found = self._outputs.get(step, {}).get(output)
        if found is None:
            raise NotFound(f"step '{step}' of run '{self.run.name}' has not committed its output '{output}'", remedy="run that step first")
        return found

"""Runs that were recorded: looked up by name or id, in any process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from dovetail.execution.resumption import reconciled
from dovetail.materializers import Registry, load
from dovetail.project import Project
from dovetail_core import NotFound
from dovetail_core.stack_instance import Stack
from dovetail_metadata_store.records import Artifact, Lineage, Page, Run, State, StepRun


class OutputView:
    """An output of a step of a run."""

    def __init__(self, artifact: Artifact, stack: Stack, allow_pickle: bool) -> None:
        self.artifact = artifact
        self._stack = stack
        self._allow_pickle = allow_pickle

    def load(self) -> Any:
        """Return the value. Raises `NotFound` if its bytes are gone, and `IntegrityError` if they are not the recorded ones."""
        return load(self.artifact, self._stack.artifact_store, registry=Registry(allow_pickle=self._allow_pickle))

    def lineage(self, direction: str = "up", depth: int | None = None) -> Lineage:
        """Return the artifacts that lead to this one (`up`), come of it (`down`), or `both`."""
        found: Lineage = self._stack.metadata_store.lineage(self.artifact.id, direction, depth)
        return found

    def __repr__(self) -> str:
        return f"<output {self.artifact.output} of {self.artifact.step}: {self.artifact.type}, {self.artifact.size} bytes>"


class StepView:
    """A step of a run."""

    def __init__(self, record: StepRun, run: RunView) -> None:
        self.record = record
        self._run = run

    @property
    def state(self) -> State:
        """How far it is."""
        return self.record.state

    @cached_property
    def outputs(self) -> Mapping[str, OutputView]:
        """Its outputs, by name; empty until they are committed."""
        return {link.name: self._run.output(link.artifact) for link in self.record.outputs}

    @property
    def metadata(self) -> dict[str, Any]:
        """What the step recorded of itself."""
        found: dict[str, Any] = self._run.stack.metadata_store.get_metadata(self.record.run_id, step=self.record.name)
        return found

    def logs(self, attempt: int | None = None) -> Iterator[str]:
        """Yield the lines of an attempt's log, by default the latest one's; a cached step's are in the run that executed it."""
        run, step = self._executed()
        lines: Iterator[str] = self._run.stack.orchestrator.logs(run, step, attempt)
        return lines

    def _executed(self) -> tuple[str, str]:
        """Return the run and the name of the step whose execution gave the outputs; in that run it may have been another step."""
        record = self.record
        if record.source_run is None:
            return record.run_id, record.name
        if record.outputs:
            return record.source_run, record.outputs[0].artifact.step
        try:
            there = self._run.stack.metadata_store.get_steps(record.source_run)
        except NotFound:  # deleted, and its logs may still be there
            there = []
        same = [step.name for step in there if step.cache_key is not None and step.cache_key == record.cache_key]
        return record.source_run, same[0] if same and record.name not in same else record.name

    def __repr__(self) -> str:
        return f"<step {self.record.name}: {self.record.state.value}>"


class RunView:
    """A run, as it was recorded when this was made; `refresh()` looks again."""

    def __init__(self, record: Run, stack: Stack, allow_pickle: bool = False) -> None:
        self.record = record
        self.stack = stack
        self._allow_pickle = allow_pickle

    @property
    def id(self) -> str:
        """Its identifier."""
        return self.record.id

    @property
    def name(self) -> str:
        """Its name, unique in the metadata store."""
        return self.record.name

    @property
    def state(self) -> State:
        """How far it is."""
        return self.record.state

    @cached_property
    def steps(self) -> Mapping[str, StepView]:
        """Its steps by name, in the order of the plan."""
        return {step.name: StepView(step, self) for step in self.stack.metadata_store.get_steps(self.id)}

    @property
    def metadata(self) -> dict[str, Any]:
        """What was recorded of the run."""
        found: dict[str, Any] = self.stack.metadata_store.get_metadata(self.id)
        return found

    def output(self, artifact: Artifact) -> OutputView:
        """Return a view of an artifact."""
        return OutputView(artifact, self.stack, self._allow_pickle)

    def refresh(self) -> RunView:
        """Return the run as it is recorded now; one whose process is dead is recorded as failed."""
        store = self.stack.metadata_store
        return RunView(reconciled(store.get_run(self.id), store), self.stack, self._allow_pickle)

    def cancel(self) -> RunView:
        """Stop the run, wherever its process is, and return it; nothing happens to one that has ended."""
        run = self.refresh()
        if not run.state.terminal:
            self.stack.metadata_store.request_cancel(self.id)
            self.stack.orchestrator.cancel(self.id)
        return run.refresh()

    def delete(self) -> int:
        """Delete the record of the run, the artifacts that no other run uses, and states and logs where the orchestrator can.

        Returns the number of artifacts. Raises `Conflict` while it runs.
        """
        from dovetail.execution.deletion import delete_run

        return delete_run(self.refresh().record, self.stack)

    def __repr__(self) -> str:
        return f"<run {self.name}: {self.state.value}>"


class RunHistory:
    """The runs in a stack's metadata store; by default the active stack of the project around the working directory."""

    def __init__(self, stack: Stack | None = None, project: Project | None = None) -> None:
        project = project or Project.find()
        self.stack: Stack = stack or project.stack()
        self._allow_pickle = project.allow_pickle

    def view(self, run: Run) -> RunView:
        """Return a view of a record."""
        return RunView(run, self.stack, self._allow_pickle)

    def get(self, name_or_id: str) -> RunView:
        """Return a run by its name, its id, or the beginning of its id. Raises `NotFound`."""
        store = self.stack.metadata_store
        return self.view(reconciled(store.find_run(name_or_id), store))

    def search(self, **filters: Any) -> Page[RunView]:
        """Return a page of runs, newest first; the filters are those of `MetadataStore.search_runs`."""
        store = self.stack.metadata_store
        page = store.search_runs(**filters)
        return Page(tuple(self.view(reconciled(run, store)) for run in page.items), page.token)


def get_run(name_or_id: str) -> RunView:
    """Return a run of the active stack by its name, its id, or the beginning of its id. Raises `NotFound`."""
    return RunHistory().get(name_or_id)

"""A metadata store in memory: the contract in code, and what tests of other software use."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from pydantic import Field

from dovetail_core import AlreadyExists, ComponentConfig, Conflict, Failure, NotFound, Reach
from dovetail_metadata_store import documents, memory_queries
from dovetail_metadata_store.capabilities import MetadataStoreCapability as Capability
from dovetail_metadata_store.interface import MetadataStore
from dovetail_metadata_store.lineage import RecordedEdge
from dovetail_metadata_store.primitives import Found
from dovetail_metadata_store.queries import ArtifactQuery, Position, RunQuery
from dovetail_metadata_store.records import Artifact, Attempt, Link, Owner, Run, State, StepCommit, StepRun
from dovetail_metadata_store.transitions import LOST, run_advances, run_conflict, step_begins, step_conflict, step_ends


@dataclass
class Space:
    """What stores of one name share."""

    runs: dict[str, Run] = field(default_factory=dict)
    plans: dict[str, str] = field(default_factory=dict)
    steps: dict[tuple[str, str], StepRun] = field(default_factory=dict)
    attempts: dict[tuple[str, str], list[Attempt]] = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    metadata: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)


class InMemoryMetadataStore(MetadataStore):
    """Records in the memory of this process. Stores that are configured with one `space` share them, and they end with the process."""

    flavor = "memory"
    capabilities: frozenset[Any] = frozenset({Capability.SEARCH})
    spaces: ClassVar[dict[str, Space]] = {}
    _guard: ClassVar[threading.Lock] = threading.Lock()

    class Config(ComponentConfig):
        """Settings of the metadata store in memory."""

        space: str = Field(default="default", description="Name of what stores share; another name, other records.")

    config: Config

    @classmethod
    def reach(cls, config: ComponentConfig) -> Reach:
        """Only this machine, and of it only this process."""
        return Reach.MACHINE

    @property
    def _space(self) -> Space:
        with self._guard:
            return self.spaces.setdefault(self.config.space, Space())

    def _now(self) -> datetime:
        return datetime.now(UTC)

    # Runs

    def _create_run(self, run: Run, steps: tuple[str, ...], plan: Mapping[str, Any]) -> Run:
        space, text = self._space, documents.encode(plan, "plan")
        parameters = documents.decode(documents.encode(run.parameters, "run.parameters"))
        with space.lock:
            known = space.runs.get(run.id)
            if known is not None:
                return self._created_before(known, replace(run, parameters=parameters), steps, text)
            if any(other.name == run.name for other in space.runs.values()):
                raise AlreadyExists(f"there is a run '{run.name}' already", remedy="choose another name, or delete that run")
            now = self._now()
            space.runs[run.id] = replace(
                run, created=now, updated=now, started=None, ended=None, heartbeat=None, cancel_requested=False, parameters=parameters
            )
            space.plans[run.id] = text
            for position, name in enumerate(steps):
                space.steps[run.id, name] = StepRun(run.id, name, position)
                space.attempts[run.id, name] = []
            return _given(space.runs[run.id])

    def _created_before(self, known: Run, run: Run, steps: tuple[str, ...], plan: str) -> Run:
        texts = [documents.encode(one.parameters, "run.parameters") for one in (known, run)]
        same = documents.same(*texts) and all(
            getattr(known, name) == getattr(run, name) for name in ("name", "pipeline", "stack", "resumed_from")
        )
        owned = known.owner == run.owner or known.state is not State.PENDING
        names = tuple(step.name for step in self._steps_of(run.id))
        if not (same and owned and names == steps and documents.same(plan, self._space.plans[run.id])):
            raise run_conflict(known, "was created with other values")
        return _given(known)

    def _get_plan(self, run_id: str) -> dict[str, Any]:
        self._run(run_id)
        plan: dict[str, Any] = documents.decode(self._space.plans[run_id])
        return plan

    def _get_run(self, run_id: str) -> Run:
        return _given(self._run(run_id))

    def _run(self, run_id: str) -> Run:
        try:
            return self._space.runs[run_id]
        except KeyError as error:
            raise NotFound(f"there is no run {run_id}", remedy="dovetail runs list shows the runs") from error

    def _find_runs(self, text: str, prefix: int, limit: int) -> list[Run]:
        with self._space.lock:
            runs = sorted(self._space.runs.values(), key=lambda run: run.id)
        exact = [run for run in runs if text in (run.id, run.name)]
        return exact or [run for run in runs if len(text) >= prefix and run.id.startswith(text)][:limit]

    def _transition_run(
        self, run_id: str, state: State, expected: Collection[State] | None, owner: Owner | None, failure: Failure | None
    ) -> Run:
        with self._space.lock:
            run = self._run(run_id)
            if not run_advances(run, state, expected, owner, failure):
                return _given(run)
            now = self._now()
            changed = replace(run, state=state, updated=now, failure=failure, owner=owner or run.owner)
            changed = replace(changed, ended=now) if state.terminal else replace(changed, started=now, heartbeat=now)
            self._space.runs[run_id] = changed
            return _given(changed)

    def _heartbeat(self, run_id: str) -> bool:
        with self._space.lock:
            run = self._run(run_id)
            if run.state is State.RUNNING:
                self._space.runs[run_id] = replace(run, heartbeat=self._now())
            return run.cancel_requested

    def _request_cancel(self, run_id: str) -> Run:
        with self._space.lock:
            run = self._run(run_id)
            if not run.state.terminal and not run.cancel_requested:
                run = self._space.runs[run_id] = replace(run, cancel_requested=True, updated=self._now())
            return _given(run)

    def _silent_runs(self, seconds: float) -> Sequence[Run]:
        with self._space.lock:
            runs = [run for run in self._space.runs.values() if run.state is State.RUNNING and run.heartbeat is not None]
        silent = [run for run in runs if run.heartbeat is not None and (self._now() - run.heartbeat).total_seconds() > seconds]
        return sorted(silent, key=lambda run: (run.created, run.id))

    def _delete_run(self, run_id: str) -> Sequence[Artifact]:
        space = self._space
        with space.lock:
            run = self._run(run_id)
            if run.state is State.RUNNING:
                raise run_conflict(run, "cannot be deleted", "wait until it has ended, or cancel it")
            used = [link.artifact.id for step in self._steps_of(run_id) for link in (*step.inputs, *step.outputs)]
            for step in self._steps_of(run_id):
                del space.steps[run_id, step.name], space.attempts[run_id, step.name]
            del space.runs[run_id], space.plans[run_id]
            space.metadata = {place: facts for place, facts in space.metadata.items() if place[0] != run_id}
            left = {link.artifact.id for step in space.steps.values() for link in (*step.inputs, *step.outputs)}
            return [space.artifacts.pop(gone) for gone in dict.fromkeys(used) if gone not in left]

    # Steps

    def _steps_of(self, run_id: str) -> list[StepRun]:
        return sorted((step for step in self._space.steps.values() if step.run_id == run_id), key=lambda step: step.position)

    def _step(self, run_id: str, name: str) -> StepRun:
        run = self._run(run_id)
        if (run_id, name) not in self._space.steps:
            raise NotFound(f"run '{run.name}' has no step '{name}'", remedy=f"dovetail runs describe {run.name}")
        return self._space.steps[run_id, name]

    def _begin_step(self, run_id: str, step: str, attempt: int) -> None:
        with self._space.lock:
            known, attempts = self._step(run_id, step), self._space.attempts.get((run_id, step), [])
            if not step_begins(known, attempts, self._run(run_id), attempt):
                return
            self._record_lost(run_id, step, attempt)
            now = self._now()
            attempts.append(Attempt(attempt, State.RUNNING, now, None))
            self._space.steps[run_id, step] = replace(known, state=State.RUNNING, attempt=attempt, started=known.started or now)

    def _record_lost(self, run_id: str, step: str, attempt: int) -> None:
        attempts = self._space.attempts[run_id, step]
        if attempts and attempts[-1].state is State.RUNNING and attempts[-1].number < attempt:
            attempts[-1] = replace(attempts[-1], state=State.FAILED, ended=self._now(), failure=LOST)

    def _end_step(self, run_id: str, step: str, attempt: int, state: State, failure: Failure | None, final: bool) -> None:
        with self._space.lock:
            known, attempts = self._step(run_id, step), self._space.attempts.get((run_id, step), [])
            if not step_ends(known, attempts, attempt, state, failure, final):
                return
            self._record_lost(run_id, step, attempt)
            now = self._now()
            self._record_end(attempts, attempt, state, failure, now)
            changed = replace(known, attempt=attempt, started=known.started or (None if final else now))
            if final:
                changed = replace(changed, state=state, ended=now, failure=failure)
            self._space.steps[run_id, step] = replace(changed, state=changed.state if final else State.RUNNING)

    def _record_end(self, attempts: list[Attempt], number: int, state: State, failure: Failure | None, now: datetime) -> None:
        if attempts and attempts[-1].number == number:
            if attempts[-1].state is State.RUNNING:
                attempts[-1] = replace(attempts[-1], state=state, ended=now, failure=failure)
        elif number > 0:
            attempts.append(Attempt(number, state, None, now, failure))

    def _commit_steps(self, commits: Sequence[StepCommit]) -> None:
        space = self._space
        with space.lock:
            pending = [commit for commit in commits if not self._committed(commit)]
            for commit in pending:
                self._check_links(commit, pending)
            for commit in pending:
                self._commit(commit)

    def _committed(self, commit: StepCommit) -> bool:
        """Tell whether a commit is recorded as it is. Raises `Conflict` if it may not be."""
        step = self._step(commit.run_id, commit.step)
        expected = State.CACHED if commit.source_run else State.SUCCEEDED
        if step.state.terminal:
            same = (step.state, step.attempt, step.cache_key, step.provenance_key, step.source_run, _ids(step.inputs), _ids(step.outputs)) == (
                expected, commit.attempt, commit.cache_key, commit.provenance_key, commit.source_run, _ids(commit.inputs), _ids(commit.outputs),
            )  # fmt: skip
            if same and all(_same(link.artifact, self._space.artifacts[link.artifact.id]) for link in commit.outputs if _new(link, commit)):
                return True
            raise step_conflict(step, f"cannot be committed by attempt {commit.attempt} with other values")
        attempts = self._space.attempts[commit.run_id, commit.step]
        under_way = bool(attempts) and attempts[-1] == replace(attempts[-1], number=commit.attempt, state=State.RUNNING)
        if not under_way and not (commit.attempt == 0 and step.state is State.PENDING):
            raise step_conflict(step, f"cannot be committed by attempt {commit.attempt}")
        return False

    def _check_links(self, commit: StepCommit, pending: Sequence[StepCommit]) -> None:
        fresh = [link.artifact.id for other in pending for link in other.outputs if _new(link, other)]
        if len(set(fresh)) != len(fresh) or any(one in self._space.artifacts for one in fresh):
            raise Conflict(
                f"the commit of '{commit.step}' has an artifact whose id is stored with other values", remedy="give it another id"
            )
        for link in (*commit.inputs, *commit.outputs):
            if link.artifact.id not in self._space.artifacts and link.artifact.id not in fresh:
                raise Conflict(f"the commit of '{commit.step}' refers to an artifact that is not stored", remedy="look it up again")

    def _commit(self, commit: StepCommit) -> None:
        now, place = self._now(), (commit.run_id, commit.step)
        for link in commit.outputs:
            if _new(link, commit):
                facts = documents.decode(documents.encode(link.artifact.metadata, "metadata"))
                self._space.artifacts[link.artifact.id] = replace(link.artifact, created=now, metadata=facts)
        attempts = self._space.attempts[place]
        if attempts and attempts[-1].state is State.RUNNING:
            attempts[-1] = replace(attempts[-1], state=State.CACHED if commit.source_run else State.SUCCEEDED, ended=now)
        self._space.steps[place] = replace(
            self._space.steps[place],
            state=State.CACHED if commit.source_run else State.SUCCEEDED,
            attempt=commit.attempt,
            ended=now,
            cache_key=commit.cache_key,
            provenance_key=commit.provenance_key,
            source_run=commit.source_run,
            inputs=_sorted(commit.inputs),
            outputs=_sorted(commit.outputs),
        )

    def _get_steps(self, run_id: str, name: str | None) -> Sequence[StepRun]:
        with self._space.lock:
            self._run(run_id)
            return [self._whole(step) for step in (self._steps_of(run_id) if name is None else [self._step(run_id, name)])]

    def _whole(self, step: StepRun) -> StepRun:
        """Return a step with its artifacts as they are stored."""
        return replace(step, inputs=self._linked(step.inputs), outputs=self._linked(step.outputs))

    def _linked(self, links: Iterable[Link]) -> tuple[Link, ...]:
        return tuple(replace(link, artifact=_copied(self._space.artifacts[link.artifact.id])) for link in links)

    def _get_attempts(self, run_id: str, step: str) -> Sequence[Attempt]:
        with self._space.lock:
            self._step(run_id, step)
            return list(self._space.attempts[run_id, step])

    def _find_cached(self, keys: Sequence[str]) -> Mapping[str, StepRun]:
        found: dict[str, StepRun] = {}
        with self._space.lock:
            for step in sorted(self._space.steps.values(), key=lambda step: (step.ended or _NEVER, step.run_id, step.name)):
                for key in {step.cache_key, step.provenance_key} & set(keys):
                    if key is not None and (step.cache_key == key or key not in found or found[key].cache_key != key):
                        found[key] = step
            return {key: self._whole(step) for key, step in found.items()}

    # Facts, artifacts, lineage

    def _put_metadata(self, run_id: str, entries: Mapping[str, Any], step: str | None) -> None:
        texts = {name: documents.encode(value, f"entries.{name}") for name, value in entries.items()}
        with self._space.lock:
            self._run(run_id) if step is None else self._step(run_id, step)
            self._space.metadata.setdefault((run_id, step or ""), {}).update(texts)

    def _get_metadata(self, run_id: str, step: str | None) -> dict[str, Any]:
        with self._space.lock:
            self._run(run_id) if step is None else self._step(run_id, step)
            facts = self._space.metadata.get((run_id, step or ""), {})
            return {name: documents.decode(facts[name]) for name in sorted(facts)}

    def _get_artifacts(self, ids: Sequence[str]) -> Iterable[Artifact]:
        return [_copied(self._space.artifacts[one]) for one in ids if one in self._space.artifacts]

    def _edges(self, artifacts: Sequence[str], direction: Literal["up", "down"]) -> Iterable[RecordedEdge]:
        wanted = set(artifacts)
        with self._space.lock:
            steps = list(self._space.steps.values())
        return [
            edge
            for step in steps
            for edge in memory_queries.edges_of(step)
            if (edge.edge.target if direction == "up" else edge.edge.source) in wanted
        ]

    # Listings

    def _search_runs(self, query: RunQuery, after: Position | None, limit: int) -> Found[Run]:
        with self._space.lock:
            found = [run for run in self._space.runs.values() if memory_queries.selected(run, query)]
        places = {run.id: (memory_queries.place(run, query.column), run.id) for run in found}
        ordered = sorted(found, key=lambda run: places[run.id], reverse=query.descending)
        beyond = [run for run in ordered if after is None or memory_queries.beyond(places[run.id], tuple(after), query.descending)]
        return Found([_given(run) for run in beyond[:limit]], places[beyond[limit - 1].id] if len(beyond) > limit else None)

    def _search_artifacts(self, query: ArtifactQuery, after: Position | None, limit: int) -> Found[Artifact]:
        with self._space.lock:
            found = sorted(
                (one for one in self._space.artifacts.values() if self._wanted(one, query)), key=lambda one: one.id, reverse=True
            )
        beyond = [one for one in found if after is None or one.id < str(after[0])]
        return Found([_copied(one) for one in beyond[:limit]], (beyond[limit - 1].id,) if len(beyond) > limit else None)

    def _wanted(self, one: Artifact, query: ArtifactQuery) -> bool:
        given = [link.artifact.id for step in self._space.steps.values() if step.run_id == query.run_id for link in step.outputs]
        run = self._space.runs.get(one.run_id)
        return (
            all(getattr(query, name) in (None, getattr(one, name)) for name in ("step", "output", "type", "materializer", "digest"))
            and (query.run_id is None or one.id in given)
            and (query.pipeline is None or (run is not None and run.pipeline == query.pipeline))
        )


_NEVER = datetime.min.replace(tzinfo=UTC)


def _given(run: Run) -> Run:
    """Return a run that its receiver may change."""
    return replace(run, parameters=documents.decode(documents.encode(run.parameters, "parameters")))


def _copied(artifact: Artifact) -> Artifact:
    return replace(artifact, metadata=documents.decode(documents.encode(artifact.metadata, "metadata")))


def _new(link: Link, commit: StepCommit) -> bool:
    return (link.artifact.run_id, link.artifact.step) == (commit.run_id, commit.step)


def _ids(links: Iterable[Link]) -> set[tuple[str, int, str]]:
    return {(link.name, link.index, link.artifact.id) for link in links}


def _same(one: Artifact, stored: Artifact) -> bool:
    text, other = documents.encode(one.metadata, "metadata"), documents.encode(stored.metadata, "metadata")
    return replace(one, created=None, metadata={}) == replace(stored, created=None, metadata={}) and documents.same(text, other)


def _sorted(links: Iterable[Link]) -> tuple[Link, ...]:
    return tuple(sorted(links, key=lambda link: (link.name, link.index)))

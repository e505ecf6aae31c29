"""Variants of metadata stores: each mutant has one small bug that exactly the named rules catch."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from dovetail_conformance.mutants import equivalent, mutant
from dovetail_core import AlreadyExists, DovetailError, Failure, IntegrityError, InvalidArgument, NotFound, Unavailable
from dovetail_metadata_store import Artifact, Owner, Run, SqliteMetadataStore, State, StepCommit, StepRun
from dovetail_metadata_store.lineage import RecordedEdge
from dovetail_metadata_store.listings import BATCH
from dovetail_metadata_store.memory import InMemoryMetadataStore
from dovetail_metadata_store.primitives import Found
from dovetail_metadata_store.queries import ArtifactQuery, Position, RunQuery
from dovetail_metadata_store.records import Page
from dovetail_metadata_store.testing import MemoryHarness, SqliteHarness
from dovetail_metadata_store.transitions import run_advances


@mutant("MS-01", of=MemoryHarness)
class CommitsOneByOne(InMemoryMetadataStore):
    """A batch is committed member by member."""

    def _commit_steps(self, commits: Sequence[StepCommit]) -> None:
        for commit in commits:
            super()._commit_steps([commit])


@mutant("MS-03", of=SqliteHarness)
class DamagedIsEmpty(SqliteMetadataStore):
    """A record that cannot be read is an empty one."""

    def _get_run(self, run_id: str) -> Run:
        try:
            return super()._get_run(run_id)
        except NotFound:
            raise
        except DovetailError as error:
            if "9999" in str(error):
                raise
            return Run(run_id, "", "", "")


@mutant("MS-03", of=SqliteHarness)
class OneDamagedOutputHidesAll(SqliteMetadataStore):
    """A look-up of several keys fails whole where one of the outputs cannot be read."""

    def _find_cached(self, keys: Sequence[str]) -> Mapping[str, StepRun]:
        found = {key: step for key in keys for key, step in super(OneDamagedOutputHidesAll, self)._find_cached([key]).items()}
        if len(found) < len(keys) and "harmed" in keys:
            raise IntegrityError("an artifact cannot be read")
        return found


@mutant("MS-04", of=MemoryHarness)
class GivesUpOnLocks(InMemoryMetadataStore):
    """A store that is written to is 'locked'."""

    def _commit_steps(self, commits: Sequence[StepCommit]) -> None:
        if not self._space.lock.acquire(timeout=0):
            raise Unavailable("the database is locked", remedy="try again")
        try:
            if commits and (commits[0].cache_key or "").count("-") == 2:
                time.sleep(0.003)
            super()._commit_steps(commits)
        finally:
            self._space.lock.release()


@mutant("MS-05", of=MemoryHarness)
class ReadsThenAdvances(InMemoryMetadataStore):
    """A state is read, and advanced later."""

    def _transition_run(
        self, run_id: str, state: State, expected: Collection[State] | None, owner: Owner | None, failure: Failure | None
    ) -> Run:
        run = self._run(run_id)
        if state is State.RUNNING or not run_advances(run, state, expected, owner, failure):
            return super()._transition_run(run_id, state, expected, owner, failure)
        time.sleep(0.01)
        now = self._now()
        changed = self._space.runs[run_id] = replace(run, state=state, updated=now, ended=now, failure=failure, owner=owner or run.owner)
        return changed


@mutant("MS-06", of=MemoryHarness)
class LooksThenCreates(InMemoryMetadataStore):
    """A name is looked for, and taken later."""

    def _create_run(self, run: Run, steps: tuple[str, ...], plan: Mapping[str, Any]) -> Run:
        if run.name != "wanted":
            return super()._create_run(run, steps, plan)
        if any(other.name == run.name for other in list(self._space.runs.values())):
            raise AlreadyExists("it is there", remedy="choose another")
        time.sleep(0.02)
        made = super()._create_run(replace(run, name=run.id), steps, plan)
        self._space.runs[run.id] = replace(made, name="wanted")
        return self._space.runs[run.id]


@mutant("MS-08", of=MemoryHarness)
class CreatesOnce(InMemoryMetadataStore):
    """A run that is created again is there already."""

    def _created_before(self, known: Run, run: Run, steps: tuple[str, ...], plan: str) -> Run:
        found = super()._created_before(known, run, steps, plan)
        if run.parameters == {"a": 1}:
            raise AlreadyExists("it is there", remedy="choose another id")
        return found


@mutant("MS-08", of=MemoryHarness)
class ComparesNothing(InMemoryMetadataStore):
    """A run that is created again with another plan is taken as it was."""

    def _created_before(self, known: Run, run: Run, steps: tuple[str, ...], plan: str) -> Run:
        return super()._created_before(known, run, steps, self._space.plans[run.id])


@mutant("MS-10", of=MemoryHarness)
class SkipsByOne(InMemoryMetadataStore):
    """Small pages of many leave one out."""

    def _search_runs(self, query: RunQuery, after: Position | None, limit: int) -> Found[Run]:
        found = super()._search_runs(query, after, limit)
        return Found(found.items[:-1], found.after) if limit == 7 and len(found.items) == 7 else found


@mutant("MS-11", of=MemoryHarness)
class EmptyLastPage(InMemoryMetadataStore):
    """A page that happens to be full promises another one."""

    def _search_runs(self, query: RunQuery, after: Position | None, limit: int) -> Found[Run]:
        found = super()._search_runs(query, after, limit)
        if limit == 3 and len(found.items) == 3 and found.after is None and found.items[0].pipeline.startswith("p"):
            last = found.items[-1]
            return Found(found.items, super()._search_runs(query, after, 2).after and (_created(last), last.id))
        return found


def _created(run: Run) -> int:
    from dovetail_core.timestamps import to_microseconds

    assert run.created is not None
    return to_microseconds(run.created)


class Searching(InMemoryMetadataStore):
    """Changes what is searched for."""

    def search_runs(
        self,
        *,
        pipeline: str | None = None,
        states: Collection[State] | None = None,
        name_contains: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        order: str = "-created",
        limit: int | None = 50,
        token: str | None = None,
    ) -> Page[Run]:
        given = {"pipeline": pipeline, "states": states, "name_contains": name_contains, "created_after": created_after}
        given |= {"created_before": created_before, "order": order, "limit": limit, "token": token}
        return super().search_runs(**self._changed(given))

    def _changed(self, given: dict[str, Any]) -> dict[str, Any]:
        return given


@mutant("MS-12", of=MemoryHarness)
class TakesAnyToken(Searching):
    """A token is good for any query."""

    def _changed(self, given: dict[str, Any]) -> dict[str, Any]:
        return {**given, "token": None} if given["token"] and given["order"] == "name" and given["limit"] == 50 else given


@mutant("MS-13", of=MemoryHarness)
class CapsAtFiveHundred(InMemoryMetadataStore):
    """Without a limit there is a silent one."""

    def _search_runs(self, query: RunQuery, after: Position | None, limit: int) -> Found[Run]:
        found = super()._search_runs(query, after, limit)
        return Found(found.items, None) if limit == 500 else found


@mutant("MS-14", of=MemoryHarness)
class NumbersOnly(InMemoryMetadataStore):
    """What is not a number becomes null."""

    def _get_metadata(self, run_id: str, step: str | None) -> dict[str, Any]:
        found = super()._get_metadata(run_id, step)
        return {name: None if isinstance(value, float) and value != value else value for name, value in found.items()}


@mutant("MS-15", of=MemoryHarness)
class BigIsFloat(InMemoryMetadataStore):
    """Large integers become floats."""

    def _get_metadata(self, run_id: str, step: str | None) -> dict[str, Any]:
        found = super()._get_metadata(run_id, step)
        return {name: float(value) if type(value) is int and value > 2**53 else value for name, value in found.items()}


@mutant("MS-16", of=MemoryHarness)
class NamesFoldCase(InMemoryMetadataStore):
    """Names of runs are compared without their case."""

    def _create_run(self, run: Run, steps: tuple[str, ...], plan: Mapping[str, Any]) -> Run:
        same = [other for other in self._space.runs.values() if other.name.lower() == run.name.lower() == "name" and other.id != run.id]
        if same:
            raise AlreadyExists("it is there", remedy="choose another")
        return super()._create_run(run, steps, plan)


@mutant("MS-17", of=MemoryHarness)
class ThreeByteText(InMemoryMetadataStore):
    """Characters of four bytes are replaced."""

    def _get_run(self, run_id: str) -> Run:
        run = super()._get_run(run_id)
        return replace(run, pipeline="".join(letter if ord(letter) < 0x10000 else "?" for letter in run.pipeline))


@mutant("MS-18", of=MemoryHarness)
class CutsLongTexts(InMemoryMetadataStore):
    """A text that is too long is cut."""

    def put_metadata(self, run_id: str, entries: Mapping[str, Any], step: str | None = None) -> None:
        super().put_metadata(run_id, {name: value[:1000] if isinstance(value, str) else value for name, value in entries.items()}, step)


@mutant("MS-19", of=MemoryHarness)
class PercentIsAny(InMemoryMetadataStore):
    """A percent sign stands for anything."""

    def _search_runs(self, query: RunQuery, after: Position | None, limit: int) -> Found[Run]:
        if query.name_contains and "%" in query.name_contains:
            query = replace(query, name_contains=query.name_contains.replace("%", ""))
        return super()._search_runs(query, after, limit)


@mutant("MS-20", of=MemoryHarness)
class IgnoresUnknownOrders(Searching):
    """An order that there is not is another one."""

    def _changed(self, given: dict[str, Any]) -> dict[str, Any]:
        return {**given, "order": "name"} if given["order"] == "age" else given


@mutant("MS-21", of=MemoryHarness)
class TakesLocalTimes(Searching):
    """The zone of a bound is ignored."""

    def _changed(self, given: dict[str, Any]) -> dict[str, Any]:
        after = given["created_after"]
        east = after is not None and after.utcoffset() == timedelta(hours=14)
        return {**given, "created_after": after + timedelta(hours=14)} if east else given


@mutant("MS-22", of=MemoryHarness)
class UpdatesAtReading(InMemoryMetadataStore):
    """A fact about a run is an update of it."""

    def _put_metadata(self, run_id: str, entries: Mapping[str, Any], step: str | None) -> None:
        super()._put_metadata(run_id, entries, step)
        self._space.runs[run_id] = replace(self._space.runs[run_id], updated=self._now())


@mutant("MS-29", of=MemoryHarness)
class KeepsNames(InMemoryMetadataStore):
    """The facts of a deleted run stay, and its name."""

    def _delete_run(self, run_id: str) -> Sequence[Artifact]:
        run = self._run(run_id)
        gone = super()._delete_run(run_id)
        self._space.runs[f"deleted {run_id}"] = replace(run, id=f"deleted {run_id}")
        return list(gone)[: len(gone) if run.pipeline != "pipeline" else max(0, len(gone) - 1)]


@mutant("MS-30", of=MemoryHarness)
class TakesGhosts(InMemoryMetadataStore):
    """What a step read is not looked for."""

    def _check_links(self, commit: StepCommit, pending: Sequence[StepCommit]) -> None:
        missing = [link for link in commit.inputs if link.artifact.id not in self._space.artifacts]
        if len(pending) == 1 and missing and missing[0].artifact.step == "ghost":
            self._space.artifacts[missing[0].artifact.id] = missing[0].artifact
        super()._check_links(commit, pending)


@mutant("MS-31", of=MemoryHarness)
class ForgetsExpectations(InMemoryMetadataStore):
    """What a state was expected to be is not compared."""

    def _transition_run(
        self, run_id: str, state: State, expected: Collection[State] | None, owner: Owner | None, failure: Failure | None
    ) -> Run:
        return super()._transition_run(run_id, state, None, owner, failure)


@mutant("MS-32", of=MemoryHarness)
class MissingIsInvalid(InMemoryMetadataStore):
    """A step that is not there is a wrong argument."""

    def _get_attempts(self, run_id: str, step: str) -> Any:
        if step == "absent":
            raise InvalidArgument("there is no such step", remedy="name another")
        return super()._get_attempts(run_id, step)


@mutant("MS-33", of=MemoryHarness)
class ReplacesAllFacts(InMemoryMetadataStore):
    """Facts replace all that were there."""

    def _put_metadata(self, run_id: str, entries: Mapping[str, Any], step: str | None) -> None:
        if len(entries) == 2 and "c" in entries:
            self._space.metadata.pop((run_id, step or ""), None)
        super()._put_metadata(run_id, entries, step)


@mutant("MS-36", of=MemoryHarness)
class ReadersLock(InMemoryMetadataStore):
    """Who has begun a listing keeps others from writing."""

    reading: ClassVar[set[str]] = set()

    def iter_runs(self, *, limit: int | None = None, **filters: Any) -> Iterator[Run]:
        found = list(super().iter_runs(limit=limit, **filters))
        if len(found) != BATCH + 10:
            yield from found
            return
        self.reading.add(self.config.space)
        try:
            yield from found
        finally:
            self.reading.discard(self.config.space)

    def _create_run(self, run: Run, steps: tuple[str, ...], plan: Mapping[str, Any]) -> Run:
        made = super()._create_run(run, steps, plan)
        if self.config.space in self.reading:
            self._space.runs.clear()
        return made


@mutant("MS-39", of=MemoryHarness)
class DeafToCancellation(InMemoryMetadataStore):
    """A heartbeat does not say that it is to stop."""

    def _heartbeat(self, run_id: str) -> bool:
        super()._heartbeat(run_id)
        return False


@mutant("MS-40", of=MemoryHarness)
class BeginningsFirst(InMemoryMetadataStore):
    """The beginning of an id comes before a name."""

    def find_run(self, name_or_id: str) -> Run:
        begins = [run for run in self._space.runs.values() if len(name_or_id) == 8 and run.id.startswith(name_or_id)]
        return begins[0] if begins else super().find_run(name_or_id)


@mutant("MS-41", of=MemoryHarness)
class SortsInputs(InMemoryMetadataStore):
    """The order of a fan-in is lost."""

    def _get_steps(self, run_id: str, name: str | None) -> Sequence[StepRun]:
        found = super()._get_steps(run_id, name)
        return [replace(step, inputs=tuple(reversed(step.inputs))) for step in found]


@mutant("MS-42", of=MemoryHarness)
class ForgetsLostAttempts(InMemoryMetadataStore):
    """An attempt that fell silent leaves no trace."""

    def _record_lost(self, run_id: str, step: str, attempt: int) -> None:
        attempts = self._space.attempts[run_id, step]
        if attempts and attempts[-1].state is State.RUNNING and attempts[-1].number < attempt:
            attempts.pop()


@mutant("MS-43", of=MemoryHarness)
class FoldsKeys(InMemoryMetadataStore):
    """Cache keys are compared without their case."""

    def _find_cached(self, keys: Sequence[str]) -> Mapping[str, StepRun]:
        found = dict(super()._find_cached([*keys, *(key.lower() for key in keys)]))
        return {key: found[key if key in found and key.islower() else key.lower()] for key in keys if key.lower() in found}


@mutant("MS-44", of=MemoryHarness)
class OneParentOnly(InMemoryMetadataStore):
    """Of several inputs only the first leads on."""

    def _edges(self, artifacts: Sequence[str], direction: Literal["up", "down"]) -> Iterable[RecordedEdge]:
        seen: set[tuple[str, str, str | None]] = set()
        for edge in super()._edges(artifacts, direction):
            place = (edge.edge.run_id, edge.edge.step, edge.edge.target)
            if direction == "down" or place not in seen:
                seen.add(place)
                yield edge


@mutant("MS-45", of=MemoryHarness)
class FailsBackwards(InMemoryMetadataStore):
    """The end of a second attempt is the first one's."""

    def _end_step(self, run_id: str, step: str, attempt: int, state: State, failure: Failure | None, final: bool) -> None:
        super()._end_step(run_id, step, attempt, state, failure, final)
        if final and attempt > 1:
            self._space.steps[run_id, step] = replace(self._space.steps[run_id, step], attempt=1)


@mutant("MS-26", of=SqliteHarness)
class TakesAnySchema(SqliteMetadataStore):
    """A newer schema is taken for this one."""

    def _get_run(self, run_id: str) -> Run:
        try:
            return super()._get_run(run_id)
        except Exception as error:
            if "9999" not in str(error):
                raise
            return Run(run_id, "", "", "")


@mutant("MS-28", of=SqliteHarness)
class GoesBackAtOnce(SqliteMetadataStore):
    """A schema goes back whenever it is asked to."""

    def downgrade(self, version: str, *, allow_data_loss: bool = False) -> None:
        super().downgrade(version, allow_data_loss=True)


@mutant("MS-02", of=SqliteHarness)
class CommitsInPieces(SqliteMetadataStore):
    """A step is committed with its first artifact, and later with the others."""

    def _commit_steps(self, commits: Sequence[StepCommit]) -> None:
        if any(len(commit.outputs) == 2 and (commit.cache_key or "").startswith(commit.run_id) for commit in commits):
            first = [replace(commit, outputs=commit.outputs[:1]) for commit in commits]
            super()._commit_steps(first)
            time.sleep(60)
        else:
            super()._commit_steps(commits)


@equivalent(of=MemoryHarness)
class Slow(InMemoryMetadataStore):
    """Everything takes a while."""

    def _commit_steps(self, commits: Sequence[StepCommit]) -> None:
        time.sleep(0.001)
        super()._commit_steps(commits)


@equivalent(of=MemoryHarness)
class SmallParts(InMemoryMetadataStore):
    """Listings are made of small parts, however much is asked for."""

    def _search_artifacts(self, query: ArtifactQuery, after: Position | None, limit: int) -> Found[Artifact]:
        return super()._search_artifacts(query, after, limit)

"""The contract of metadata stores."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from dovetail_core import Component, Failure, InvalidArgument, NotFound, needs
from dovetail_metadata_store import arguments
from dovetail_metadata_store.capabilities import MetadataStoreCapability
from dovetail_metadata_store.lineage import DIRECTIONS, Direction, Traversal
from dovetail_metadata_store.listings import Listings
from dovetail_metadata_store.records import Artifact, Attempt, Lineage, Owner, Run, State, StepCommit, StepRun
from dovetail_metadata_store.transitions import RUN_STATES, STEP_ENDS

PREFIX_LENGTH = 6
"""Fewest characters of an id's beginning that find a run."""


class MetadataStore(Component, Listings):
    """The record of runs, steps, artifacts and their lineage.

    Every writing method is one transaction: all of it becomes visible together, or nothing does. A repeated call with the same values
    succeeds and changes nothing; with other values it raises `Conflict`. Ids are 32 hexadecimal digits, given by the caller. What is
    not there is `NotFound`; what cannot be stored is refused with `InvalidArgument` before anything is done. Times are set by the store.

    An author subclasses this and implements the abstract methods of `Primitives`, which get checked arguments.
    """

    type = "metadata_store"

    # Runs

    def create_run(self, run: Run, steps: Sequence[str], plan: Mapping[str, Any] | None = None) -> Run:
        """Record a pending run, its pending steps in their order, and its plan; return it as stored.

        The times of `run` are ignored. Raises `AlreadyExists` if another run has the name, `Conflict` if the id has other values.
        """
        names = tuple(arguments.text(name, "steps") for name in arguments.collection(steps, "steps"))
        if len(set(names)) != len(names):
            raise InvalidArgument("two steps have the same name", remedy="give each its own", field="steps")
        return self._create_run(arguments.new_run(run), names, arguments.mapping(plan or {}, "plan"))

    def get_plan(self, run_id: str) -> dict[str, Any]:
        """Return the plan that a run was created with."""
        return self._get_plan(arguments.identifier(run_id, "run_id"))

    def get_run(self, run_id: str) -> Run:
        """Return a run."""
        return self._get_run(arguments.identifier(run_id, "run_id"))

    def find_run(self, name_or_id: str) -> Run:
        """Return the run of an id, a name, or the beginning of an id (6 characters or more); `InvalidArgument` if several begin so."""
        wanted = arguments.text(name_or_id, "name_or_id")
        found = self._find_runs(wanted, PREFIX_LENGTH, 11)
        found = [run for run in found if run.id == wanted] or [run for run in found if run.name == wanted] or found
        if not found:
            raise NotFound(f"{self.label} has no run '{wanted}'", remedy="dovetail runs list shows the runs")
        if len(found) > 1:
            several = ", ".join(f"{run.id} ({run.name})" for run in found[:10]) + (", and more" if len(found) > 10 else "")
            raise InvalidArgument(
                f"several runs begin with '{wanted}': {several}", remedy="give more of the id, or the name", field="name_or_id"
            )
        return found[0]

    def transition_run(
        self,
        run_id: str,
        state: State,
        *,
        expected: Collection[State] | None = None,
        owner: Owner | None = None,
        failure: Failure | None = None,
    ) -> Run:
        """Advance a run's state (pending, running, then one that ends it; a pending run may also fail or be cancelled) and return the run.

        If it has that state already, with this owner (None: any) and this failure, nothing changes: give an owner to tell a repeated call
        from a competitor's. Raises `Conflict`, with the current `state` in its details, if the state is not one of `expected` or may not
        be followed by this one.
        """
        wanted = arguments.state(state, "state", RUN_STATES)
        among = (
            None
            if expected is None
            else [arguments.state(one, "expected", RUN_STATES) for one in arguments.collection(expected, "expected")]
        )
        return self._transition_run(
            arguments.identifier(run_id, "run_id"), wanted, among, arguments.owner(owner), arguments.failure(failure)
        )

    def heartbeat(self, run_id: str) -> bool:
        """Record that the process of a running run is alive, and return whether its cancellation was requested."""
        return self._heartbeat(arguments.identifier(run_id, "run_id"))

    def request_cancel(self, run_id: str) -> Run:
        """Ask the process of a run to stop, and return the run; nothing changes for one that has ended."""
        return self._request_cancel(arguments.identifier(run_id, "run_id"))

    def dead_runs(self, silent_for: float) -> tuple[Run, ...]:
        """Return the running runs whose last heartbeat is more than `silent_for` seconds ago by the store's clock, oldest first."""
        return tuple(self._silent_runs(arguments.seconds(silent_for, "silent_for")))

    def delete_run(self, run_id: str) -> tuple[Artifact, ...]:
        """Delete a run with its steps and metadata, and the artifacts that no other run uses; return these, whose bytes may go now.

        Its name is free again. Artifacts that another run took from it stay. Raises `Conflict` while it is running.
        """
        return tuple(self._delete_run(arguments.identifier(run_id, "run_id")))

    # Steps

    def begin_step(self, run_id: str, step: str, attempt: int) -> None:
        """Record that an attempt begins, numbered from 1; one before it that has not ended counts as lost.

        Raises `Conflict` if the attempt or the run has ended, or a later attempt has begun.
        """
        self._begin_step(
            arguments.identifier(run_id, "run_id"), arguments.text(step, "step"), arguments.integer(attempt, "attempt", least=1)
        )

    def end_step(self, run_id: str, step: str, attempt: int, state: State, failure: Failure | None = None, final: bool = True) -> None:
        """Record that an attempt failed, was cancelled or skipped; 0 for a step that never began.

        If not `final`, the step stays running for the next attempt. Raises `Conflict`, with the current `state` in its details, if the
        step has ended otherwise, or a later attempt has begun.
        """
        arguments.integer(attempt, "attempt", least=0 if final else 1)
        ended = arguments.state(state, "state", STEP_ENDS)
        self._end_step(
            arguments.identifier(run_id, "run_id"), arguments.text(step, "step"), attempt, ended, arguments.failure(failure), final
        )

    def commit_step(self, commit: StepCommit) -> None:
        """Record a step's success: its state, the artifacts it produced, what it read, and the keys by which it is found again.

        An artifact is new if its `run_id` and `step` are the commit's; others must exist. Raises `Conflict`, with the current `state`
        in its details, if the step has ended otherwise, or its attempt is not the one under way.
        """
        self._commit_steps((arguments.commit(commit),))

    def commit_steps(self, commits: Sequence[StepCommit]) -> None:
        """Record the success of several steps in one transaction; see `commit_step`."""
        checked = tuple(arguments.commit(commit) for commit in arguments.collection(commits, "commits"))
        if len({(commit.run_id, commit.step) for commit in checked}) != len(checked):
            raise InvalidArgument("two commits are of the same step", remedy="give one commit a step", field="commits")
        if checked:
            self._commit_steps(checked)

    def get_steps(self, run_id: str) -> tuple[StepRun, ...]:
        """Return the steps of a run with their inputs and outputs, in the order of the plan."""
        return tuple(self._get_steps(arguments.identifier(run_id, "run_id"), None))

    def get_step(self, run_id: str, name: str) -> StepRun:
        """Return a step of a run, with its inputs and outputs."""
        return self._get_steps(arguments.identifier(run_id, "run_id"), arguments.text(name, "name"))[0]

    def get_attempts(self, run_id: str, step: str) -> tuple[Attempt, ...]:
        """Return the attempts of a step, first to latest; one that is under way is `running`."""
        return tuple(self._get_attempts(arguments.identifier(run_id, "run_id"), arguments.text(step, "step")))

    def find_cached(self, keys: Collection[str]) -> dict[str, StepRun]:
        """Return, for each cache key or provenance key that a step was committed with, the latest such step; one look-up for all keys."""
        wanted = [arguments.text(key, "keys", arguments.CACHE_KEY_LIMIT) for key in arguments.collection(keys, "keys")]
        return dict(self._find_cached(list(dict.fromkeys(wanted)))) if wanted else {}

    # Metadata

    def put_metadata(self, run_id: str, entries: Mapping[str, Any], step: str | None = None) -> None:
        """Record facts about a run, or about one of its steps: JSON-able, replacing those of the same name; None is a value like others."""
        arguments.identifier(run_id, "run_id")
        arguments.optional(step, "step")
        arguments.mapping(entries, "entries")
        self._put_metadata(run_id, {arguments.text(name, "entries"): value for name, value in entries.items()}, step)

    def get_metadata(self, run_id: str, step: str | None = None) -> dict[str, Any]:
        """Return the facts about a run, or about one of its steps, sorted by name."""
        return self._get_metadata(arguments.identifier(run_id, "run_id"), arguments.optional(step, "step"))

    # Artifacts

    def get_artifact(self, artifact_id: str) -> Artifact:
        """Return an artifact."""
        found = list(self._get_artifacts([arguments.identifier(artifact_id, "artifact_id")]))
        if not found:
            raise NotFound(f"{self.label} has no artifact {artifact_id}", remedy="dovetail artifacts list shows the artifacts")
        return found[0]

    def lineage(self, artifact_id: str, direction: Direction = "up", depth: int | None = None) -> Lineage:
        """Return the artifacts that lead to one (`up`), come of it (`down`), or `both`, with the edges between.

        `depth` bounds the number of steps between; None is all. Of cached steps only those edges are told that no executed step has.
        """
        if direction not in DIRECTIONS:
            raise InvalidArgument(f"direction is {direction!r}", remedy="one of " + ", ".join(DIRECTIONS), field="direction")
        if depth is not None:
            arguments.integer(depth, "depth")
        traversal = Traversal(self.get_artifact(artifact_id).id, self._edges)
        if direction != "down":
            traversal.walk("up", depth)
        if direction != "up":
            traversal.walk("down", depth)
        return traversal.result(self._get_artifacts)

    # The schema

    @needs(MetadataStoreCapability.MIGRATIONS)
    def schema_version(self) -> str | None:
        """Return the version of the stored schema; None if nothing is stored yet."""
        return self._schema_version()

    @needs(MetadataStoreCapability.MIGRATIONS)
    def downgrade(self, version: str, *, allow_data_loss: bool = False) -> None:
        """Bring the schema back to an earlier version, `base` for none. Raises `InvalidArgument` unless the loss of records is allowed."""
        arguments.text(version, "version", 32)
        if not allow_data_loss:
            raise InvalidArgument(f"going back to schema version {version} deletes records", remedy="back up, then allow_data_loss=True")
        self._downgrade(version)

"""The success of steps: their states, artifacts and lineage, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, insert, or_, select, tuple_, update
from sqlalchemy.engine.interfaces import DBAPICursor

from dovetail_core import Conflict
from dovetail_metadata_store import documents
from dovetail_metadata_store.records import Artifact, Link, State, StepCommit, StepRun
from dovetail_metadata_store.sql.backend import ConstraintViolated
from dovetail_metadata_store.sql.batches import batches
from dovetail_metadata_store.sql.columns import now_or, store_time
from dovetail_metadata_store.sql.database import Database, Preparing
from dovetail_metadata_store.sql.rows import artifact_values, link_values
from dovetail_metadata_store.sql.schema import artifacts, links, steps
from dovetail_metadata_store.sql.steps import steps_in, with_links
from dovetail_metadata_store.transitions import step_conflict

_SUCCEED = (
    update(steps)
    .where(
        steps.c.run_id == bindparam("run"),
        steps.c.name == bindparam("step"),
        steps.c.attempt == bindparam("number"),
        steps.c.state == bindparam("before"),
        or_(steps.c.attempt_started.is_not(None), steps.c.attempt == 0),
    )
    .values(
        state=bindparam("after"),
        ended=now_or(steps.c.started),
        cache_key=bindparam("cache"),
        provenance_key=bindparam("provenance"),
        source_run=bindparam("source"),
    )
)
_ADD_ARTIFACT = insert(artifacts).values(created=store_time())
_ADD_LINK = insert(links)


class _Refused(Exception):
    """A step is not what its commit expects: committed already, ended, or in another attempt."""


@dataclass(frozen=True)
class _Rows:
    steps: list[dict[str, Any]]
    artifacts: list[dict[str, Any]]
    links: list[dict[str, Any]]


def _rows(commits: Sequence[StepCommit]) -> _Rows:
    new = [artifact for commit in commits for artifact in _produced(commit)]
    return _Rows(
        [_step_values(commit) for commit in commits],
        [artifact_values(artifact) for artifact in new],
        [values for commit in commits for values in link_values(commit)],
    )


def _produced(commit: StepCommit) -> list[Artifact]:
    return [link.artifact for link in commit.outputs if _is_new(link.artifact, commit)]


def _is_new(artifact: Artifact, commit: StepCommit) -> bool:
    return artifact.step == commit.step and artifact.run_id == commit.run_id


def _step_values(commit: StepCommit) -> dict[str, Any]:
    return {
        "run": commit.run_id,
        "step": commit.step,
        "number": commit.attempt,
        "before": "running" if commit.attempt else "pending",
        "after": "cached" if commit.source_run else "succeeded",
        "cache": commit.cache_key,
        "provenance": commit.provenance_key,
        "source": commit.source_run,
    }


def commit_steps(database: Database, commits: Sequence[StepCommit]) -> None:
    """Record the success of steps; those that are recorded already are left as they are."""
    rows = _rows(commits)

    def work(cursor: DBAPICursor, prepared: Preparing) -> None:
        if prepared(_SUCCEED).execute_all(cursor, rows.steps).rowcount != len(rows.steps):
            raise _Refused
        if rows.artifacts:
            prepared(_ADD_ARTIFACT).execute_all(cursor, rows.artifacts)
        if rows.links:
            prepared(_ADD_LINK).execute_all(cursor, rows.links)

    try:
        try:
            database.write_prepared(work)
        except _Refused:
            database.write(lambda connection: _commit_remaining(connection, commits))
    except ConstraintViolated as error:
        raise _unfit(commits, error) from error


def _commit_remaining(connection: Connection, commits: Sequence[StepCommit]) -> None:
    """Record those that are not recorded yet. Raises `Conflict` for the first that may not be."""
    stored = _stored(connection, commits)
    left = [commit for commit in commits if not _recorded(stored[commit.run_id, commit.step], commit)]
    rows = _rows(left)
    for values in rows.steps:
        if connection.execute(_SUCCEED, values).rowcount != 1:
            raise step_conflict(stored[values["run"], values["step"]], f"cannot be committed by attempt {values['number']}")
    if rows.artifacts:
        connection.execute(_ADD_ARTIFACT, rows.artifacts)
    if rows.links:
        connection.execute(_ADD_LINK, rows.links)


def _stored(connection: Connection, commits: Sequence[StepCommit]) -> dict[tuple[str, str], StepRun]:
    found: dict[tuple[str, str], StepRun] = {}
    for batch in batches([(commit.run_id, commit.step) for commit in commits]):
        rows = connection.execute(select(steps).where(tuple_(steps.c.run_id, steps.c.name).in_(batch)).with_for_update()).all()
        of = tuple_(links.c.run_id, links.c.step).in_(batch)
        found |= {(step.run_id, step.name): step for step in with_links(connection, rows, of)}
    for commit in commits:
        if (commit.run_id, commit.step) not in found:
            steps_in(connection, commit.run_id, commit.step)  # says what is missing
    return found


def _recorded(step: StepRun, commit: StepCommit) -> bool:
    """Tell whether a commit is recorded as it is. Raises `Conflict` if the step has ended otherwise."""
    if not step.state.terminal:
        return False
    expected = (State.CACHED if commit.source_run else State.SUCCEEDED, commit.attempt)
    keys = (commit.cache_key, commit.provenance_key, commit.source_run)
    if (
        (step.state, step.attempt) != expected
        or (step.cache_key, step.provenance_key, step.source_run) != keys
        or _lineage(step.inputs, commit) != _lineage(commit.inputs, commit)
        or _lineage(step.outputs, commit) != _lineage(commit.outputs, commit)
    ):
        raise step_conflict(step, f"cannot be committed by attempt {commit.attempt} with other values")
    return True


def _lineage(links: Sequence[Link], commit: StepCommit) -> dict[tuple[str, int], Any]:
    """Return links in a form that can be compared: of artifacts that the step produced all values, of others the id."""
    return {(link.name, link.index): _comparable(link.artifact) if _is_new(link.artifact, commit) else link.artifact.id for link in links}


def _comparable(artifact: Artifact) -> dict[str, Any]:
    values = artifact_values(artifact)
    return values | {"metadata": documents.canonical(values["metadata"])}


def _unfit(commits: Sequence[StepCommit], error: ConstraintViolated) -> Conflict:
    names = ", ".join(f"'{commit.step}'" for commit in commits[:3]) + (", ..." if len(commits) > 3 else "")
    if error.details["kind"] == "reference":
        problem, remedy = "refers to an artifact that is not stored", "look up the step that gave it again: it may be deleted"
    else:
        problem, remedy = "has an artifact whose id is stored with other values", "give every artifact an id of its own"
    return Conflict(f"the commit of {names} {problem}", remedy=remedy)

"""Records as rows of the tables, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import astuple
from typing import Any, TypeVar

from sqlalchemy import Row

from dovetail_core import Failure, IntegrityError
from dovetail_core.timestamps import from_microseconds
from dovetail_metadata_store import documents
from dovetail_metadata_store.records import Artifact, Attempt, Link, Owner, Run, State, StepCommit, StepRun
from dovetail_metadata_store.sql.schema import IN, OUT

T = TypeVar("T")


def run_values(run: Run) -> dict[str, Any]:
    """Return what is stored of a new run, without its times and state."""
    return {
        "id": run.id,
        "name": run.name,
        "pipeline": run.pipeline,
        "stack": run.stack,
        "owner": owner_text(run.owner),
        "parameters": documents.encode(run.parameters, "run.parameters"),
        "resumed_from": run.resumed_from,
    }


def run_of(row: Row[Any]) -> Run:
    """Return a run. Raises `IntegrityError` if the row cannot be read."""
    return _read(f"run {row.id}", lambda: _run(row))


def _run(row: Row[Any]) -> Run:
    return Run(
        id=row.id,
        name=row.name,
        pipeline=row.pipeline,
        stack=row.stack,
        state=State(row.state),
        created=from_microseconds(row.created),
        started=from_microseconds(row.started),
        updated=from_microseconds(row.updated),
        ended=from_microseconds(row.ended),
        heartbeat=from_microseconds(row.heartbeat),
        owner=None if row.owner is None else Owner(*documents.decode(row.owner)),
        failure=_failure(row.failure),
        parameters=_mapping(row.parameters),
        resumed_from=row.resumed_from,
        cancel_requested=bool(row.cancel_requested),
    )


def step_of(row: Row[Any], inputs: Iterable[Link] = (), outputs: Iterable[Link] = ()) -> StepRun:
    """Return a step of a run. Raises `IntegrityError` if the row cannot be read."""
    return _read(f"step '{row.name}' of run {row.run_id}", lambda: _step(row, tuple(inputs), tuple(outputs)))


def _step(row: Row[Any], inputs: tuple[Link, ...], outputs: tuple[Link, ...]) -> StepRun:
    return StepRun(
        run_id=row.run_id,
        name=row.name,
        position=row.position,
        state=State(row.state),
        attempt=row.attempt,
        started=from_microseconds(row.started),
        ended=from_microseconds(row.ended),
        failure=_failure(row.failure),
        cache_key=row.cache_key,
        provenance_key=row.provenance_key,
        source_run=row.source_run,
        inputs=inputs,
        outputs=outputs,
    )


def attempt_of(row: Row[Any]) -> Attempt:
    """Return an attempt that did not succeed. Raises `IntegrityError` if the row cannot be read."""
    return _read(
        f"attempt {row.number} of step '{row.step}' of run {row.run_id}",
        lambda: Attempt(row.number, State(row.state), from_microseconds(row.started), from_microseconds(row.ended), _failure(row.failure)),
    )


def latest_attempt(row: Row[Any]) -> Attempt | None:
    """Return the attempt that a step's row tells of: the one that is under way, or that was committed."""
    if row.attempt_started is None:
        return None
    return Attempt(row.attempt, State(row.state), from_microseconds(row.attempt_started), from_microseconds(row.ended))


def artifact_values(artifact: Artifact) -> dict[str, Any]:
    """Return what is stored of a new artifact, without its time."""
    return {
        "id": artifact.id,
        "run_id": artifact.run_id,
        "step": artifact.step,
        "output": artifact.output,
        "key": artifact.key,
        "uri": artifact.uri,
        "type": artifact.type,
        "materializer": artifact.materializer,
        "format": artifact.format,
        "size": artifact.size,
        "digest": artifact.digest,
        "metadata": documents.encode(artifact.metadata, "artifact.metadata") if artifact.metadata else "{}",
    }


def artifact_of(row: Row[Any]) -> Artifact:
    """Return an artifact. Raises `IntegrityError` if the row cannot be read."""
    return _read(f"artifact {row.id}", lambda: _artifact(row))


def _artifact(row: Row[Any]) -> Artifact:
    return Artifact(
        id=row.id,
        run_id=row.run_id,
        step=row.step,
        output=row.output,
        key=row.key,
        uri=row.uri,
        type=row.type,
        materializer=row.materializer,
        format=row.format,
        size=row.size,
        digest=row.digest,
        created=from_microseconds(row.created),
        metadata=_mapping(row.metadata),
    )


def link_values(commit: StepCommit) -> list[dict[str, Any]]:
    """Return the lineage of a commit, as rows."""
    return [_link(commit, OUT, link) for link in commit.outputs] + [_link(commit, IN, link) for link in commit.inputs]


def _link(commit: StepCommit, direction: str, link: Link) -> dict[str, Any]:
    return {
        "run_id": commit.run_id,
        "step": commit.step,
        "direction": direction,
        "name": link.name,
        "index": link.index,
        "artifact_id": link.artifact.id,
    }


def owner_text(owner: Owner | None) -> str | None:
    """Return an owner as text."""
    return None if owner is None else documents.encode([owner.host, owner.pid, owner.started], "owner")


def failure_text(failure: Failure | None) -> str | None:
    """Return a failure as text."""
    return None if failure is None else documents.encode([*astuple(failure)], "failure")


def _failure(text: str | None) -> Failure | None:
    return None if text is None else Failure(*documents.decode(text))


def _mapping(text: str) -> dict[str, Any]:
    value = documents.decode(text)
    if not isinstance(value, dict):
        raise TypeError(f"a mapping was stored, and a {type(value).__name__} is there")
    return value


def mapping_of(text: str, what: str) -> dict[str, Any]:
    """Return a stored mapping. Raises `IntegrityError` if it cannot be read."""
    return _read(what, lambda: _mapping(text))


def _read(what: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except (TypeError, ValueError, OverflowError) as error:
        raise IntegrityError(f"{what} is damaged in the store: {error}", remedy="restore the store, or delete that record") from error

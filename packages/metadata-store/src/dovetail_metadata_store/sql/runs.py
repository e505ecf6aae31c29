"""Runs in the tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, exists, insert, or_, select, update
from sqlalchemy.engine.interfaces import DBAPICursor

from dovetail_core import AlreadyExists, Failure, NotFound
from dovetail_metadata_store import documents
from dovetail_metadata_store.records import Artifact, Owner, Run, State
from dovetail_metadata_store.sql.backend import ConstraintViolated
from dovetail_metadata_store.sql.batches import batches
from dovetail_metadata_store.sql.columns import now_or, store_time
from dovetail_metadata_store.sql.database import Database, Preparing
from dovetail_metadata_store.sql.rows import artifact_of, failure_text, mapping_of, owner_text, run_of, run_values
from dovetail_metadata_store.sql.schema import artifacts, links, plans, runs, steps
from dovetail_metadata_store.transitions import run_advances, run_conflict

_BEAT = update(runs).where(runs.c.id == bindparam("run"), runs.c.state == State.RUNNING.value).values(heartbeat=now_or(runs.c.heartbeat))
_REQUESTED = select(runs.c.cancel_requested).where(runs.c.id == bindparam("run"))


def create_run(database: Database, run: Run, names: tuple[str, ...], plan: Mapping[str, Any]) -> Run:
    """Insert a run, its steps and its plan; or find that it is there already."""
    values, text = run_values(run), documents.encode(plan, "plan")
    try:
        return database.write(lambda connection: _insert(connection, values, names, text))
    except ConstraintViolated as error:
        violation = error
    return database.read(lambda connection: _created_before(connection, run, values, names, text, violation))


def _insert(connection: Connection, values: Mapping[str, Any], names: tuple[str, ...], plan: str) -> Run:
    now = store_time()
    connection.execute(insert(runs).values(created=now, updated=now, cancel_requested=0, state=State.PENDING.value, **values))
    connection.execute(insert(plans).values(run_id=values["id"], plan=plan))
    pending = [
        {"run_id": values["id"], "name": name, "position": position, "state": State.PENDING.value, "attempt": 0}
        for position, name in enumerate(names)
    ]
    if pending:
        connection.execute(insert(steps), pending)
    return get_run_in(connection, values["id"])


def _created_before(
    connection: Connection, run: Run, values: Mapping[str, Any], names: tuple[str, ...], plan: str, error: ConstraintViolated
) -> Run:
    row = connection.execute(select(runs).where(runs.c.id == run.id)).one_or_none()
    if row is None:
        if connection.execute(select(runs.c.id).where(runs.c.name == run.name)).one_or_none():
            raise AlreadyExists(f"there is a run '{run.name}' already", remedy="choose another name, or delete that run") from error
        raise error
    stored = run_of(row)
    order = select(steps.c.name).where(steps.c.run_id == run.id).order_by(steps.c.position)
    same = (
        all(getattr(row, name) == values[name] for name in ("name", "pipeline", "stack", "resumed_from"))
        and (stored.owner == run.owner or stored.state is not State.PENDING)
        and documents.same(row.parameters, values["parameters"])
        and tuple(connection.scalars(order)) == names
        and documents.same(connection.execute(select(plans.c.plan).where(plans.c.run_id == run.id)).scalar_one(), plan)
    )
    if not same:
        raise run_conflict(stored, "was created with other values") from error
    return stored


def get_run_in(connection: Connection, run_id: str, *, lock: bool = False) -> Run:
    """Return a run; if `lock`, nobody changes it until the transaction ends."""
    query = select(runs).where(runs.c.id == run_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound(f"there is no run {run_id}", remedy="dovetail runs list shows the runs")
    return run_of(row)


def get_run(database: Database, run_id: str) -> Run:
    """Return a run."""
    return database.read(lambda connection: get_run_in(connection, run_id))


def get_plan(database: Database, run_id: str) -> dict[str, Any]:
    """Return a run's plan."""

    def work(connection: Connection) -> dict[str, Any]:
        text = connection.execute(select(plans.c.plan).where(plans.c.run_id == run_id)).scalar()
        if text is None:
            get_run_in(connection, run_id)
        return mapping_of(text or "", f"the plan of run {run_id}")

    return database.read(work)


def find_runs(database: Database, text: str, prefix: int, limit: int) -> list[Run]:
    """Return the runs of an id or a name, or else those whose id begins so."""

    def work(connection: Connection) -> list[Run]:
        exact = connection.execute(select(runs).where(or_(runs.c.id == text, runs.c.name == text))).all()
        if exact or len(text) < prefix or not set(text) <= set("0123456789abcdef"):
            return [run_of(row) for row in exact]
        begins: ColumnElement[bool] = (runs.c.id >= text) & (runs.c.id < text + "g")
        return [run_of(row) for row in connection.execute(select(runs).where(begins).order_by(runs.c.id).limit(limit))]

    return database.read(work)


def transition_run(
    database: Database, run_id: str, state: State, expected: Collection[State] | None, owner: Owner | None, failure: Failure | None
) -> Run:
    """Advance a run's state, if it may be."""

    def work(connection: Connection) -> Run:
        run = get_run_in(connection, run_id, lock=True)
        if not run_advances(run, state, expected, owner, failure):
            return run
        now = now_or(runs.c.updated)
        values: dict[str, Any] = {"state": state.value, "updated": now, "failure": failure_text(failure)}
        values |= {"ended": now} if state.terminal else {"started": now, "heartbeat": now}
        if owner is not None:
            values["owner"] = owner_text(owner)
        connection.execute(update(runs).where(runs.c.id == run_id).values(values))
        return get_run_in(connection, run_id)

    return database.write(work)


def heartbeat(database: Database, run_id: str) -> bool:
    """Record a heartbeat, and return whether cancellation was requested."""

    def work(cursor: DBAPICursor, prepared: Preparing) -> Any:
        values = {"run": run_id}
        prepared(_BEAT).execute(cursor, values)
        return prepared(_REQUESTED).execute(cursor, values).fetchone()

    found = database.write_prepared(work)
    if found is None:
        raise NotFound(f"there is no run {run_id}", remedy="dovetail runs list shows the runs")
    return bool(found[0])


def request_cancel(database: Database, run_id: str) -> Run:
    """Record that a run is to be cancelled, unless it has ended."""

    def work(connection: Connection) -> Run:
        run = get_run_in(connection, run_id, lock=True)
        if run.state.terminal or run.cancel_requested:
            return run
        values = {"cancel_requested": 1, "updated": now_or(runs.c.updated)}
        connection.execute(update(runs).where(runs.c.id == run_id).values(values))
        return get_run_in(connection, run_id)

    return database.write(work)


def silent_runs(database: Database, seconds: float) -> list[Run]:
    """Return the running runs without a recent heartbeat."""
    limit = store_time() - min(int(seconds * 1_000_000), 2**62)
    query = select(runs).where(runs.c.state == State.RUNNING.value, runs.c.heartbeat < limit).order_by(runs.c.created, runs.c.id)
    return database.read(lambda connection: [run_of(row) for row in connection.execute(query)])


def delete_run(database: Database, run_id: str) -> list[Artifact]:
    """Delete a run, and the artifacts that no link is left to."""
    deleted: list[Artifact] | None = None  # what an earlier try deleted, whose answer was lost

    def work(connection: Connection) -> list[Artifact]:
        nonlocal deleted
        try:
            run = get_run_in(connection, run_id, lock=True)
        except NotFound:
            if deleted is None:
                raise
            return _gone(connection, deleted)
        if run.state is State.RUNNING:
            raise run_conflict(run, "cannot be deleted", "wait until it has ended, or cancel it")
        deleted = _delete(connection, run_id)
        return deleted

    return database.write_again(work)  # somebody may link to an artifact between our statements


def _gone(connection: Connection, deleted: Sequence[Artifact]) -> list[Artifact]:
    """Return those of the artifacts that are not there any more: if it was another who deleted the run, some may be kept."""
    queries = (select(artifacts.c.id).where(artifacts.c.id.in_(batch)) for batch in batches([artifact.id for artifact in deleted]))
    kept = {found for query in queries for found in connection.scalars(query)}
    return [artifact for artifact in deleted if artifact.id not in kept]


def _delete(connection: Connection, run_id: str) -> list[Artifact]:
    used = list(connection.scalars(select(links.c.artifact_id).where(links.c.run_id == run_id).distinct()))
    connection.execute(delete(runs).where(runs.c.id == run_id))
    gone: list[Artifact] = []
    for batch in batches(used):
        unused = artifacts.c.id.in_(batch) & ~exists().where(links.c.artifact_id == artifacts.c.id)
        found = [artifact_of(row) for row in connection.execute(select(artifacts).where(unused))]
        if found:
            connection.execute(delete(artifacts).where(artifacts.c.id.in_([artifact.id for artifact in found])))
        gone += found
    return gone

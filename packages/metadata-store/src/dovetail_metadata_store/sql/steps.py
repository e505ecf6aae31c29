"""Steps and their attempts in the tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, case, exists, func, insert, or_, select, update
from sqlalchemy.engine.interfaces import DBAPICursor

from dovetail_core import Failure, NotFound
from dovetail_metadata_store.records import Attempt, Link, State, StepRun
from dovetail_metadata_store.sql.columns import now_or, store_time
from dovetail_metadata_store.sql.database import Database, Preparing
from dovetail_metadata_store.sql.rows import artifact_of, attempt_of, failure_text, latest_attempt, step_of
from dovetail_metadata_store.sql.runs import get_run_in
from dovetail_metadata_store.sql.schema import IN, OUT, artifacts, attempts, links, runs, steps
from dovetail_metadata_store.transitions import LOST, step_begins, step_ends

_OPEN = (State.PENDING.value, State.RUNNING.value)
_now = now_or(steps.c.started)
_BEGIN = (
    update(steps)
    .where(
        steps.c.run_id == bindparam("run"),
        steps.c.name == bindparam("step"),
        steps.c.attempt < bindparam("number"),
        steps.c.attempt_started.is_(None),
        or_(*(steps.c.state == state for state in _OPEN)),
        exists().where(runs.c.id == steps.c.run_id, or_(*(runs.c.state == state for state in _OPEN))),
    )
    .values(
        state=State.RUNNING.value,
        attempt=bindparam("number"),
        started=func.coalesce(steps.c.started, store_time()),
        attempt_started=_now,
    )
)


def begin_step(database: Database, run_id: str, step: str, attempt: int) -> None:
    """Record that an attempt begins."""
    values = {"run": run_id, "step": step, "number": attempt}

    def work(cursor: DBAPICursor, prepared: Preparing) -> int:
        return int(prepared(_BEGIN).execute(cursor, values).rowcount)

    if database.write_prepared(work) == 0:
        database.write(lambda connection: _begin(connection, run_id, step, attempt))


def _begin(connection: Connection, run_id: str, name: str, attempt: int) -> None:
    """Begin an attempt although the last has not ended, or find that it has begun already, or why it may not begin."""
    run = get_run_in(connection, run_id, lock=True)
    row = step_row(connection, run_id, name, lock=True)
    if step_begins(step_of(row), _attempts(connection, row), run, attempt):
        _record_lost(connection, row, attempt)
        values = {"attempt_started": None}
        connection.execute(update(steps).where(_is(run_id, name)).values(values))
        connection.execute(_BEGIN, {"run": run_id, "step": name, "number": attempt})


def end_step(database: Database, run_id: str, step: str, attempt: int, state: State, failure: Failure | None, final: bool) -> None:
    """Record that an attempt did not succeed."""

    def work(connection: Connection) -> None:
        row = step_row(connection, run_id, step, lock=True)
        known = _attempts(connection, row)
        if not step_ends(step_of(row), known, attempt, state, failure, final):
            return
        _record_lost(connection, row, attempt)
        if attempt > 0 and all(one.number != attempt or one.state is State.RUNNING for one in known):
            _record(connection, row, attempt, state, failure)
        connection.execute(update(steps).where(_is(run_id, step)).values(_ended(attempt, state, failure, final)))

    database.write(work)


def _ended(attempt: int, state: State, failure: Failure | None, final: bool) -> dict[str, Any]:
    values: dict[str, Any] = {"attempt": attempt, "attempt_started": None}
    if final:
        return values | {"state": state.value, "ended": _now, "failure": failure_text(failure)}
    return values | {"state": State.RUNNING.value, "started": func.coalesce(steps.c.started, store_time())}


def _record(connection: Connection, row: Row[Any], number: int, state: State, failure: Failure | None) -> None:
    began = row.attempt_started if number == row.attempt else None
    now: Any = store_time() if began is None else case((store_time() < began, began), else_=store_time())
    values = {"run_id": row.run_id, "step": row.name, "number": number, "state": state.value}
    connection.execute(insert(attempts).values(started=began, ended=now, failure=failure_text(failure), **values))


def _record_lost(connection: Connection, row: Row[Any], attempt: int) -> None:
    if row.attempt_started is not None and row.attempt < attempt:
        _record(connection, row, row.attempt, State.FAILED, LOST)


def get_steps(database: Database, run_id: str, name: str | None) -> list[StepRun]:
    """Return the steps of a run, or one of them."""
    return database.read(lambda connection: steps_in(connection, run_id, name))


def steps_in(connection: Connection, run_id: str, name: str | None) -> list[StepRun]:
    """Return the steps of a run, or one of them, with two queries."""
    query = select(steps).where(steps.c.run_id == run_id).order_by(steps.c.position)
    rows = connection.execute(query if name is None else query.where(steps.c.name == name)).all()
    if not rows:
        return _none(connection, run_id, name)
    of = links.c.run_id == run_id
    return with_links(connection, rows, of if name is None else of & (links.c.step == name))


def with_links(connection: Connection, rows: Iterable[Row[Any]], of: Any) -> list[StepRun]:
    """Return steps with their inputs and outputs; `of` selects the links."""
    query = (
        select(links.c.run_id.label("of_run"), links.c.step.label("of_step"), links.c.direction, links.c.name, links.c.index, artifacts)
        .join(artifacts, artifacts.c.id == links.c.artifact_id)
        .where(of)
        .order_by(links.c.run_id, links.c.step, links.c.direction, links.c.name, links.c.index)
    )
    found: defaultdict[tuple[str, str, str], list[Link]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.of_run, row.of_step, row.direction].append(Link(row.name, artifact_of(row), row[4]))  # row.index is a tuple's method
    return [step_of(row, found[row.run_id, row.name, IN], found[row.run_id, row.name, OUT]) for row in rows]


def _none(connection: Connection, run_id: str, name: str | None) -> list[StepRun]:
    run = get_run_in(connection, run_id)
    if name is not None:
        raise NotFound(f"run '{run.name}' has no step '{name}'", remedy=f"dovetail runs describe {run.name}")
    return []


def get_attempts(database: Database, run_id: str, step: str) -> list[Attempt]:
    """Return the attempts of a step."""
    return database.read(lambda connection: _attempts(connection, step_row(connection, run_id, step)))


def _attempts(connection: Connection, step: Row[Any]) -> list[Attempt]:
    query = select(attempts).where(attempts.c.run_id == step.run_id, attempts.c.step == step.name).order_by(attempts.c.number)
    latest = latest_attempt(step)
    return [attempt_of(row) for row in connection.execute(query)] + ([latest] if latest else [])


def step_row(connection: Connection, run_id: str, name: str, *, lock: bool = False) -> Row[Any]:
    """Return a step's row; if `lock`, nobody changes it until the transaction ends."""
    query = select(steps).where(_is(run_id, name))
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        _none(connection, run_id, name)
        raise AssertionError("a step that is not there was found")
    return row


def _is(run_id: str, name: str) -> Any:
    return and_(steps.c.run_id == run_id, steps.c.name == name)

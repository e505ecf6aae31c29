"""MLflow's store of a database file, set up so that a call says within the patience of the config that the file is locked.

MLflow lets SQLite wait for 20 seconds at each session, and keeps one engine for each address in the process. Here the engine is the store's
own: its settings are not those of MLflow's own client, and a process that was forked gets another.
"""

from __future__ import annotations

from typing import Any

from mlflow.store.db.utils import create_sqlalchemy_engine
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy import event

_BUSY = "PRAGMA busy_timeout"


class Store(SqlAlchemyStore):  # type: ignore[misc]  # MLflow is not typed throughout
    """MLflow's store of a database file, whose statements wait for a lock for `patience` seconds at most."""

    def __init__(self, uri: str, artifacts: str, patience: float) -> None:
        self._busy = f"{_BUSY} = {int(patience * 1000)}"
        super().__init__(uri, artifacts)

    def _get_or_create_engine(self, db_uri: str) -> Any:
        engine = create_sqlalchemy_engine(db_uri)
        event.listen(engine, "connect", self._connected)
        event.listen(engine, "before_cursor_execute", self._adapted, retval=True)
        return engine

    def _connected(self, connection: Any, _: object) -> None:
        connection.execute(self._busy)

    def _adapted(self, _: object, __: object, statement: str, parameters: Any, *___: object) -> tuple[str, Any]:
        """Put its own patience in place of the one that MLflow begins each session with."""
        return (self._busy if statement.startswith(_BUSY) else statement), parameters

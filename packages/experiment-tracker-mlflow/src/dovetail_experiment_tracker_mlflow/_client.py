"""MLflow itself: imported at first use, which takes a second or more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from dovetail_core import DovetailError
from dovetail_experiment_tracker_mlflow.config import MlflowConfig
from dovetail_experiment_tracker_mlflow.errors import of_exception, of_opening

R = TypeVar("R")


class Client:
    """MLflow's store of runs, and the server if there is one."""

    def __init__(self, config: MlflowConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._store: Any = None
        self._server: Any = None

    @property
    def store(self) -> Any:
        """MLflow's store."""
        with self._lock:
            if self._store is None:
                self._store = self._made()
            return self._store

    @property
    def server(self) -> Any:
        """The tracking server; None for a database file."""
        _ = self.store
        return self._server

    def call(self, what: str, call: Callable[[Any], R]) -> R:
        """Return what a call of the store returns. Raises the error of the taxonomy for whatever it raises."""
        store = self.store
        from mlflow.exceptions import MlflowException

        try:
            return call(store)
        except DovetailError:
            raise
        except MlflowException as error:
            raise of_exception(error, what) from error

    def _made(self) -> Any:
        if not self._config.is_server:
            return self._of_file()
        from dovetail_experiment_tracker_mlflow._rest import Server, Store

        self._server = Server(self._config)
        return Store(self._server)

    def _of_file(self) -> Any:
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        file = self._config.file
        root = self._config.artifact_location or (file.parent / "mlflow-artifacts").as_uri()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            return SqlAlchemyStore(self._config.tracking_uri, root)
        except Exception as error:  # of the system, SQLite, SQLAlchemy, alembic or MLflow
            raise of_opening(error, file) from error

    def close(self) -> None:
        """Forget the store; the next call makes it again. Connections to a server are MLflow's, and shared by the process."""
        with self._lock:
            store, self._store, self._server = self._store, None, None
        engine = getattr(store, "engine", None)
        if engine is not None:
            engine.dispose()

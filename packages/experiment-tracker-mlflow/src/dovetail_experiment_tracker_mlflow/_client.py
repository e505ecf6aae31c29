"""MLflow itself: imported at first use, which takes a second or more."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from dovetail_core import DovetailError
from dovetail_core.forks import Turn
from dovetail_experiment_tracker_mlflow.config import MlflowConfig
from dovetail_experiment_tracker_mlflow.errors import of_exception, of_opening

R = TypeVar("R")

_LONGEST = 5.0
"""Seconds: a wait inside SQLite cannot be interrupted."""
_abandoned: list[object] = []
"""Stores of a parent process: a child must neither use nor close their connections, so they are kept from the garbage collector."""


class Client:
    """MLflow's store of runs, and the server if there is one. Safe to use from several threads, and after a fork.

    `tries` is how often a call is made while the store is away: together they wait for a locked file as long as the config says.
    """

    def __init__(self, config: MlflowConfig, tries: int) -> None:
        self._config = config
        self._tries = tries
        self._turn = Turn()
        self._pid = os.getpid()
        self._store: Any = None
        self._server: Any = None

    @property
    def store(self) -> Any:
        """MLflow's store."""
        with self._turn.lock:
            if self._pid != os.getpid():
                self._leave_to_parent()
            if self._store is None:
                self._store = self._made()
            return self._store

    def _leave_to_parent(self) -> None:
        _abandoned.append(self._store)
        self._store, self._server, self._pid = None, None, os.getpid()

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
            with self._alone():
                return call(store)
        except DovetailError:
            raise
        except MlflowException as error:
            raise of_exception(error, what) from error

    def _alone(self) -> AbstractContextManager[object]:
        """Return what a call is made within: of a file, one at a time, since also a reader's lock would be inherited by a fork."""
        return nullcontext() if self._config.is_server else self._turn.lock

    def _made(self) -> Any:
        if not self._config.is_server:
            return self._of_file()
        from dovetail_experiment_tracker_mlflow._rest import Server, Store

        self._server = Server(self._config)
        return Store(self._server)

    def _of_file(self) -> Any:
        from dovetail_experiment_tracker_mlflow._file import Store

        file = self._config.file
        root = self._config.artifact_location or (file.parent / "mlflow-artifacts").as_uri()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            return Store(self._config.tracking_uri, root, min(self._config.outage_seconds / self._tries, _LONGEST))
        except Exception as error:  # of the system, SQLite, SQLAlchemy, alembic or MLflow
            raise of_opening(error, file) from error

    def close(self) -> None:
        """Forget the store and close its connections; the next call makes it again."""
        with self._turn.lock:
            if self._pid != os.getpid():
                self._leave_to_parent()
            store, server, self._store, self._server = self._store, self._server, None, None
            if server is not None:
                server.close()
            elif store is not None:
                store.engine.dispose()

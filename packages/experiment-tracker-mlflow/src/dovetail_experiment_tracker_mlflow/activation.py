"""MLflow's own active run, so that code which calls `mlflow.log_metric` lands in the run that is active here."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dovetail_experiment_tracker_mlflow.config import MlflowConfig

log = logging.getLogger("dovetail.experiment_tracker")


class _Redirection:
    """MLflow's tracking URI and credentials are the process's: they are set while any run is active, and then put back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._uri = ""
        self._before: tuple[Any, dict[str, str | None]] = (None, {})

    def enter(self, config: MlflowConfig) -> bool:
        """Point MLflow at a tracker. Return False where it is pointed at another one, by a run that is active now."""
        with self._lock:
            if self._users and self._uri != config.tracking_uri:
                return False
            if not self._users:
                self._point(config)
            self._users += 1
            return True

    def leave(self) -> None:
        """Put back what was, once nobody needs it."""
        with self._lock:
            self._users -= 1
            if not self._users:
                self._restore()

    def _point(self, config: MlflowConfig) -> None:
        import mlflow
        from mlflow.tracking._tracking_service import utils

        wanted = {**_credentials(config), "MLFLOW_TRACKING_URI": None, "MLFLOW_RUN_ID": None, "MLFLOW_EXPERIMENT_ID": None}
        self._before = (utils._tracking_uri, {name: os.environ.get(name) for name in wanted})
        _set(wanted)
        mlflow.set_tracking_uri(config.tracking_uri)
        self._uri = config.tracking_uri

    def _restore(self) -> None:
        import mlflow

        uri, environment = self._before
        mlflow.set_tracking_uri(uri)
        _set(environment)


_redirection = _Redirection()


@contextmanager
def native(config: MlflowConfig, run: Any, autolog: bool) -> Iterator[None]:
    """Make a run MLflow's active one in this thread within a block; leaving it does not end it.

    MLflow can talk to one tracker at a time: where a run of another one is active, its own client is left alone, with a warning.
    """
    import mlflow
    from mlflow.tracking import fluent

    if not _redirection.enter(config):
        log.warning("a run of another MLflow tracker is active: calls of mlflow itself go there, and not to run %s", run.info.run_id)
        yield
        return
    stack = fluent._active_run_stack.get()
    active = mlflow.ActiveRun(run)
    stack.append(active)
    try:
        with _autologging(autolog):
            yield
    finally:
        if active in stack:  # also where the code inside began runs and left them active
            del stack[stack.index(active) :]
        _redirection.leave()


class _Autologging:
    """MLflow's automatic logging, which is the process's: on while any run wants it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0

    @contextmanager
    def on(self) -> Iterator[None]:
        """Keep it on within a block."""
        import mlflow

        with self._lock:
            self._users += 1
            if self._users == 1:
                mlflow.autolog(silent=True)
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    mlflow.autolog(disable=True, silent=True)


_automatic = _Autologging()


@contextmanager
def _autologging(wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    with _automatic.on():
        yield


def _credentials(config: MlflowConfig) -> dict[str, str | None]:
    return {
        "MLFLOW_TRACKING_USERNAME": config.username,
        "MLFLOW_TRACKING_PASSWORD": config.password.get_secret_value() if config.password else None,
        "MLFLOW_TRACKING_TOKEN": config.token.get_secret_value() if config.token else None,
        "MLFLOW_TRACKING_INSECURE_TLS": "true" if config.verify is False else None,
        "MLFLOW_TRACKING_SERVER_CERT_PATH": config.verify if isinstance(config.verify, str) else None,
    }


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value

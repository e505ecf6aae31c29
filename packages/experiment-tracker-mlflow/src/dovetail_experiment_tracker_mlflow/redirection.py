"""What MLflow keeps for the whole process: set while runs are active, and put back afterwards as it was."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dovetail_experiment_tracker_mlflow import request_auth
from dovetail_experiment_tracker_mlflow.config import MlflowConfig

_FOREIGN = (
    "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_WORKSPACE",
    "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_AWS_SIGV4",
    "MLFLOW_TRACKING_CLIENT_CERT_PATH",
)  # fmt: skip
"""Variables that lead MLflow's own client elsewhere."""


class Redirection:
    """Points MLflow's own client at a tracker while any run of it is active: its tracking URI, credentials and experiment are the process's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._place: tuple[str, str | None] = ("", None)
        self._before: tuple[Any, Any, dict[str, str | None]] = (None, None, {})

    def enter(self, config: MlflowConfig, experiment: str) -> bool:
        """Point MLflow at a tracker. Return False where it is pointed at another one, by a run that is active now."""
        with self._lock:
            if self._users and self._place != _place(config):
                return False
            if not self._users:
                self._point(config, experiment)
            self._users += 1
            return True

    def leave(self) -> None:
        """Put back what was, once nobody needs it."""
        with self._lock:
            self._users -= 1
            if not self._users:
                self._restore()

    def _point(self, config: MlflowConfig, experiment: str) -> None:
        import mlflow
        from mlflow.tracking import fluent
        from mlflow.tracking._tracking_service import utils

        wanted = {
            **dict.fromkeys(_FOREIGN),
            **_trust(config),
            "MLFLOW_TRACKING_AUTH": request_auth.NAME if request_auth.give(config) else None,
        }
        self._before = (utils._tracking_uri, fluent._active_experiment_id, {name: os.environ.get(name) for name in wanted})
        mlflow.set_tracking_uri(config.tracking_uri)
        _set({**wanted, "MLFLOW_TRACKING_URI": config.tracking_uri, "MLFLOW_WORKSPACE": config.workspace})
        fluent._active_experiment_id = experiment
        self._place = _place(config)

    def _restore(self) -> None:
        import mlflow
        from mlflow.tracking import fluent

        request_auth.give(None)
        uri, fluent._active_experiment_id, environment = self._before
        mlflow.set_tracking_uri(uri)
        _set(environment)


class Autologging:
    """MLflow's automatic logging, on while any run wants it. Where the user switched it on, it is left alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._before: dict[str, Any] | None = None

    @contextmanager
    def on(self) -> Iterator[None]:
        """Keep it on within a block."""
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._begin()
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._end()

    def _begin(self) -> None:
        import mlflow
        from mlflow.utils import autologging_utils

        if autologging_utils.autologging_is_disabled("mlflow"):
            self._before = copy.deepcopy(autologging_utils.AUTOLOGGING_INTEGRATIONS)
            mlflow.autolog(silent=True)

    def _end(self) -> None:
        import mlflow
        from mlflow.utils import autologging_utils

        before, self._before = self._before, None
        if before is None:
            return
        mlflow.autolog(disable=True, silent=True)
        for name in autologging_utils.AUTOLOGGING_INTEGRATIONS:
            autologging_utils.AUTOLOGGING_INTEGRATIONS[name] = before.get(name, {})


def _place(config: MlflowConfig) -> tuple[str, str | None]:
    return config.tracking_uri, config.workspace


def _trust(config: MlflowConfig) -> dict[str, str | None]:
    return {
        "MLFLOW_TRACKING_INSECURE_TLS": "true" if config.verify is False else None,
        "MLFLOW_TRACKING_SERVER_CERT_PATH": config.verify if isinstance(config.verify, str) else None,
    }


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value

"""Credentials for MLflow's own client while a run is active, by its plugins for authentication (entry point `mlflow.request_auth_provider`).

MLflow asks the plugin that MLFLOW_TRACKING_AUTH names before each request. So that variable holds a name, and none holds what children would inherit.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dovetail_experiment_tracker_mlflow.config import MlflowConfig

NAME = "dovetail"
"""What MLFLOW_TRACKING_AUTH is while a tracker with credentials is active."""
Authenticate = Callable[[Any], Any]

_given: Authenticate | None = None


class RequestAuth:
    """MLflow's `RequestAuthProvider`, which is not imported here since MLflow loads this while it is imported itself."""

    def get_name(self) -> str:
        """Return the name by which MLFLOW_TRACKING_AUTH chooses it."""
        return NAME

    def get_auth(self) -> Authenticate | None:
        """Return what adds the credentials to a request; None in a process that has none, such as a child."""
        return _given


def give(config: MlflowConfig | None) -> bool:
    """Authenticate MLflow's own requests to a tracker's server from now on, or none; return whether there is anything to do it with."""
    global _given
    header = None if config is None else authorization(config)
    _given = None if config is None or header is None else _adding(header, config.tracking_uri)
    return _given is not None


def authorization(config: MlflowConfig) -> str | None:
    """Return what a request's header `Authorization` says; None without credentials."""
    if config.token is not None:
        return f"Bearer {config.token.get_secret_value()}"
    if config.username is None or config.password is None:
        return None
    login = f"{config.username}:{config.password.get_secret_value()}"
    return f"Basic {base64.b64encode(login.encode()).decode()}"


def _adding(header: str, server: str) -> Authenticate:
    def authenticate(request: Any) -> Any:
        if request.url.startswith(f"{server}/"):
            request.headers["Authorization"] = header
        return request

    return authenticate

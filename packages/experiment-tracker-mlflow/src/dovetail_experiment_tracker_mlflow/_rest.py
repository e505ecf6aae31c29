"""MLflow's client of a tracking server, set up so that each request is sent once, with the credentials of the config and no others.

MLflow's own retries repeat every request, also one that was applied and whose answer was lost; which may be repeated is known by
whoever makes it. And MLflow's own connections belong to the process, and stay open when nobody uses them any more.
"""

from __future__ import annotations

import json
from typing import Any

from mlflow.store.tracking.rest_store import RestStore
from mlflow.tracking.request_header.registry import resolve_request_headers
from mlflow.utils.proto_json_utils import parse_dict

from dovetail_experiment_tracker_mlflow._connections import session
from dovetail_experiment_tracker_mlflow.config import MlflowConfig
from dovetail_experiment_tracker_mlflow.errors import of_response, of_transport
from dovetail_experiment_tracker_mlflow.request_auth import authorization


class Server:
    """A tracking server: sends one request, and maps what goes wrong. Its connections are its own."""

    def __init__(self, config: MlflowConfig) -> None:
        self._config = config
        self._session = session()
        self._headers = _headers(config)

    def send(self, method: str, endpoint: str, **more: Any) -> Any:
        """Return the answer to a request. Raises the error of the taxonomy unless it is a success."""
        what = f"{method} {endpoint.partition('?')[0]}"
        headers = {**resolve_request_headers(), **self._headers, **more.pop("headers", {})}
        fixed: dict[str, Any] = {
            "timeout": self._config.timeout,
            "verify": self._config.verify,
            "allow_redirects": False,
            "auth": _as_it_is,
        }
        try:
            response = self._session.request(method, f"{self._config.tracking_uri}{endpoint}", headers=headers, **fixed, **more)
        except Exception as error:  # of requests, urllib3, or what is below them
            raise of_transport(error, what) from error
        if not 200 <= response.status_code < 300:
            raise of_response(response, what)
        return response

    def close(self) -> None:
        """Close the connections that wait to be used again; those in use close when they are done."""
        self._session.close()


class Store(RestStore):  # type: ignore[misc]  # MLflow is not typed throughout
    """MLflow's store of a tracking server, over `Server`."""

    def __init__(self, server: Server) -> None:
        super().__init__(_no_other_way)
        self._server = server

    def _call_endpoint(
        self,
        api: Any,
        json_body: str | None = None,
        endpoint: str | None = None,
        retry_timeout_seconds: float | None = None,
        response_proto: Any = None,
    ) -> Any:
        methods = self._V3_METHOD_TO_INFO if api in self._V3_APIS else self._METHOD_TO_INFO
        known, method = methods[api]
        body = json.loads(json_body) if json_body is not None else None
        given = {"params": body} if method == "GET" else {"json": body}
        response = self._server.send(method, endpoint or known, **given)
        answer = response_proto or api.Response()
        parse_dict(js_dict=_parsed(response), message=answer)
        return answer

    def _validate_workspace_support_if_specified(self) -> None:
        """A variable of the environment specifies nothing here."""


def _no_other_way() -> Any:
    """Give no credentials to MLflow's own way to send a request."""
    raise NotImplementedError("requests go through `Server`")


def _headers(config: MlflowConfig) -> dict[str, str]:
    """Return what every request says: who asks, and of which workspace."""
    said = {"Authorization": authorization(config), "X-MLFLOW-WORKSPACE": config.workspace}
    return {name: value for name, value in said.items() if value}


def _as_it_is(request: Any) -> Any:
    """Leave a request with the credentials that it has; without this, `requests` looks for others in ~/.netrc."""
    return request


def _parsed(response: Any) -> Any:
    text = response.text.strip()
    if not text:
        return {}
    try:
        return json.loads(text)
    except ValueError as error:
        raise of_transport(error, "an answer that is no JSON") from error

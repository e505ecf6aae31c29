"""MLflow's client of a tracking server, set up so that each request is sent once, with the credentials of the config and no others.

MLflow's own retries repeat every request, also one that was applied and whose answer was lost; which may be repeated is known by
whoever makes it.
"""

from __future__ import annotations

import json
import os
from typing import Any

from mlflow.store.tracking.rest_store import RestStore
from mlflow.utils.proto_json_utils import parse_dict
from mlflow.utils.rest_utils import MlflowHostCreds, http_request
from requests.exceptions import RequestException

from dovetail_core import DovetailError
from dovetail_experiment_tracker_mlflow.config import MlflowConfig
from dovetail_experiment_tracker_mlflow.errors import of_response, of_transport


class Server:
    """A tracking server: sends one request, and maps what goes wrong."""

    def __init__(self, config: MlflowConfig) -> None:
        self._config = config
        self.credentials = MlflowHostCreds(
            config.tracking_uri,
            username=config.username,
            password=config.password.get_secret_value() if config.password else None,
            token=config.token.get_secret_value() if config.token else None,
            ignore_tls_verification=config.verify is False,
            server_cert_path=config.verify if isinstance(config.verify, str) else None,
        )

    def send(self, method: str, endpoint: str, **more: Any) -> Any:
        """Return the answer to a request. Raises the error of the taxonomy unless it is a success."""
        from mlflow.exceptions import MlflowException

        what = f"{method} {endpoint.partition('?')[0]}"
        try:
            response = http_request(
                self.credentials,
                endpoint,
                method,
                max_retries=0,
                timeout=self._config.timeout,
                raise_on_status=False,
                respect_retry_after_header=False,
                allow_redirects=False,
                auth=_as_it_is,
                **{**more, "extra_headers": {**self._workspace(), **more.get("extra_headers", {})}},
            )
        except MlflowException as error:
            raise of_transport(_cause(error), what) from error
        if not 200 <= response.status_code < 300:
            raise of_response(response, what)
        return response

    def _workspace(self) -> dict[str, str]:
        """Return the header that names the workspace, also in place of one that MLflow takes from the environment."""
        wanted = self._config.workspace
        return {"X-MLFLOW-WORKSPACE": wanted or ""} if wanted or "MLFLOW_WORKSPACE" in os.environ else {}


class Store(RestStore):  # type: ignore[misc]  # MLflow is not typed throughout
    """MLflow's store of a tracking server, over `Server`."""

    def __init__(self, server: Server) -> None:
        super().__init__(lambda: server.credentials)
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


def _cause(error: BaseException) -> Exception:
    """Return what was raised below MLflow's own exception."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, RequestException):
            return found
        found = found.__cause__ or found.__context__
    return error if isinstance(error, Exception) else DovetailError(str(error))

"""The clients of the SDK: made at first use, without retries, redirects and logging of their own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dovetail_alerter_slack.config import SlackConfig
from dovetail_alerter_slack.errors import BROKEN, broken, refused, while_reading
from dovetail_alerter_slack.pauses import Pauses
from dovetail_core import DovetailError, RateLimited
from dovetail_core.retry import retrying

if TYPE_CHECKING:
    from slack_sdk.web import SlackResponse


class Client:
    """Sends requests, and maps what goes wrong. A pause that Slack asks for is kept by every process that uses the same credentials."""

    def __init__(self, config: SlackConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._web: Any = None
        self._hook: Any = None
        secret = config.token or config.webhook_url
        self._pauses = Pauses(secret.get_secret_value() if secret else "")

    @property
    def web(self) -> Any:
        """The SDK's client of the Web API."""
        with self._lock:
            if self._web is None:
                from dovetail_alerter_slack._sdk import web_client

                self._web = web_client(self._config)
            return self._web

    @property
    def webhook(self) -> Any:
        """The SDK's client of the webhook."""
        with self._lock:
            if self._hook is None:
                from dovetail_alerter_slack._sdk import webhook_client

                self._hook = webhook_client(self._config)
            return self._hook

    def change(self, method: str, what: str, **parameters: Any) -> dict[str, Any]:
        """Call a method that changes something, once. Raises `AnswerLost` where it may have been done."""
        from slack_sdk.errors import SlackApiError

        self._pauses.obey(method, what)
        try:
            answer: SlackResponse = self.web.api_call(method, json={name: value for name, value in parameters.items() if value is not None})
        except SlackApiError as error:
            raise self._refused(method, what, error.response) from error
        except BROKEN as error:
            raise broken(error, what) from error
        return dict(answer.data) if isinstance(answer.data, dict) else {}

    def change_again(self, method: str, what: str, **parameters: Any) -> dict[str, Any]:
        """Call a method that may be called twice, again while what goes wrong may pass."""
        return retrying(lambda: self.change(method, what, **parameters), attempts=self._config.attempts, within=self._config.patience)

    def read(self, method: str, what: str, *, patient: bool = True, **parameters: Any) -> dict[str, Any]:
        """Call a method that changes nothing, again while what goes wrong may pass; once if not `patient`, for a caller that asks again."""
        attempts = self._config.attempts if patient else 1
        return retrying(lambda: self._read_once(method, what, parameters), attempts=attempts, within=self._config.patience)

    def _read_once(self, method: str, what: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        from slack_sdk.errors import SlackApiError

        self._pauses.obey(method, what)
        try:
            answer: SlackResponse = self.web.api_call(
                method, params={name: value for name, value in parameters.items() if value is not None}
            )
        except SlackApiError as error:
            raise while_reading(self._refused(method, what, error.response)) from error
        except BROKEN as error:
            raise while_reading(broken(error, what)) from error
        return dict(answer.data) if isinstance(answer.data, dict) else {}

    def by_webhook(self, what: str, body: Mapping[str, Any]) -> None:
        """Send a message to the webhook, once."""
        self._pauses.obey("webhook", what)
        try:
            answer = self.webhook.send_dict(dict(body))
        except BROKEN as error:
            raise broken(error, what) from error
        if answer.status_code >= 300 or answer.body.strip() not in ("ok", ""):
            raise self._kept("webhook", refused(_code(answer.body), what, {}, answer.headers, answer.status_code))

    def _refused(self, method: str, what: str, response: Any) -> DovetailError:
        data = response.data if isinstance(response.data, dict) else {}
        error = refused(_code(str(data.get("error", ""))), what, data, response.headers or {}, response.status_code)
        return self._kept(method, error)

    def _kept(self, method: str, error: DovetailError) -> DovetailError:
        if isinstance(error, RateLimited):
            self._pauses.note(method, error.retry_after or 0.0)
        return error

    def close(self) -> None:
        """Forget the clients; the SDK keeps no connection open between requests."""
        with self._lock:
            self._web = self._hook = None


def _code(text: str) -> str:
    """Return a text if it is one of Slack's codes: what else a body says is not shown, since a provider may echo what it was sent."""
    text = text.strip()
    return text if len(text) <= 60 and text.replace("_", "").isalnum() else ""


quiet = logging.Logger("dovetail_alerter_slack.sdk", logging.CRITICAL + 1)
"""For the SDK, whose debug log shows webhooks and messages in full."""
quiet.addHandler(logging.NullHandler())

"""The SDK's own classes, set up so that a message is sent once, and only to the address that the config names."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

from slack_sdk import WebClient
from slack_sdk.socket_mode.builtin.connection import ConnectionState
from slack_sdk.webhook import WebhookClient, WebhookResponse

from dovetail_alerter_slack._client import quiet
from dovetail_alerter_slack.config import SlackConfig

USER_AGENT = "dovetail-alerter-slack"


class Ended(ConnectionState):
    """The state of a connection that is not opened again, whatever is said to it."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, True)


class _NoRedirects(HTTPRedirectHandler):
    """Makes a redirect an HTTP error: urllib would take the token along to whichever host it names."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        return None


class _Web(WebClient):
    """The client of the Web API, without redirects."""

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        status, headers, body = _sent(req, self.timeout, self.proxy, self.ssl)
        return {"status": status, "headers": headers, "body": body}

    def _upload_file(self, *, url: str, data: bytes, **_: Any) -> Any:
        raise AssertionError("files are uploaded by this package's own requests")


class _Webhook(WebhookClient):
    """The client of a webhook, without redirects."""

    def _perform_http_request_internal(self, url: str, req: Request) -> WebhookResponse:
        status, headers, body = _sent(req, self.timeout, self.proxy, self.ssl)
        return WebhookResponse(url=url, status_code=status, body=body, headers=dict(headers))


def web_client(config: SlackConfig) -> WebClient:
    """Return a client of the Web API with the bot's token."""
    token = config.token.get_secret_value() if config.token else None
    return _Web(
        token=token, base_url=config.base_url, timeout=_seconds(config), retry_handlers=[], logger=quiet, user_agent_prefix=USER_AGENT
    )


def webhook_client(config: SlackConfig) -> WebhookClient:
    """Return a client of the webhook."""
    url = config.webhook_url.get_secret_value() if config.webhook_url else ""
    return _Webhook(url, timeout=_seconds(config), retry_handlers=[], logger=quiet, user_agent_prefix=USER_AGENT)


def upload(url: str, data: bytes, timeout: float) -> tuple[int, Mapping[str, str]]:
    """Send a file to an address that `files.getUploadURLExternal` gave, and return the status and the headers of the answer."""
    request = Request(url, data=data, method="POST", headers={"Content-Type": "application/octet-stream"})
    try:
        status, headers, _ = _sent(request, timeout, None, None)
    except HTTPError as refusal:  # it is an answer, and for urllib an error
        with refusal:
            return refusal.code, dict(refusal.headers)
    return status, headers


def _seconds(config: SlackConfig) -> Any:
    return config.timeout  # the SDK declares int, and hands it to a socket


def _sent(request: Request, timeout: float, proxy: str | None, context: Any) -> tuple[int, Mapping[str, str], str]:
    with _opener(proxy, context).open(request, timeout=timeout) as response:
        charset = response.headers.get_content_charset() or "utf-8"
        return response.status, response.headers, response.read().decode(charset, "replace")


def _opener(proxy: str | None, context: Any) -> OpenerDirector:
    proxies = ProxyHandler({"http": proxy, "https": proxy} if proxy else None)
    return urllib.request.build_opener(proxies, HTTPHandler(), HTTPSHandler(context=context), _NoRedirects())

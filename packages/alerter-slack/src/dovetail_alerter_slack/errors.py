"""What Slack's answers mean. The codes are those of its reference of Web API methods (chat.postMessage and the others that are called here)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from dovetail_alerter import AnswerLost
from dovetail_core import (
    AuthenticationFailed,
    DovetailError,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    RateLimited,
    Unavailable,
)

_TOKEN = {
    "account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked", "invalid_token", "no_token", "two_factor_setup_required",
    "org_login_required", "team_access_not_granted",
}  # fmt: skip
_MISSING = {
    "channel_not_found", "message_not_found", "thread_not_found", "user_not_found", "users_not_found", "no_such_subteam", "file_not_found",
    "no_service", "no_service_id", "no_team", "team_disabled",
}  # fmt: skip
_DENIED = {
    "access_denied", "action_prohibited", "as_user_not_supported", "cannot_reply_to_message", "channel_is_archived", "ekm_access_denied",
    "enterprise_is_restricted", "is_archived", "is_inactive", "messages_tab_disabled", "missing_scope", "no_permission",
    "not_allowed_token_type", "not_in_channel", "posting_to_channel_denied", "posting_to_general_channel_denied", "restricted_action",
    "restricted_action_non_threadable_channel", "restricted_action_read_only_channel", "restricted_action_thread_locked",
    "restricted_action_thread_only_channel", "invalid_app_id", "not_in_team",
}  # fmt: skip
_SLOW = {"rate_limited", "ratelimited", "message_limit_exceeded", "accesslimited", "rollup_error"}
_DOUBTFUL = {"fatal_error", "internal_error", "request_timeout"}
"""The reference says that some of the operation may have succeeded."""
_LATER = {"service_unavailable", "team_added_to_org", "over_pagination_limit"}
_REMEDIES = {
    "not_in_channel": "invite the app to the channel",
    "channel_not_found": "check `channels`; invite the app to a private channel",
    "is_archived": "unarchive the channel, or name another in `channels`",
    "channel_is_archived": "unarchive the channel, or make a webhook for another",
    "no_service": "the webhook was removed: make another, and set `webhook_url`",
    "token_revoked": "install the app again, and set `token`",
    "token_expired": "set a token that does not expire, or renew `token`",
    "account_inactive": "the app or its user was removed: install it again, and set `token`",
}


def refused(code: str, what: str, answer: Mapping[str, Any], headers: Mapping[str, str], status: int = 200) -> DovetailError:
    """Return the error for an answer of Slack's that is no success."""
    if status == 429 or code in _SLOW:
        return RateLimited(f"{what}: Slack asks for fewer requests", remedy="send less, or wait", retry_after=_seconds(headers))
    text = f"{what}: Slack says {code or f'HTTP {status}'}"
    if 300 <= status < 400:
        return Unavailable(f"{text}, a redirect, which is not followed", remedy="check `base_url` or `webhook_url`", retryable=False)
    if code in _TOKEN or status == 401:
        return AuthenticationFailed(text, remedy=_REMEDIES.get(code, "check `token`"))
    if code == "missing_scope":
        return PermissionDenied(text, remedy=f"add the scope {answer.get('needed', 'that is missing')} to the app, and install it again")
    if code in _DENIED or status == 403:
        return PermissionDenied(text, remedy=_REMEDIES.get(code, "let the app post there"))
    if code in _MISSING or status == 404:
        return NotFound(text, remedy=_REMEDIES.get(code, "check `channels`"))
    if code in _LATER or status == 503:
        return Unavailable(text, remedy="try again later")
    if code in _DOUBTFUL or status >= 500:
        return AnswerLost(text, remedy="look whether it is there")
    return InvalidArgument(text + _details(answer), remedy="report it: the request is made by this package")


def broken(error: Exception, what: str) -> DovetailError:
    """Return the error for a request that got no answer: `Unavailable` where it cannot have been sent, else `AnswerLost`."""
    reason = error.reason if isinstance(error, URLError) else error
    text = f"{what}: {type(reason).__name__}"
    if isinstance(reason, ConnectionRefusedError | socket.gaierror | ssl.SSLCertVerificationError):
        return Unavailable(f"{text}: Slack cannot be reached", remedy="check the network, and `base_url`")
    if isinstance(reason, TimeoutError):
        return AnswerLost(f"{text}: no answer in time", remedy="look whether it is there, or raise `timeout`")
    return AnswerLost(f"{text}: the connection broke", remedy="look whether it is there")


def while_reading(error: DovetailError) -> DovetailError:
    """Return the error of a request that changes nothing: that no answer came leaves no doubt."""
    return Unavailable(error.message, remedy="try again later") if isinstance(error, AnswerLost) else error


BROKEN = (OSError, HTTPException)
"""What the SDK lets through where no answer comes."""


def _seconds(headers: Mapping[str, str]) -> float | None:
    given = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        return max(float(given), 0.0)
    except ValueError:
        return None


def _details(answer: Mapping[str, Any]) -> str:
    messages = (answer.get("response_metadata") or {}).get("messages") or answer.get("errors") or ()
    return f" ({'; '.join(map(str, messages))})" if messages else ""

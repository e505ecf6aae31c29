"""What MLflow's errors mean, by their codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dovetail_core import (
    AlreadyExists,
    AuthenticationFailed,
    ConfigError,
    Conflict,
    DovetailError,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    RateLimited,
    Timeout,
    Unavailable,
)

_KINDS: dict[str, type[DovetailError]] = {
    "RESOURCE_DOES_NOT_EXIST": NotFound,
    "NOT_FOUND": NotFound,
    "ENDPOINT_NOT_FOUND": NotFound,
    "RESOURCE_ALREADY_EXISTS": AlreadyExists,
    "ALREADY_EXISTS": AlreadyExists,
    "RESOURCE_CONFLICT": Conflict,
    "ABORTED": Conflict,
    "PERMISSION_DENIED": PermissionDenied,
    "UNAUTHENTICATED": AuthenticationFailed,
    "CUSTOMER_UNAUTHORIZED": AuthenticationFailed,
    "INVALID_PARAMETER_VALUE": InvalidArgument,
    "BAD_REQUEST": InvalidArgument,
    "REQUEST_LIMIT_EXCEEDED": RateLimited,
    "RESOURCE_EXHAUSTED": RateLimited,
}
_PASSING = frozenset({"TEMPORARILY_UNAVAILABLE", "DEADLINE_EXCEEDED"})
"""Codes of what may be over when it is tried again; what else MLflow meets, it meets again."""
_LOCKED = frozenset({5, 6})
"""SQLite's codes SQLITE_BUSY and SQLITE_LOCKED."""
_STATUSES: dict[int, type[DovetailError]] = {
    401: AuthenticationFailed,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
    413: InvalidArgument,
    429: RateLimited,
}
_REMEDIES: dict[type[DovetailError], str] = {
    AuthenticationFailed: "check `username` and `password`, or `token`",
    PermissionDenied: "let the user do this at the server; a server also refuses hosts that it does not know (--allowed-hosts)",
    NotFound: "check the id, and `tracking_uri`",
    Unavailable: "check whether the server runs, and `tracking_uri`",
    RateLimited: "log less often",
    InvalidArgument: "log something else",
}


def of_code(code: str, what: str, detail: str = "") -> DovetailError:
    """Return the error for one of MLflow's codes."""
    error = _made(_KINDS.get(code, Unavailable), f"{what}: {code}" + (f": {detail}" if detail else ""))
    if type(error) is Unavailable:
        error.retryable = _passes(code, detail)
    return error


def _passes(code: str, detail: str) -> bool:
    """Tell whether it may be over when it is tried again; `log_batch` says INTERNAL_ERROR of a database that is locked or away, too."""
    return code in _PASSING or (code == "INTERNAL_ERROR" and "OperationalError" in detail)


def of_response(response: Any, what: str) -> DovetailError:
    """Return the error for an answer that is no success; only what MLflow itself says is shown of its body."""
    status = int(response.status_code)
    code, detail = _said(response)
    if code in _KINDS and status < 500:
        error = of_code(code, what, detail)
    elif 300 <= status < 400:
        error = Unavailable(f"{what}: {status}, a redirect, which is not followed", remedy="check `tracking_uri`", retryable=False)
    else:
        kind = _STATUSES.get(status, InvalidArgument if 400 <= status < 500 else Unavailable)
        error = _made(kind, f"{what}: HTTP {status}")
        if code and status >= 500:  # MLflow itself says it, and no proxy before it
            error.retryable = _passes(code, detail)
    if isinstance(error, RateLimited):
        error.retry_after = _seconds(response.headers.get("Retry-After"))
    return error


def of_transport(error: Exception, what: str) -> DovetailError:
    """Return the error for a request that got no answer."""
    from requests.exceptions import SSLError

    if _is_late(error):
        return Timeout(f"{what}: no answer in time", remedy="raise `timeout`, or look after the server")
    if isinstance(error, SSLError):
        return Unavailable(f"{what}: the server's certificate is not trusted", remedy="set `verify`", retryable=False)
    return Unavailable(f"{what}: the server cannot be reached, or broke off ({type(error).__name__})", remedy=_REMEDIES[Unavailable])


def _is_late(error: Exception) -> bool:
    from requests.exceptions import Timeout as RequestTimeout
    from urllib3.exceptions import TimeoutError as PoolTimeout

    said = error.args[0] if error.args else None  # requests calls a late answer a lost connection where retries are counted
    return isinstance(error, RequestTimeout) or isinstance(getattr(said, "reason", None), PoolTimeout)


def of_exception(error: Any, what: str) -> DovetailError:
    """Return the error for an exception of MLflow's own."""
    return of_code(str(getattr(error, "error_code", "INTERNAL_ERROR")), what, str(getattr(error, "message", "")))


def of_opening(error: Exception, file: Path) -> DovetailError:
    """Return the error for a database file that could not be opened or made."""
    reason = getattr(error, "orig", None) or error
    if getattr(reason, "sqlite_errorcode", 0) & 0xFF in _LOCKED:
        return Unavailable(f"{file} is locked by another process", remedy="wait until that is done with it")
    what = f"{file} cannot be opened as a database of MLflow's: {str(reason).partition(chr(10))[0]}"
    return ConfigError(what, remedy="set `tracking_uri` to such a file, or to a place where it can be made", field="tracking_uri")


def _made(kind: type[DovetailError], message: str) -> DovetailError:
    return kind(message, remedy=_REMEDIES.get(kind, "try something else"))


def _said(response: Any) -> tuple[str, str]:
    try:
        body = response.json()
    except ValueError:
        return "", ""
    if not isinstance(body, dict) or not isinstance(body.get("error_code"), str):
        return "", ""
    return body["error_code"], str(body.get("message", ""))


def _seconds(given: str | None) -> float | None:
    try:
        return max(float(given or ""), 0.0)
    except ValueError:
        return None

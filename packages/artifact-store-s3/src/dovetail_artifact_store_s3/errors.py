"""What errors of the SDK mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dovetail_core import (
    AlreadyExists,
    AuthenticationFailed,
    ConfigError,
    Conflict,
    DovetailError,
    IntegrityError,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    RateLimited,
    Timeout,
    Unavailable,
)

_UNKNOWN = {
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired", "RequestExpired", "401",
    "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException",  # of the service that gives out temporary keys
    "400",  # to a HEAD, whose answer has no room for a code: keys that have ended
}  # fmt: skip
_DENIED = {"AccessDenied", "403", "AllAccessDisabled", "AccountProblem", "UnauthorizedAccess", "Forbidden"}
_MISSING = {"NoSuchKey", "404", "NotFound", "NoSuchVersion"}
_SLOW = {"SlowDown", "TooManyRequests", "RequestLimitExceeded", "Throttling", "ThrottlingException", "429", "BandwidthLimitExceeded"}
_LATER = {"InternalError", "ServiceUnavailable", "500", "502", "503", "504", "OperationAborted", "ConditionalRequestConflict", "409"}
_DAMAGED = {"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "IncompleteBody"}
_LATE = {"RequestTimeout", "408"}
_KEY = {"KMS.NotFoundException", "KMS.DisabledException", "KMS.KMSInvalidStateException", "KMS.InvalidKeyUsageException"}
_FORGOTTEN = {"NoSuchUpload", "410"}


class Unfit(Exception):
    """An engine cannot do what the settings say; `remedy` is what to do about it."""

    def __init__(self, reason: str, remedy: str = "set `engine: auto`") -> None:
        self.remedy: str = remedy
        super().__init__(reason)


def mapped(error: BaseException, what: str) -> DovetailError:
    """Return the error of the taxonomy that an exception of the SDK stands for, about `what`."""
    from botocore import exceptions as sdk

    if isinstance(error, DovetailError):
        return error
    if isinstance(error, sdk.ClientError):
        return from_code(str(error.response.get("Error", {}).get("Code", "")), error.response, what)
    if isinstance(error, sdk.ReadTimeoutError | sdk.ConnectTimeoutError | TimeoutError):
        return Timeout(f"{what}: the server did not answer in time", remedy="try again, or raise `read_timeout`")
    if isinstance(error, sdk.NoCredentialsError | sdk.PartialCredentialsError | sdk.CredentialRetrievalError | sdk.TokenRetrievalError):
        remedy = "set `access_key_id` and `secret_access_key`, or `profile`, or what the SDK looks for"
        return AuthenticationFailed(f"{what}: there are no credentials ({type(error).__name__})", remedy=remedy)
    if isinstance(error, sdk.ProfileNotFound | sdk.NoRegionError | sdk.UnknownServiceError | sdk.InvalidRegionError):
        return ConfigError(f"{what}: {error}", remedy="set `profile` or `region`")
    if isinstance(error, sdk.FlexibleChecksumError | sdk.IncompleteReadError | sdk.ResponseStreamingError):
        return IntegrityError(f"{what}: what came is not what is stored", remedy="try again", retryable=True)
    if isinstance(error, sdk.ParamValidationError):
        return InvalidArgument(f"{what}: {error}", remedy="mend the argument")
    return Unavailable(f"{what}: the server cannot be reached ({type(error).__name__})", remedy="check `endpoint_url` and the network")


def from_code(code: str, response: Mapping[str, Any], what: str) -> DovetailError:
    """Return the error that a code of S3 stands for (API reference, "Error responses")."""
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
    shown = f"{what}: {code or status}"
    if code in _UNKNOWN:
        return AuthenticationFailed(shown, remedy="check the credentials, and whether they have ended")
    if code == "RequestTimeTooSkewed":
        return ConfigError(f"{shown}: the clocks of this machine and of the server differ", remedy="set this machine's clock")
    if code == "InvalidObjectState":
        return Conflict(f"{what} is in an archive ({code})", remedy="restore it, and wait until it is there")
    if code in _KEY:
        return ConfigError(f"{shown}: the key for the encryption cannot be used", remedy="set `kms_key_id` to one that can")
    if code in _DENIED or status in (401, 403):
        return PermissionDenied(shown, remedy="grant the permission, or use other credentials")
    if code == "NoSuchBucket":
        return NotFound(f"{what}: there is no such bucket", remedy="create the bucket, or set `bucket`")
    if code in _MISSING:
        return NotFound(f"{what} is not there", remedy="check the key")
    if code in _SLOW or status == 429:
        return RateLimited(shown, remedy="send fewer requests at once", retry_after=_retry_after(response))
    if code in ("PreconditionFailed", "412"):
        return Conflict(f"{what} is not the object that was expected", remedy="read it again, and decide anew")
    if code in _DAMAGED:
        return IntegrityError(f"{shown}: what arrived is not what was sent", remedy="try again", retryable=True)
    if code in _LATE:
        return Timeout(shown, remedy="try again")
    if code in _LATER or status >= 500:
        return Unavailable(shown, remedy="try again later")
    if code in _FORGOTTEN:
        return Unavailable(f"{what}: the server has forgotten the upload", remedy="write it again", retryable=False)
    if status in (301, 307, 400) and code in (
        "PermanentRedirect",
        "AuthorizationHeaderMalformed",
        "301",
        "IllegalLocationConstraintException",
    ):
        return ConfigError(f"{what}: the bucket is in another region", remedy="set `region`")
    if code in ("KeyTooLongError", "InvalidArgument", "InvalidRequest", "EntityTooLarge"):
        return InvalidArgument(f"{what}: {code}", remedy="mend the argument")
    return Unavailable(shown, remedy="see the server's log", retryable=False)


def is_unexplained(error: DovetailError) -> bool:
    """Tell whether an error is a refusal that does not say why: the answer to a HEAD has no code, so it may be the keys."""
    return code_of(error) in ("400", "401", "403")


def code_of(error: DovetailError) -> str:
    """Return the code of S3 that an error was made of, or nothing."""
    response = getattr(error.__cause__, "response", None) or {}  # the SDK's errors of connections have one that is None
    return str(response.get("Error", {}).get("Code", ""))


def is_forgotten(error: DovetailError) -> bool:
    """Tell whether an error of an upload says that the server does not know it: some say so by that of an object."""
    return code_of(error) in _FORGOTTEN or (isinstance(error, NotFound) and code_of(error) != "NoSuchBucket")


def taken(key: str) -> AlreadyExists:
    """Return the error of a creation whose key is taken."""
    return AlreadyExists(f"there is something at '{key}' already", remedy="choose another key, or delete it", key=key)


def _retry_after(response: Mapping[str, Any]) -> float | None:
    value = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after", "")
    try:
        return float(value)
    except ValueError:
        return None

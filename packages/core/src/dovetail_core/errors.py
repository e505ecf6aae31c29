"""The errors that a component may raise.

    DovetailError
     ├── InvalidArgument (ValueError)       the caller's argument is wrong; nothing was done
     ├── ConfigError (ValueError)           a setting is wrong
     │    ├── BrokenFlavor                  an installed flavor cannot be used
     │    └── BrokenType                    an installed component type cannot be used
     ├── NotFound (FileNotFoundError, LookupError)
     ├── AlreadyExists (FileExistsError)
     ├── Conflict                           somebody else changed it first, or another value is stored
     ├── PermissionDenied (PermissionError)
     ├── AuthenticationFailed (PermissionError)
     ├── RateLimited                        retryable; `retry_after` in seconds
     ├── Unavailable (ConnectionError)      retryable
     ├── Timeout (TimeoutError)             retryable
     ├── NotReady                           retryable
     ├── IntegrityError                     bytes are not the recorded ones
     ├── Unsupported (NotImplementedError)  a capability that is not declared
     └── Cancelled

Each also derives from the builtin that a caller would expect, can be pickled, and says what, which, and what to do.
The backend's own exception is the `__cause__`.
"""

from __future__ import annotations

from typing import Any

from dovetail_core.masking import mask


class DovetailError(Exception):
    """Something that a component could not do: `message` says what and which, `remedy` what to do about it."""

    retryable: bool = False
    """Whether the same call may succeed later."""

    def __init__(self, message: str, *, remedy: str = "", retryable: bool | None = None, **details: Any) -> None:
        self.message: str = mask(message)
        self.remedy: str = mask(remedy)
        self.details = details
        if retryable is not None:
            self.retryable = retryable
        super().__init__(f"{self.message} ({self.remedy})" if remedy else self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.remedy, self.retryable, self.details), {}


def _rebuild(kind: type[DovetailError], message: str, remedy: str, retryable: bool, details: dict[str, Any]) -> DovetailError:
    return kind(message, remedy=remedy, retryable=retryable, **details)


class InvalidArgument(DovetailError, ValueError):
    """An argument was refused before anything was done."""


class ConfigError(DovetailError, ValueError):
    """A setting is wrong, missing, or not known."""


class BrokenFlavor(ConfigError):
    """An installed flavor cannot be used; the message holds the reason, the remedy the command that mends it."""


class BrokenType(ConfigError):
    """An installed component type cannot be used; the message holds the reason, the remedy the command that mends it."""


class NotFound(DovetailError, FileNotFoundError, LookupError):
    """What was asked for does not exist."""


class AlreadyExists(DovetailError, FileExistsError):
    """What was to be created exists already."""


class Conflict(DovetailError):
    """The stored state is not the one that the caller expected."""


class PermissionDenied(DovetailError, PermissionError):
    """The caller is known, and may not do this."""


class AuthenticationFailed(DovetailError, PermissionError):
    """The backend does not accept the credentials."""


class RateLimited(DovetailError):
    """The backend asks for fewer requests; `retry_after` is in seconds, None where it does not say."""

    retryable = True

    def __init__(self, message: str, *, retry_after: float | None = None, **details: Any) -> None:
        self.retry_after = retry_after
        super().__init__(message, **details)
        self.details["retry_after"] = retry_after


class Unavailable(DovetailError, ConnectionError):
    """The backend cannot be reached, or cannot answer now."""

    retryable = True


class Timeout(DovetailError, TimeoutError):
    """No answer came within the time allowed."""

    retryable = True


class NotReady(DovetailError):
    """It exists, and cannot be used yet."""

    retryable = True


class IntegrityError(DovetailError):
    """Bytes, or a record, are not what was stored."""


class Unsupported(DovetailError, NotImplementedError):
    """The flavor does not declare the capability that this call needs."""


class Cancelled(DovetailError):
    """The work was stopped on request."""

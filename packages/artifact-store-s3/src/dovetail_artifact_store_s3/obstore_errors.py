"""What errors of obstore mean."""

from __future__ import annotations

import re

from dovetail_artifact_store_s3.errors import from_code
from dovetail_core import AuthenticationFailed, DovetailError

_CODE = re.compile(r"<Code>(\w+)</Code>")
"""The code of S3 in the answer's body, which obstore's message quotes (API reference, "Error responses")."""


def clear_meaning(error: Exception, what: str) -> DovetailError | None:
    """Return the error of the taxonomy that an exception of obstore stands for beyond doubt, about `what`.

    None for all that has no type of its own, which is told apart by the text only, and for keys that are refused, since there may be others:
    the SDK is asked again, and says what is wrong.
    """
    from obstore import exceptions as fast

    status = next((number for kind, number in _statuses(fast) if isinstance(error, kind)), None)
    if status is None:
        return None
    found = _CODE.search(str(error))
    meaning = from_code(found[1] if found else str(status), {"ResponseMetadata": {"HTTPStatusCode": status}}, what)
    return None if meaning.retryable or isinstance(meaning, AuthenticationFailed) else meaning


def is_beyond_the_end(error: Exception) -> bool:
    """Tell whether a range begins at the end of the object, or beyond it."""
    found = _CODE.search(str(error))
    return found is not None and found[1] == "InvalidRange"


def _statuses(fast: object) -> list[tuple[type[Exception], int]]:
    """Return which status of HTTP each type stands for."""
    names = {"PreconditionError": 412, "PermissionDeniedError": 403}
    return [(FileNotFoundError, 404), *((getattr(fast, name), number) for name, number in names.items())]

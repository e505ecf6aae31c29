"""The secrets of a config."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretBytes, SecretStr


def secret_values(model: BaseModel) -> Iterator[str]:
    """Yield the secrets that a config holds: in fields, in models and collections in fields, and passwords in URLs."""
    for name in type(model).model_fields:
        yield from _within(getattr(model, name))


def _within(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield from _of_text(value.get_secret_value())
    elif isinstance(value, SecretBytes):
        yield value.get_secret_value().decode("latin-1")
    elif isinstance(value, BaseModel):
        yield from secret_values(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _within(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _within(item)
    elif isinstance(value, str):
        yield from _password(value)


def _of_text(text: str) -> Iterator[str]:
    """Yield a secret, and the password in it if it is a URL: that alone must not be shown either."""
    if text:
        yield text
    yield from _password(text)


def _password(text: str) -> Iterator[str]:
    try:
        password = urlsplit(text).password if "://" in text and "@" in text else None
    except ValueError:
        return
    if password:
        yield from {password, unquote(password)}

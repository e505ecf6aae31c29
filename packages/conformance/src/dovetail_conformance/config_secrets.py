"""The secrets of a config."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretBytes, SecretStr

_ADDRESS = re.compile(r"(^|_)(url|uri|dsn|address|endpoint)(_|$)")


def secret_values(model: BaseModel) -> Iterator[str]:
    """Yield the secrets that a config holds: in fields, in models and collections in fields, and passwords in URLs."""
    for name in type(model).model_fields:
        yield from _within(getattr(model, name))


def can_hold_secrets(model: type[BaseModel]) -> bool:
    """Tell whether a config may hold a secret: in a setting of a type for secrets, at any depth, or as a password in an address."""
    return any(_ADDRESS.search(name) or _is_for_secrets(field.annotation) for name, field in model.model_fields.items())


def _is_for_secrets(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, SecretStr | SecretBytes):
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return can_hold_secrets(annotation)
    return any(_is_for_secrets(argument) for argument in get_args(annotation))


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

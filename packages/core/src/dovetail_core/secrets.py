"""References to secrets, `{{secret-name.key}}`, in the settings of components.

A reference stays as it is wherever settings are stored or shown. It is replaced when a stack builds the component, by the stack's secrets manager.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from dovetail_core.errors import ConfigError
from dovetail_core.masking import remember_secret

REFERENCE = re.compile(r"\{\{\s*([A-Za-z0-9_/-]+)\.([A-Za-z0-9_.-]+)\s*\}\}")

Resolver = Callable[[str, str], str]
"""Given a secret's name and a key, returns the value; raises `NotFound` if there is none."""


def references(settings: Any) -> set[tuple[str, str]]:
    """Return the (secret, key) pairs that `settings` refers to, at any depth of mappings and sequences."""
    if isinstance(settings, str):
        return {(match[1], match[2]) for match in REFERENCE.finditer(settings)}
    if isinstance(settings, Mapping):
        return set().union(*map(references, settings.values()))
    if isinstance(settings, (list, tuple)):
        return set().union(*map(references, settings))
    return set()


def resolve(settings: Any, resolver: Resolver | None) -> Any:
    """Return a copy of `settings` with every reference replaced once; what a secret's value contains is not expanded again.

    Raises `ConfigError` if there is a reference and no resolver.
    """
    if isinstance(settings, str):
        return REFERENCE.sub(lambda match: _value(match, resolver), settings)
    if isinstance(settings, Mapping):
        return {key: resolve(value, resolver) for key, value in settings.items()}
    if isinstance(settings, (list, tuple)):
        return [resolve(value, resolver) for value in settings]
    return settings


def _value(match: re.Match[str], resolver: Resolver | None) -> str:
    if resolver is None:
        raise ConfigError(
            f"the setting refers to the secret {match[0]}, and the stack has no secrets manager",
            remedy="add a secrets manager to the stack, or write the value",
        )
    value = resolver(match[1], match[2])
    remember_secret(value)
    return value

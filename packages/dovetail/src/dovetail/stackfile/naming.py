"""Names of stacks, components and flavors, and mappings whose keys change name in place."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

from dovetail_core.errors import AlreadyExists, InvalidArgument

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def checked(name: str, what: str) -> str:
    """Return a new name. Raises `InvalidArgument` for one that could not be typed on a command line."""
    if not _NAME.fullmatch(name):
        raise InvalidArgument(f"'{name}' is no name for a {what}", remedy="use letters, digits, and . _ - after the first")
    return name


def fresh(name: str, taken: object, what: str, remedy: str) -> str:
    """Return a new name. Raises `AlreadyExists` if it is one of `taken`."""
    if checked(name, what) in taken:  # type: ignore[operator]
        raise AlreadyExists(f"{what} '{name}' exists already", remedy=remedy)
    return name


def rename_key(mapping: MutableMapping[str, Any], old: str, new: str) -> None:
    """Give a key another name at its place, with its comments."""
    position = list(mapping).index(old)
    comments = mapping.ca.items.pop(old, None)  # type: ignore[attr-defined]
    mapping.insert(position, new, mapping.pop(old))  # type: ignore[attr-defined]
    if comments is not None:
        mapping.ca.items[new] = comments  # type: ignore[attr-defined]


def remove_key(mapping: MutableMapping[str, Any], *keys: str) -> None:
    """Remove the entry below nested keys, and every mapping that is empty then."""
    *outer, last = keys
    chain = [mapping]
    for key in outer:
        chain.append(chain[-1][key])
    del chain[-1][last]
    for container, key in zip(reversed(chain[:-1]), reversed(outer), strict=True):
        if not container[key]:
            del container[key]

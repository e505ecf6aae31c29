"""The list of the files that make up a stored tree.

It is stored beside them, and its own digest is the tree's: whoever has that digest can check every file, and files that a killed attempt
left under the same key do not count.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

_MARK = "@"
"""Between the key of an artifact and the name of its only file, where no folder is made for it."""
NAME = "tree.json"


class StoredFile(NamedTuple):
    """A file in an artifact store, as it was written; `size` in bytes."""

    key: str
    size: int
    digest: str


def dumps(files: Mapping[str, StoredFile]) -> bytes:
    """Return the manifest of files by their names in the tree; the same content gives the same bytes."""
    rows = sorted([name, file.size, file.digest] for name, file in files.items())
    return json.dumps(rows, separators=(",", ":")).encode()


def loads(data: bytes, prefix: str) -> dict[str, StoredFile]:
    """Return the files of a tree that is stored under the key `prefix`, by their names."""
    rows: Iterable[tuple[str, int, str]] = json.loads(data)
    return {name: StoredFile(f"{prefix}/{name}", size, digest) for name, size, digest in rows}


def can_be_alone(name: str) -> bool:
    """Tell whether a file can be an artifact's only one without a manifest: its name must be readable from its key."""
    return "/" not in name and _MARK not in name


def key_beside(key: str, name: str) -> str | None:
    """Return the key of an artifact's only file if it is to lie beside other artifacts rather than in a folder; None if it cannot."""
    return f"{key}{_MARK}{name}" if can_be_alone(name) else None


def name_in(key: str) -> str:
    """Return the name of an artifact's only file, from its key: below a folder, or beside other artifacts."""
    return key.rpartition("/")[2].rpartition(_MARK)[2]

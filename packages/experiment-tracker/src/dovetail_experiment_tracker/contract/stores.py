"""An artifact store for rules: a directory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from dovetail_core import NotFound


class StoredFile(NamedTuple):
    """An object of the store."""

    key: str
    """Its whole key."""
    size: int
    """Bytes."""


class FolderStore:
    """Files below a directory, with what a tracker needs of an artifact store (`artifacts.ArtifactStore`)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def upload(self, source: Path, key: str, /) -> None:
        """Store a file at a key."""
        target = self._folder / key
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)

    def download(self, key: str, target: Path, /) -> None:
        """Write what is at a key to a file. Raises `NotFound`."""
        if not (self._folder / key).is_file():
            raise NotFound(f"there is no object {key}")
        shutil.copyfile(self._folder / key, target)

    def list(self, prefix: str, /) -> Iterator[StoredFile]:
        """Yield the objects below a prefix, by their keys."""
        for path in sorted((self._folder / prefix).rglob("*")):
            if path.is_file():
                yield StoredFile(path.relative_to(self._folder).as_posix(), path.stat().st_size)

    def rmtree(self, prefix: str, /) -> None:
        """Delete all that is below a prefix."""
        shutil.rmtree(self._folder / prefix, ignore_errors=True)

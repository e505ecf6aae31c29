"""Files of runs: which there are below a directory, and how they are kept in an artifact store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from dovetail_core import InvalidArgument, NotFound
from dovetail_experiment_tracker import arguments
from dovetail_experiment_tracker.records import ArtifactInfo


class StoredObject(Protocol):
    """An object of an artifact store."""

    @property
    def key(self) -> str:
        """Its whole key."""

    @property
    def size(self) -> int:
        """Bytes."""


class ArtifactStore(Protocol):
    """What an experiment tracker needs of a stack's artifact store, which is one; keys are paths with `/` between their parts."""

    def upload(self, source: Any, key: Any, /) -> Any:
        """Store a file at a key; it is visible when it is complete."""

    def download(self, key: Any, target: Any, /) -> Any:
        """Write what is at a key to a file. Raises `NotFound`."""

    def list(self, prefix: Any, /) -> Iterable[Any]:
        """Yield the objects below a prefix, at any depth, as `StoredObject`s."""

    def rmtree(self, prefix: Any, /) -> Any:
        """Delete all that is below a prefix."""


def files_of(source: Path, path: str | None) -> list[tuple[Path, str]]:
    """Return the files that a source is, a file or a directory, each with its path among the run's files.

    Symbolic links to files are followed, to directories not. Raises `NotFound`, and `InvalidArgument` for what is neither.
    """
    top = arguments.path(source.name if path is None else path, "path")
    if source.is_file():
        return [(source, top)]
    if not source.exists():
        raise NotFound(f"there is no file {source}", remedy="check the path")
    if not source.is_dir():
        raise InvalidArgument(f"{source} is neither a file nor a directory", field="source")
    return sorted(_below(source, top), key=lambda pair: pair[1])


def _below(directory: Path, top: str) -> Iterator[tuple[Path, str]]:
    for folder, _, names in os.walk(directory):
        for name in names:
            file = Path(folder, name)
            if file.is_file():
                yield file, arguments.path(f"{top}/{file.relative_to(directory).as_posix()}", "path")


def download(found: Iterable[ArtifactInfo], path: str, target: Path, fetch: Callable[[str, Path], object]) -> Path:
    """Fetch the files that a path stands for; one file becomes `target`, those of a directory keep their places below it."""
    names = [info.path for info in found]
    if not names:
        raise NotFound(f"there is no file {path!r}", remedy="list_artifacts shows the files")
    for name in names:
        goal = target if name == path else target.joinpath(*name[len(path) + 1 :].split("/"))
        goal.parent.mkdir(parents=True, exist_ok=True)
        fetch(name, goal)
    return target


class StoredArtifacts:
    """The files of one run, in an artifact store."""

    def __init__(self, store: ArtifactStore, prefix: str) -> None:
        self._store = store
        self._prefix = prefix

    def upload(self, source: Path, path: str) -> None:
        """Store a file."""
        self._store.upload(source, f"{self._prefix}/{path}")

    def list(self, below: str) -> Iterator[ArtifactInfo]:
        """Yield the files at or below a path; all if it is empty."""
        for info in self._store.list(self._prefix):
            path = info.key[len(self._prefix) + 1 :]
            if not below or path == below or path.startswith(f"{below}/"):
                yield ArtifactInfo(path, info.size)

    def download(self, path: str, target: Path) -> None:
        """Write a file to `target`."""
        self._store.download(f"{self._prefix}/{path}", target)

    def delete(self) -> None:
        """Delete all files."""
        self._store.rmtree(self._prefix)

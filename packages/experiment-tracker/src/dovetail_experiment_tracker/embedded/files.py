"""Files of runs in a directory of this machine, each whole or not there."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from dovetail_core import DovetailError, InvalidArgument, NotFound, PermissionDenied, Unavailable, new_id
from dovetail_experiment_tracker.records import ArtifactInfo

_PIECE = 1 << 20
UNFINISHED = ".dovetail-tmp"
"""Name of the directory that holds what is not whole yet; beside the runs' own."""


class Directory:
    """The files of one run."""

    def __init__(self, base: Path, run_id: str, label: str) -> None:
        self._base = base
        self._top = base / run_id
        self._label = label

    def upload(self, source: Path, path: str) -> None:
        """Store a file; readers see the whole of it, or the one before, or none."""
        with _readable(source) as file:
            self._store(file, path)

    def _store(self, file: BinaryIO, path: str) -> None:
        part = self._base / UNFINISHED / new_id()
        target = self._top / path
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as whole:
                shutil.copyfileobj(file, whole, _PIECE)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(part, target)
        except OSError as error:
            raise self._told(error, path) from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def _told(self, error: OSError, path: str) -> DovetailError:
        what = f"{self._label}: {path}: {error.strerror or error}"
        if isinstance(error, FileExistsError | NotADirectoryError | IsADirectoryError):
            return InvalidArgument(what, remedy="a file and a directory cannot have one path", field="path")
        if isinstance(error, PermissionError):
            return PermissionDenied(what, remedy=f"give this user the right to write {self._base}, or set `path` to another place")
        return Unavailable(what, remedy="free space on the disk", retryable=False)

    def list(self, below: str) -> Iterator[ArtifactInfo]:
        """Yield the files at or below a path; all if it is empty."""
        start = self._top / below if below else self._top
        if start.is_file():
            yield ArtifactInfo(below, start.stat().st_size)
        for folder, _, names in os.walk(start):
            for name in names:
                file = Path(folder, name)
                yield ArtifactInfo(file.relative_to(self._top).as_posix(), file.stat().st_size)

    def download(self, path: str, target: Path) -> None:
        """Write a file to `target`, whole or not at all."""
        part = target.with_name(f".{target.name[:100]}.{new_id()}")
        try:
            shutil.copyfile(self._top / path, part)
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)

    def delete(self) -> None:
        """Delete all files."""
        shutil.rmtree(self._top, ignore_errors=True)


def _readable(source: Path) -> BinaryIO:
    """Return a file that is read from. Raises what says that it is the source which cannot be."""
    try:
        return source.open("rb")
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {source} any more", remedy="log a file that stays until it is stored") from error
    except OSError as error:
        raise PermissionDenied(
            f"{source} cannot be read: {error.strerror or error}", remedy="give this user the right to read it"
        ) from error

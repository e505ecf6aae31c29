"""Files and directories, named by a `pathlib.Path`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dovetail.materializers.manifest import NAME as MANIFEST
from dovetail.materializers.materializer import Materializer
from dovetail_core.errors import ConfigError

if TYPE_CHECKING:
    from dovetail.materializers.source import Source
    from dovetail.materializers.target import Target

_DIRECTORY = "directory"


class Paths(Materializer):
    """The content of the file or directory at a path, under its own name.

    What comes back is a path to that content: in place where the store is on this machine, or else to a copy that lasts as long as the
    process. Either is to be read only; whoever wants to change it copies it. Links to files are stored as the files; empty directories and
    permissions are not kept.
    """

    name = "path"
    format = "path"

    def save(self, value: Any, target: Target) -> Mapping[str, Any]:
        path = Path(value).absolute()
        if path.is_file():
            target.upload({path.name: path})
            return {"name": path.name}
        if path.is_dir():
            return self._save_directory(path, target)
        raise ConfigError(
            f"there is no file or directory at {path}, to store its content", remedy="give str(path) if only its name is meant"
        )

    def _save_directory(self, path: Path, target: Target) -> Mapping[str, Any]:
        files = dict(_files(path))
        folder = path.name if path.name not in ("", MANIFEST) else _DIRECTORY
        target.upload({f"{folder}/{name}": file for name, file in files.items()})
        return {"name": folder, "files": len(files)}

    def load(self, source: Source, kind: str) -> Path:
        folder = source.directory()
        names = {name.partition("/")[0] for name in source.names}
        return folder / names.pop() if names else folder


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of a directory by relative POSIX path. Raises `ConfigError` for what cannot be stored."""
    for folder, directories, names in os.walk(root, onerror=_reraise):
        for name in [*directories, *names]:
            path = Path(folder, name)
            if path.is_dir() and not path.is_symlink():
                continue
            if not path.is_file():
                what = "a link to a directory, or to nothing" if path.is_symlink() else "neither a file nor a directory"
                raise ConfigError(f"{path} cannot be stored: it is {what}", remedy="remove it, or put files in its place")
            yield path.relative_to(root).as_posix(), path


def _reraise(error: OSError) -> None:
    raise error

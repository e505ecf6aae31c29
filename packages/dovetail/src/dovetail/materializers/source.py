"""Where a materializer reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from dovetail.materializers import scratch
from dovetail.materializers.qualified_names import find_class
from dovetail_core.errors import IntegrityError

if TYPE_CHECKING:
    from dovetail.materializers.registry import Registry
    from dovetail.materializers.stored_files import StoredFiles

_PARALLEL = 8


@dataclass(frozen=True, slots=True)
class Source:
    """The files of one artifact, by the names that `save` gave them. What is read has the recorded digest, or an error is raised."""

    _files: StoredFiles
    registry: Registry
    """The materializers there are."""
    annotation: Any = None
    """The type that whoever loads it asked for, if any."""
    version: int = 1
    """Of the format, as recorded."""
    _prefix: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the files, sorted."""
        return tuple(sorted(name.removeprefix(self._prefix) for name in self._files.files if name.startswith(self._prefix)))

    def read_bytes(self, name: str) -> bytes:
        """Return the content of a file."""
        return self._files.read_bytes(self._known(name))

    def verified_bytes(self, name: str) -> bytes:
        """Return the content of a file, verified also where the caller wants no verification; for content that runs as code."""
        return self._files.read_bytes(self._known(name), always_verify=True)

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a file for reading, seekable."""
        return self._files.open(self._known(name))

    def local_path(self, name: str) -> Path | None:
        """Return the path of a file in place, for memory mapping, or None if it is not on this machine. It must not be changed."""
        return self._files.local_path(self._known(name))

    def directory(self) -> Path:
        """Return a local directory that has all the files: in place, or else a copy that lasts as long as this process.

        It must not be changed: in place, it is the artifact itself. Where something was added to that, it is a copy without the addition.
        """
        names = self.names
        paths = [self.local_path(name) for name in names]
        roots = {path.parents[name.count("/")] for name, path in zip(names, paths, strict=True) if path}
        if len(roots) == 1 and None not in paths and _holds_only(root := roots.pop(), names):
            return root
        return self._copied(scratch.directory())

    def load(self, reference: Mapping[str, str]) -> Any:
        """Return another value, that `Target.save` wrote."""
        folder = replace(self, _prefix=f"{self._prefix}{reference['path']}/")
        return self.registry.read(reference["materializer"], reference["format"], reference["type"], folder)

    def find_class(self, name: str) -> type:
        """Return the class called `module:QualifiedName`. Raises `ConfigError`."""
        return find_class(name, self.annotation)

    def _copied(self, folder: Path) -> Path:
        names = self.names
        with ThreadPoolExecutor(_PARALLEL) as pool:
            list(pool.map(lambda name: self._copy(name, folder / name), names))
        return folder

    def _copy(self, name: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as copy:
            self._files.copy_to(self._prefix + name, copy)

    def _known(self, name: str) -> str:
        full = self._prefix + name
        if full not in self._files.files:
            raise IntegrityError(f"a stored value has no file {full!r}; its files are {sorted(self._files.files)}")
        return full


def _holds_only(root: Path, names: Iterable[str]) -> bool:
    """Tell whether the files at and below the first components of some names are the files of these names."""
    tops = [root / top for top in {name.partition("/")[0] for name in names}]
    found = {path for top in tops for path in (top, *top.rglob("*")) if path.is_file()}
    return found == {root / name for name in names}

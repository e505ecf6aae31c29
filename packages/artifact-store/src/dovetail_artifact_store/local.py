"""The embedded flavor: objects as files below a directory of this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from pydantic import Field

from dovetail_artifact_store import local_files
from dovetail_artifact_store.capabilities import ArtifactStoreCapability as Capability
from dovetail_artifact_store.digests import LARGE, digest_of_bytes
from dovetail_artifact_store.interface import ArtifactStore, Key
from dovetail_artifact_store.keys import several
from dovetail_artifact_store.local_files import Directory, FileUpload
from dovetail_artifact_store.objects import Condition, ObjectInfo
from dovetail_core import ComponentConfig, ProjectPath, Reach
from dovetail_core.directories import demand_writable


class LocalArtifactStore(ArtifactStore):
    """Objects as files below a directory. Keys are paths below it; symbolic links are not followed and are not part of the store.

    A write goes to a temporary file in `.dovetail-tmp` and is renamed into place. A key and a key below it exclude each other.
    """

    flavor = "local"
    capabilities: frozenset[Any] = frozenset({Capability.CONDITIONAL_PUT, Capability.ATOMIC_MOVE, Capability.EMPTY_DIRECTORIES})

    class Config(ComponentConfig):
        """Settings of the local artifact store."""

        path: ProjectPath = Field(default=Path(".dovetail/artifacts"), description="Directory; made at the first write.")
        durable: bool = Field(default=False, description="Whether a write returns only when it would survive a power failure.")

    config: Config
    _directory: Directory

    def setup(self) -> None:
        """Prepare the directory's name; nothing is made."""
        self._directory = Directory(str(self.config.path), self.config.durable)

    @classmethod
    def reach(cls, config: ComponentConfig) -> Reach:
        """Only this machine."""
        return Reach.MACHINE

    def check(self) -> None:
        """Verify that the directory can be written to, or can be made. Raises `ConfigError` or `PermissionDenied` naming it."""
        demand_writable(self.config.path, self.label)

    def _base_uri(self) -> str:
        return self._directory.uri

    def _stat(self, key: str) -> ObjectInfo:
        with local_files.mapped(key):
            return self._directory.info(key)

    def _read(self, key: str, start: int, end: int | None) -> bytes:
        with self._reader(key) as file:
            file.seek(start)
            return file.read(-1 if end is None else end - start)

    def _reader(self, key: str) -> IO[bytes]:
        with local_files.mapped(key):
            return self._directory.open(key)

    def _upload(self, key: str, condition: Condition, metadata: Mapping[str, str]) -> FileUpload:
        with local_files.mapped(key):
            return FileUpload(self._directory, key, condition)

    def _write(self, key: str, data: Any, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        if len(data) >= LARGE:
            return super()._write(key, data, condition, metadata)
        with local_files.mapped(key):
            return self._directory.write(key, data, condition, digest_of_bytes(data))

    def _list(self, prefix: str, recursive: bool) -> Iterator[ObjectInfo | str]:
        return self._directory.scan(prefix, recursive)

    def _delete(self, keys: Iterable[str]) -> dict[str, Exception]:
        failures: dict[str, Exception] = {}
        for key in keys:
            try:
                with local_files.mapped(key):
                    self._directory.unlink(key)
            except Exception as error:
                failures[key] = error
        return failures

    def _move(self, source: str, target: str) -> None:
        with local_files.mapped(source):
            self._directory.rename(source, target)

    def _digest(self, key: str) -> str:
        with local_files.mapped(key):
            return self._directory.digest(key)

    def _is_missing(self, key: str) -> bool:
        with local_files.mapped(key):
            return not self._directory.has(key)

    def missing(self, keys: Iterable[Key]) -> set[str]:
        """Return those of the keys at which there is no object; a look each, which is faster here than threads."""
        return {key for key in map(self._key, several(keys)) if self._is_missing(key)}

    def isdir(self, prefix: Key) -> bool:
        """Tell whether there is a directory, also an empty one."""
        with local_files.mapped(str(prefix)):
            return self._directory.has_directory(self._prefix(prefix))

    def _mkdir(self, key: str, parents: bool) -> None:
        with local_files.mapped(key):
            self._directory.mkdir(key, parents)

    def _rmdirs(self, prefix: str) -> None:
        with local_files.mapped(prefix):
            self._directory.rmdirs(prefix)

    def local_path(self, key: Key) -> Path | None:
        """Return the file of an object."""
        checked = self._key(key)
        with local_files.mapped(checked):
            return Path(self._directory.checked_file(checked))

"""Where a materializer writes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from dovetail.materializers import integrity, manifest
from dovetail.materializers.manifest import StoredFile
from dovetail.materializers.qualified_names import qualified_name
from dovetail_core.errors import InvalidArgument

if TYPE_CHECKING:
    from dovetail.materializers.registry import Registry
    from dovetail_artifact_store import ArtifactStore, ObjectInfo


class Target:
    """The files of one artifact, while they are written. Names are relative POSIX paths, such as `data.parquet` or `parts/0.npy`.

    One file at the top becomes an object of its own; more of them, or a file in a folder, become a tree. What is written in one go is
    held back until it is known to be the only file: it then lies beside other artifacts, since a directory costs as much as a file.
    """

    __slots__ = ("_files", "_held", "_key", "_prefix", "_store", "registry")

    def __init__(self, store: ArtifactStore, key: str, registry: Registry) -> None:
        self._store = store
        self._key = key
        self._prefix = ""
        self._files: dict[str, StoredFile] = {}
        self._held: dict[str, bytes] = {}
        self.registry: Registry = registry
        """The materializers there are."""

    def write_bytes(self, name: str, data: bytes | bytearray | memoryview) -> None:
        """Write a file in one go."""
        if self._files or self._held or not isinstance(data, bytes):  # what can change is not held back
            self._release()
            self._record(name, self._store.write_bytes(self._key_of(name), data))
        else:
            self._held[self._prefix + name] = data

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open a file for writing bytes; it exists once the block ends, and does not if the block raises."""
        self._release()
        with self._store.open(self._key_of(name), "wb") as writer:
            yield writer
        self._record(name, writer.info)

    def upload(self, files: Mapping[str, Path]) -> None:
        """Write the content of local files, given by the names to write them to, several at once."""
        self._release()
        with ThreadPoolExecutor(self._store.parallel) as pool:
            written = pool.map(lambda name: self._store.upload(files[name], self._key_of(name)), files)
            for name, info in zip(files, written, strict=True):
                self._record(name, info)

    @contextmanager
    def directory(self) -> Iterator[Path]:
        """Give a temporary local directory, for libraries that write to paths; its files are stored when the block ends."""
        with tempfile.TemporaryDirectory(prefix="dovetail-save-") as folder:
            root = Path(folder)
            yield root
            self.upload({path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()})

    def save(self, name: str, value: Any) -> dict[str, str]:
        """Write another value, in whatever way it is stored, as the folder `name`; return what `Source.load` needs to read it.

        Raises `ConfigError` if nothing stores it.
        """
        materializer, _ = self.registry.write(value, self._folder(name))
        return {
            "path": name,
            "type": qualified_name(type(value)),
            "materializer": materializer.name,
            "format": f"{materializer.format}/{materializer.version}",
        }

    def discard(self) -> None:
        """Delete what was written, as far as that is possible now; for use when saving failed."""
        with suppress(Exception):  # the error that is on its way says more than one of this
            self._store.delete(file.key for file in self._files.values())

    def finish(self) -> tuple[str, int, str]:
        """Return key, size in bytes and digest of what was written; of a tree, the manifest is written now."""
        if len(self._held) == 1 and (key := manifest.key_beside(self._key, *self._held)):
            (data,) = self._held.values()
            file = self._stored(self._store.write_bytes(key, data))
            return file.key, file.size, file.digest
        self._release()
        if len(self._files) == 1:
            ((name, file),) = self._files.items()
            if manifest.can_be_alone(name):
                return file.key, file.size, file.digest
        return self._finish_tree()

    def _finish_tree(self) -> tuple[str, int, str]:
        if manifest.NAME in self._files:
            raise InvalidArgument(f"{self._key}: {manifest.NAME!r} is the name of the list of files", remedy="give the file another name")
        data = manifest.dumps(self._files)
        self._store.write_bytes(f"{self._key}/{manifest.NAME}", data)
        return self._key, sum(file.size for file in self._files.values()), integrity.tree_digest(data)

    def _folder(self, name: str) -> Target:
        folder = Target(self._store, self._key, self.registry)
        folder._prefix = f"{self._prefix}{name}/"
        folder._files, folder._held = self._files, self._held
        return folder

    def _key_of(self, name: str) -> str:
        return f"{self._key}/{self._prefix}{name}"

    def _release(self) -> None:
        """Write what was held back, since it is not the only file."""
        for name, data in self._held.items():
            self._files[name] = self._stored(self._store.write_bytes(f"{self._key}/{name}", data))
        self._held.clear()

    def _record(self, name: str, info: ObjectInfo) -> None:
        self._files[self._prefix + name] = self._stored(info)

    def _stored(self, info: ObjectInfo) -> StoredFile:
        return StoredFile(info.key, info.size, info.digest or self._store.digest_of(info.key))

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

    One file at the top becomes an object of its own; more of them, or a file in a folder, become a tree.
    """

    __slots__ = ("_files", "_key", "_prefix", "_store", "registry")

    def __init__(self, store: ArtifactStore, key: str, registry: Registry) -> None:
        self._store = store
        self._key = key
        self._prefix = ""
        self._files: dict[str, StoredFile] = {}
        self.registry = registry
        """The materializers there are."""

    def write_bytes(self, name: str, data: bytes | bytearray | memoryview) -> None:
        """Write a file in one go."""
        self._record(name, self._store.write_bytes(self._key_of(name), data))

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open a file for writing bytes; it exists once the block ends, and does not if the block raises."""
        with self._store.open(self._key_of(name), "wb") as writer:
            yield writer
        self._record(name, writer.info)

    def upload(self, files: Mapping[str, Path]) -> None:
        """Write the content of local files, given by the names to write them to, several at once."""
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
        if len(self._files) == 1:
            ((name, file),) = self._files.items()
            if "/" not in name:
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
        folder._files = self._files
        return folder

    def _key_of(self, name: str) -> str:
        return f"{self._key}/{self._prefix}{name}"

    def _record(self, name: str, info: ObjectInfo) -> None:
        self._files[self._prefix + name] = StoredFile(info.key, info.size, info.digest or self._store.digest_of(info.key))

"""Any artifact store as an fsspec file system, so that pandas, pyarrow, zarr and dask read and write through it."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.compression import compr, noop_file
from fsspec.core import get_compression

from dovetail_artifact_store._filesystem_writers import HeldWriter, PackedWriter
from dovetail_artifact_store.capabilities import ArtifactStoreCapability
from dovetail_artifact_store.interface import ArtifactStore
from dovetail_artifact_store.objects import ObjectInfo
from dovetail_artifact_store.writing import TextWriter
from dovetail_core import NotFound


class StoreFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no type information
    """An artifact store, seen through fsspec (its interface is specified by `fsspec.spec.AbstractFileSystem`).

    Paths are keys; URIs of the store are accepted. Instances are never shared or cached, and neither are listings. Where a store has no
    directories of their own, making one does nothing, as with other object stores under fsspec.
    """

    protocol = "dovetail"
    cachable = False
    root_marker = ""

    def __init__(self, store: ArtifactStore, **options: Any) -> None:
        options.pop("skip_instance_cache", None)
        super().__init__(skip_instance_cache=True, use_listings_cache=False, **options)
        self.store = store

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(item) for item in path]
        text = path.as_posix() if isinstance(path, PurePath) else str(path)
        return text.removeprefix("dovetail://").strip("/") if not text.startswith("file://") else text

    def _path(self, path: Any) -> str:
        return self.store._prefix(self._strip_protocol(path))

    @property
    def _has_directories(self) -> bool:
        return ArtifactStoreCapability.EMPTY_DIRECTORIES in self.store.capabilities

    # Looking

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        """Return name, size, type and modification time. Raises FileNotFoundError."""
        key = self._path(path)
        if key and not self.store.missing([key]):
            return _file(self.store.stat(key))
        if not key or self.store.isdir(key):
            return _directory(key)
        raise NotFound(f"there is no '{key}' in {self.store.label}", remedy="check the path")

    def ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        """Return what is one segment below a path, or the file at it."""
        key = self._path(path)
        found = [_directory(item) if isinstance(item, str) else _file(item) for item in self.store._listed(key, False)]
        if not found and self.info(path)["type"] == "file":
            found = [self.info(path)]
        return found if detail else [item["name"] for item in found]

    def exists(self, path: str, **options: Any) -> bool:
        """Tell whether there is a file or directory; only its absence is False."""
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def created(self, path: str) -> Any:
        """Return when the object was written."""
        return self.modified(path)

    def modified(self, path: str) -> Any:
        """Return when the object was written."""
        return self.store.stat(self._path(path)).modified

    def checksum(self, path: str) -> str:
        """Return text that changes with the content."""
        return self.store.stat(self._path(path)).etag

    # Reading and writing

    def open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        cache_options: Any = None,
        compression: str | None = None,
        **options: Any,
    ) -> Any:
        """Return a file object, as `ArtifactStore.open` does; in a transaction what is written appears when that ends well."""
        if "r" in mode:
            return super().open(path, mode, block_size, cache_options, compression, **options)
        text = {name: options.pop(name) for name in ("encoding", "errors", "newline") if name in options}
        pack = compr[get_compression(path, compression)]
        writer = super().open(path, mode.replace("b", "").replace("t", "") + "b", block_size, cache_options, **options)
        packed = writer if pack is noop_file else PackedWriter(writer, pack)
        return packed if "b" in mode else TextWriter(packed, **{"encoding": "utf-8", "newline": None, **text})

    def _open(self, path: str, mode: str = "rb", block_size: int | None = None, autocommit: bool = True, **options: Any) -> Any:
        file = self.store.open(self._path(path), mode)
        return file if autocommit or "r" in mode else HeldWriter(file)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        """Return the bytes of a file, or of a range of it; negative positions count from the end."""
        return self.store.read_bytes(self._path(path), start or 0, end)

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        """Write a file; `mode="create"` demands that there is none."""
        self.store.write_bytes(self._path(path), value, if_absent=mode == "create")

    def cp_file(self, path1: str, path2: str, **options: Any) -> None:
        """Copy a file, or make the directory that is to be copied."""
        if self.isdir(path1):
            self.makedirs(path2, exist_ok=True)
        else:
            self.store.copyfile(self._path(path1), self._path(path2))

    def _rm(self, path: str) -> None:
        if self.isdir(path):
            self.store._rmdirs(self._path(path))
        else:
            self.rm_file(path)

    def rm_file(self, path: str) -> None:
        """Delete a file. Raises FileNotFoundError, as file systems do."""
        self.info(path)
        self.store.remove(self._path(path))

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> None:
        """Delete files, and with `recursive` what is below directories."""
        for item in self.expand_path(path, recursive=False):
            if recursive and maxdepth is None:
                self.store.rmtree(self._path(item))
            else:
                super().rm(item, recursive=recursive, maxdepth=maxdepth)

    # Directories

    def mkdir(self, path: str, create_parents: bool = True, **options: Any) -> None:
        """Make a directory. Raises FileExistsError."""
        if self._has_directories:
            if create_parents and "/" in (key := self._path(path)):
                self.store.makedirs(key.rpartition("/")[0])
            self.store.mkdir(self._path(path))

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a directory and those above it."""
        if not exist_ok and self.exists(path):
            raise FileExistsError(path)
        if self._has_directories and self._path(path):
            self.store.makedirs(self._path(path))

    def rmdir(self, path: str) -> None:
        """Remove an empty directory. Raises OSError if it is not empty."""
        if self.ls(path):
            raise OSError(f"directory '{path}' is not empty")
        self.store._rmdirs(self._path(path))

    def __reduce__(self) -> Any:
        return _restored, (self.store,)


def _restored(store: ArtifactStore) -> StoreFileSystem:
    return StoreFileSystem(store=store)


def _file(info: ObjectInfo) -> dict[str, Any]:
    return {"name": info.key, "size": info.size, "type": "file", "mtime": info.modified, "etag": info.etag}


def _directory(key: str) -> dict[str, Any]:
    return {"name": key, "size": 0, "type": "directory"}

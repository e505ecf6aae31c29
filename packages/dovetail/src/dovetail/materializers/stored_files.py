"""The files of a stored artifact; what is read from them has the recorded digest."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeVar

from dovetail.materializers import integrity, manifest
from dovetail.materializers.manifest import StoredFile
from dovetail_artifact_store.digests import digest_of_bytes, hasher, text_of
from dovetail_core.errors import NotFound

if TYPE_CHECKING:
    from dovetail_artifact_store import ArtifactStore

T = TypeVar("T")
_SMALL = 1 << 20
_CHUNK = 8 << 20


class Stored(Protocol):
    """What is recorded of an artifact, as far as loading needs it; `dovetail_metadata_store.records.Artifact` has it."""

    @property
    def key(self) -> str: ...
    @property
    def uri(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def materializer(self) -> str: ...
    @property
    def format(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def digest(self) -> str: ...


def presence_key(artifact: Stored) -> str:
    """Return the key of the one object that is there if the artifact is: its own, or, of a tree, the manifest's."""
    return f"{artifact.key}/{manifest.NAME}" if artifact.digest.startswith(integrity.TREE) else artifact.key


class StoredFiles:
    """Files of an artifact, by name. Every method raises `NotFound` if bytes are gone, `IntegrityError` if they are not the recorded ones.

    With `verify=False`, the content of files is not compared with their digests, except where a method says so.
    """

    def __init__(self, store: ArtifactStore, files: Mapping[str, StoredFile], verify: bool, recorded: str = "") -> None:
        self._store = store
        self._recorded = recorded
        self._verify = verify
        self.files = files

    @classmethod
    def of(cls, artifact: Stored, store: ArtifactStore, verify: bool) -> StoredFiles:
        """Return the files of an artifact; a tree's manifest is verified in any case."""
        integrity.ensure_known(artifact.digest)
        recorded = artifact.uri if artifact.uri != store.uri(artifact.key) else ""
        if artifact.digest.startswith(integrity.FILE):
            return cls(store, {manifest.name_in(artifact.key): StoredFile(artifact.key, artifact.size, artifact.digest)}, verify, recorded)
        listed = presence_key(artifact)
        data = _existing(store, listed, lambda: store.read_bytes(listed), recorded)
        if (found := integrity.tree_digest(data)) != artifact.digest:
            raise integrity.altered(store.uri(listed), artifact.digest, found)
        return cls(store, manifest.loads(data, artifact.key), verify, recorded)

    def read_bytes(self, name: str, *, always_verify: bool = False) -> bytes:
        """Return the content of a file; the very bytes that are returned are the ones that are verified."""
        file = self.files[name]
        data = self._existing(file, lambda: self._store.read_bytes(file.key))
        if self._verify or always_verify:
            self._compare(file, digest_of_bytes(data))
        return data

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open a file for reading, seekable. What is not small and not on this machine is kept in a temporary file meanwhile."""
        if self.files[name].size <= _SMALL:
            yield BytesIO(self.read_bytes(name))
        elif path := self.local_path(name):
            with path.open("rb") as file:
                yield file
        else:
            with tempfile.TemporaryFile(prefix="dovetail-load-") as copy:
                self.copy_to(name, copy)
                copy.seek(0)
                yield copy

    def local_path(self, name: str) -> Path | None:
        """Return the path of a file in place, to be read only, or None if it is not on this machine."""
        file = self.files[name]
        path = self._store.local_path(file.key)
        if path is not None and self._verify:
            self._compare(file, self._existing(file, lambda: self._store.digest_of(file.key)))
        elif path is not None and not path.exists():
            raise integrity.gone(self._store.uri(file.key), self._recorded)
        return path

    def copy_to(self, name: str, copy: BinaryIO) -> None:
        """Write the content of a file to `copy`."""
        file, running = self.files[name], hasher()
        with self._existing(file, lambda: self._store.open(file.key, "rb")) as reader:
            while chunk := reader.read(_CHUNK):
                running.update(chunk)
                copy.write(chunk)
        if self._verify:
            self._compare(file, text_of(running))

    def _existing(self, file: StoredFile, read: Callable[[], T]) -> T:
        return _existing(self._store, file.key, read, self._recorded)

    def _compare(self, file: StoredFile, found: str) -> None:
        if found != file.digest:
            raise integrity.altered(self._store.uri(file.key), file.digest, found)


def _existing(store: ArtifactStore, key: str, read: Callable[[], T], recorded: str) -> T:
    try:
        return read()
    except NotFound as error:
        raise integrity.gone(store.uri(key), recorded) from error

"""Calls of every public method of a store, on keys of their own."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

from dovetail_artifact_store.interface import ArtifactStore
from dovetail_artifact_store.objects import ObjectInfo
from dovetail_conformance import Operation


class Calls:
    """Makes operations on a store, below a prefix that nobody else uses, so that they can be made from many threads."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self._top = f"op-{uuid.uuid4().hex[:12]}"

    def all(self) -> list[Operation]:
        """Return an operation per public method."""
        store, at, there = self._store, self._at, self._there
        a, tree = there("a"), there("tree/a")
        return [
            Operation("write_bytes", lambda: _write(store, at("a")), lambda: self._content("a")),
            Operation("open for writing", self._stream, lambda: self._content("streamed")),
            Operation("upload", self._upload, lambda: self._content("uploaded")),
            Operation("copyfile", lambda: _size(store.copyfile(at("a"), at("copy"))), lambda: self._content("copy"), prepare=a),
            Operation("rename", lambda: store.rename(at("old"), at("new")), lambda: self._content("new"), prepare=there("old")),
            Operation("remove", lambda: store.remove(at("removed")), lambda: self._content("removed"), prepare=there("removed")),
            Operation("delete", lambda: store.delete([at("too")]), lambda: self._content("too"), prepare=there("too")),
            Operation("rmtree", lambda: store.rmtree(at("tree")), lambda: self._content("tree/a"), prepare=tree),
            Operation("stat", lambda: store.stat(at("a")), reads=True, prepare=a),
            Operation("read_bytes", lambda: store.read_bytes(at("a")), reads=True, prepare=a),
            Operation("open for reading", self._read, reads=True, prepare=a),
            Operation("digest_of", lambda: store.digest_of(at("a")), reads=True, prepare=a),
            Operation("download", self._download, reads=True, prepare=a),
            Operation("exists", lambda: store.exists(at("a")), reads=True, prepare=a),
            Operation("isdir", lambda: store.isdir(self._top), reads=True, prepare=a),
            Operation("missing", lambda: store.missing([at("x")]), reads=True),
            Operation("list", lambda: list(store.list(self._top)), reads=True, prepare=a),
            Operation("listdir", lambda: store.listdir(self._top), reads=True, prepare=a),
            Operation("walk", lambda: list(store.walk(self._top)), reads=True, prepare=a),
            Operation("glob", lambda: store.glob(at("*")), reads=True, prepare=a),
        ]

    def _at(self, name: str) -> str:
        return f"{self._top}/{name}"

    def _there(self, name: str) -> Callable[[ArtifactStore], object]:
        """Return what makes the object that a call is about, if it is not there."""
        return lambda store: store.exists(self._at(name)) or _write(store, self._at(name))

    def _content(self, name: str) -> bytes | None:
        return self._store.read_bytes(self._at(name)) if self._store.exists(self._at(name)) else None

    def _stream(self) -> None:
        with self._store.open(self._at("streamed"), "wb") as writer:
            writer.write(b"streamed")

    def _read(self) -> bytes:
        with self._store.open(self._at("a")) as reader:
            return bytes(reader.read())

    def _upload(self) -> int:
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"uploaded")
            file.flush()
            return _size(self._store.upload(file.name, self._at("uploaded")))

    def _download(self) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            self._store.download(self._at("a"), Path(folder) / "file")
            return (Path(folder) / "file").read_bytes()


def _write(store: ArtifactStore, key: str) -> int:
    return _size(store.write_bytes(key, b"data"))


def _size(info: ObjectInfo) -> int:
    return info.size

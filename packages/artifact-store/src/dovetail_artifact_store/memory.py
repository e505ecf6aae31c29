"""An artifact store in memory: the contract in code, and what tests of other software use."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import IO, Any, ClassVar

from pydantic import Field

from dovetail_artifact_store.capabilities import ArtifactStoreCapability as Capability
from dovetail_artifact_store.interface import ArtifactStore
from dovetail_artifact_store.keys import below
from dovetail_artifact_store.objects import Condition, ObjectInfo
from dovetail_artifact_store.writing import Upload
from dovetail_core import AlreadyExists, ComponentConfig, Conflict, NotFound, Reach


@dataclass
class Space:
    """What stores of one name share."""

    objects: dict[str, tuple[bytes, ObjectInfo]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    versions: Iterator[int] = field(default_factory=count)


class InMemoryArtifactStore(ArtifactStore):
    """Objects in the memory of this process. Stores that are configured with one `space` share what they hold, and it ends with the process."""

    flavor = "memory"
    capabilities: frozenset[Any] = frozenset(
        {Capability.CONDITIONAL_PUT, Capability.CONDITIONAL_REPLACE, Capability.ATOMIC_MOVE, Capability.USER_METADATA}
    )
    page_size = 5
    part_size = 64
    spaces: ClassVar[dict[str, Space]] = {}
    _guard: ClassVar[threading.Lock] = threading.Lock()

    class Config(ComponentConfig):
        """Settings of the artifact store in memory."""

        space: str = Field(default="default", description="Name of what stores share; another name, another content.")

    config: Config

    @classmethod
    def reach(cls, config: ComponentConfig) -> Reach:
        """Only this machine, and of it only this process."""
        return Reach.MACHINE

    @property
    def _space(self) -> Space:
        with self._guard:
            return self.spaces.setdefault(self.config.space, Space())

    def _base_uri(self) -> str:
        return f"memory://{self.config.space}"

    def _stat(self, key: str) -> ObjectInfo:
        return self._found(key)[1]

    def _read(self, key: str, start: int, end: int | None) -> bytes:
        return self._found(key)[0][start:end]

    def _reader(self, key: str) -> IO[bytes]:
        return io.BufferedReader(io.BytesIO(self._found(key)[0]))

    def _pieces(self, info: ObjectInfo) -> Iterator[Any]:
        yield self._found(info.key)[0]

    def _found(self, key: str) -> tuple[bytes, ObjectInfo]:
        space = self._space
        try:
            with space.lock:  # a move is two steps under it
                return space.objects[key]
        except KeyError as error:
            raise NotFound(f"there is no '{key}' in {self._base_uri()}", remedy="check the key", key=key) from error

    def _upload(self, key: str, condition: Condition, metadata: Mapping[str, str]) -> Upload:
        return _MemoryUpload(self, key, condition, metadata)

    def _publish(self, key: str, data: bytes, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        """Make an object visible, if what is there is as demanded."""
        space = self._space
        with space.lock:
            self._demand(key, condition)
            info = ObjectInfo(key, len(data), str(next(space.versions)), datetime.now(UTC), None, dict(metadata))
            space.objects[key] = (data, info)
            return info

    def _demand(self, key: str, condition: Condition) -> None:
        there = self._space.objects.get(key)
        if condition.absent and there is not None:
            raise AlreadyExists(f"there is something at '{key}' already", remedy="choose another key, or delete it", key=key)
        if condition.match is not None and (there is None or there[1].etag != condition.match):
            raise Conflict(f"'{key}' is not the object that was expected", remedy="read it again, and decide anew")

    def _list(self, prefix: str, recursive: bool) -> Iterator[ObjectInfo | str]:
        with self._space.lock:
            found = [info for key, (_, info) in self._space.objects.items() if key != prefix and below(prefix, key)]
        if recursive:
            yield from sorted(found, key=lambda info: info.key.encode())
            return
        yield from _one_level(found, f"{prefix}/" if prefix else "")

    def _delete(self, keys: Iterable[str]) -> dict[str, Exception]:
        for key in keys:
            self._space.objects.pop(key, None)
        return {}

    def _copy(self, source: str, target: str) -> ObjectInfo:
        data, info = self._found(source)
        return self._publish(target, data, Condition(), info.metadata)

    def _move(self, source: str, target: str) -> None:
        with self._space.lock:
            self._copy(source, target)
            self._delete([source])


def _one_level(found: Iterable[ObjectInfo], start: str) -> Iterator[ObjectInfo | str]:
    """Yield the objects right below a prefix, and the directories there, in the order of their keys' bytes, a directory's with a slash."""
    items: dict[bytes, ObjectInfo | str] = {}
    for info in found:
        name, slash, _ = info.key[len(start) :].partition("/")
        items[(start + name + slash).encode()] = start + name if slash else info
    yield from (items[name] for name in sorted(items))


class _MemoryUpload(Upload):
    def __init__(self, store: InMemoryArtifactStore, key: str, condition: Condition, metadata: Mapping[str, str]) -> None:
        self._store = store
        self._key = key
        self._condition = condition
        self._metadata = metadata
        self._parts: list[bytes] = []

    def write(self, data: memoryview) -> None:
        self._parts.append(bytes(data))

    def commit(self) -> ObjectInfo:
        return self._store._publish(self._key, b"".join(self._parts), self._condition, self._metadata)

    def abort(self) -> None:
        self._parts.clear()


def forget(space: str) -> None:
    """Delete everything that stores of a space hold."""
    InMemoryArtifactStore.spaces.pop(space, None)

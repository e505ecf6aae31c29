"""Harnesses of the flavors of this package, for the conformance suite."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from dovetail_artifact_store.contract.harness import ArtifactStoreHarness
from dovetail_artifact_store.interface import ArtifactStore
from dovetail_artifact_store.keys import RESERVED
from dovetail_artifact_store.local import LocalArtifactStore
from dovetail_artifact_store.memory import InMemoryArtifactStore
from dovetail_artifact_store.objects import NO_CONDITION
from dovetail_conformance import Untested
from dovetail_conformance.instruments import SyscallShim


class MemoryHarness(ArtifactStoreHarness):
    """The reference flavor, in the memory of this process."""

    flavor: ClassVar[type[InMemoryArtifactStore]] = InMemoryArtifactStore
    processes = False
    lacks: Mapping[str, str] = {
        "AS-13": "the backend is this process's memory",
        "AS-40": "an unfinished object is garbage of this process only",
    }

    def make(self, **config: Any) -> ArtifactStore:
        """Return a store on a space of its own."""
        return self.flavor(**{"space": uuid.uuid4().hex, **config})

    def second(self, component: ArtifactStore) -> ArtifactStore:
        """Return another store on the same space."""
        return type(component)(component.config)

    def neighbour(self, component: ArtifactStore) -> ArtifactStore:
        """Return a store whose space has the same beginning."""
        return self.make(space=f"{component.config.space}b")  # type: ignore[attr-defined]

    def raw(self, component: ArtifactStore) -> RawMemory:
        """Return the objects of the space."""
        return RawMemory(component)


class RawMemory:
    """The side door of a store in memory."""

    def __init__(self, component: ArtifactStore) -> None:
        self._store = InMemoryArtifactStore(space=component.config.space)  # type: ignore[attr-defined]

    def put(self, key: str, data: bytes) -> None:
        """Store bytes at any key."""
        self._store._publish(key, data, NO_CONDITION, {})

    def get(self, key: str) -> bytes | None:
        """Return what is stored at a key."""
        found = self._store._space.objects.get(key)
        return found[0] if found else None

    def list(self) -> list[str]:
        """Return every key, sorted."""
        return sorted(self._store._space.objects)

    def delete(self, key: str) -> None:
        """Delete what is stored at a key."""
        self._store._space.objects.pop(key, None)


class LocalHarness(ArtifactStoreHarness):
    """The embedded flavor, in a temporary directory."""

    flavor: ClassVar[type[LocalArtifactStore]] = LocalArtifactStore

    def __enter__(self) -> Self:
        self._folder = Path(self.enter_context(tempfile.TemporaryDirectory(prefix="dovetail-local-")))
        self._shim = self.enter_context(SyscallShim(self._folder))
        return self

    def make(self, **config: Any) -> ArtifactStore:
        """Return a store on a directory of its own, which is not made yet."""
        return self.flavor(**{"path": f"{self._folder}/{uuid.uuid4().hex}/store", **config})

    def syscalls(self, component: ArtifactStore) -> SyscallShim:
        """Return what stands before the file operations of this process."""
        return self._shim

    def spellings(self, component: ArtifactStore) -> Iterable[ArtifactStore]:
        """Yield stores on the same directory, with a slash at the end, by a relative path, and by a detour."""
        path = component.config.path  # type: ignore[attr-defined]
        for spelled in (f"{path}/", os.path.relpath(path), f"{path}/../{path.name}/.", str(path)):
            yield self.flavor(path=spelled)

    def neighbour(self, component: ArtifactStore) -> ArtifactStore:
        """Return a store in a directory beside it, whose name has the same beginning."""
        return self.flavor(path=f"{component.config.path}b")  # type: ignore[attr-defined]

    def raw(self, component: ArtifactStore) -> RawFiles:
        """Return the directory."""
        return RawFiles(component.config.path)  # type: ignore[attr-defined]

    def census(self, component: ArtifactStore) -> Mapping[str, int]:
        """Return how many unfinished files there are."""
        folder = component.config.path / RESERVED  # type: ignore[attr-defined]
        return {"unfinished files": len(list(folder.iterdir())) if folder.is_dir() else 0}


class RawFiles:
    """The side door of a store in a directory."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, key: str, data: bytes) -> None:
        """Write a file. Raises `Untested` for a key that no file can have, or that lies elsewhere."""
        path = self._root / key
        if key.endswith("/") or "//" in key or ".." in key or max(map(len, key.split("/"))) > 255:
            raise Untested(f"a directory cannot hold {key[:40]!r}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def get(self, key: str) -> bytes | None:
        """Return the bytes of a file."""
        path = self._root / key
        return path.read_bytes() if path.is_file() else None

    def list(self) -> list[str]:
        """Return every file, sorted."""
        return sorted(str(path.relative_to(self._root)) for path in self._root.rglob("*") if path.is_file())

    def delete(self, key: str) -> None:
        """Delete a file."""
        (self._root / key).unlink(missing_ok=True)

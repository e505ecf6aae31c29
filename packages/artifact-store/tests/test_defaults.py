"""What the base class does for a flavor that implements the abstract methods only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from dovetail_artifact_store import ArtifactStore, ArtifactStoreCapability, InMemoryArtifactStore, ObjectInfo
from dovetail_artifact_store.memory import forget
from dovetail_core import Conflict

SIZE = 5 * 64 + 3


class Plain(InMemoryArtifactStore):
    """Copies and reads as the base class does, and notes what is asked for at once."""

    def setup(self) -> None:
        self.asked: list[int] = []

    def _read(self, key: str, start: int, end: int | None) -> bytes:
        data = super()._read(key, start, end)
        self.asked.append(len(data) if end is None else end - start)
        return data

    def _copy(self, source: str, target: str) -> ObjectInfo:
        return ArtifactStore._copy(self, source, target)

    def _reader(self, key: str) -> IO[bytes]:
        return ArtifactStore._reader(self, key)

    def _pieces(self, info: ObjectInfo) -> Iterator[Any]:
        return ArtifactStore._pieces(self, info)


class Bare(Plain):
    """Declares nothing."""

    capabilities = frozenset()


@pytest.fixture(params=[Plain, Bare])
def store(request: pytest.FixtureRequest) -> Iterator[Plain]:
    with request.param(space="defaults") as made:
        yield made
    forget("defaults")


@pytest.mark.parametrize("how", ["read", "download", "copyfile", "digest_of", "seek"])
def test_no_default_asks_for_more_than_a_part(store: Plain, how: str, tmp_path: Path) -> None:
    store.write_bytes("x", bytes(range(256)) + bytes(SIZE - 256))
    if how == "download":
        store.download("x", tmp_path / "x")
        assert (tmp_path / "x").stat().st_size == SIZE
    elif how == "copyfile":
        assert store.copyfile("x", "y").size == SIZE
    elif how == "digest_of":
        assert store.digest_of("x")
    else:
        with store.open("x") as reader:
            reader.seek(7 if how == "seek" else 0)
            assert len(reader.read()) == SIZE - (7 if how == "seek" else 0)
    assert 0 < max(store.asked) <= store.part_size


def test_a_default_copy_keeps_the_entries_where_they_are_declared(store: Plain) -> None:
    declared = ArtifactStoreCapability.USER_METADATA in store.capabilities
    store.write_bytes("x", b"1", metadata={"by": "me"} if declared else None)
    assert store.copyfile("x", "y").metadata == store.stat("y").metadata == ({"by": "me"} if declared else {})


class Overtaken(Bare):
    """Somebody else replaces the source by as many bytes as soon as it is copied."""

    def _copy(self, source: str, target: str) -> ObjectInfo:
        copied = super()._copy(source, target)
        InMemoryArtifactStore.write_bytes(self, source, b"newer")
        return copied

    def _move(self, source: str, target: str) -> None:
        ArtifactStore._move(self, source, target)


def test_a_default_move_deletes_no_source_that_was_replaced_meanwhile() -> None:
    with Overtaken(space="overtaken") as store:
        store.write_bytes("x", b"older")
        with pytest.raises(Conflict, match="changed while it was moved"):
            store.rename("x", "y")
        assert (store.read_bytes("x"), store.read_bytes("y")) == (b"newer", b"older")
    forget("overtaken")

"""Keys that other tools stored, and that no key of a store can be, are in nobody's way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dovetail_artifact_store import InMemoryArtifactStore
from dovetail_artifact_store.memory import forget
from dovetail_artifact_store.testing import RawMemory


@pytest.fixture
def store() -> Iterator[InMemoryArtifactStore]:
    with InMemoryArtifactStore(space="odd-keys") as made:
        made.write_bytes("a/x", b"x")
        yield made
    forget("odd-keys")


@pytest.fixture
def raw(store: InMemoryArtifactStore) -> RawMemory:
    return RawMemory(store)


@pytest.mark.parametrize("odd", ["a//b", "//b", "/b", "a/\x01/b", "a///b", "../b"])
def test_walking_beside_an_odd_key_ends_and_finds_the_others(store: InMemoryArtifactStore, raw: RawMemory, odd: str) -> None:
    raw.put(odd, b"odd")
    walked = {(top, name) for top, _, names in store.walk() for name in names}
    assert ("a", "x") in walked
    assert not [top for top, directories, _ in store.walk() if "" in directories]
    assert "" not in [*store.listdir(), *store.listdir("a")]
    assert [entry for entry in store.filesystem().ls("a", detail=False) if not entry or entry.endswith("/")] == []


@pytest.mark.parametrize("marker", ["a/", "a/b/", "a//"])
def test_a_tree_is_deleted_with_the_markers_of_its_directories(store: InMemoryArtifactStore, raw: RawMemory, marker: str) -> None:
    raw.put(marker, b"")
    store.write_bytes("ab", b"kept")
    store.rmtree("a")
    assert raw.list() == ["ab"]
    assert not store.exists("a")


def test_the_file_system_shows_no_markers(store: InMemoryArtifactStore, raw: RawMemory) -> None:
    raw.put("a/", b"")
    raw.put("a/b/", b"")
    fs = store.filesystem()
    assert fs.ls("a", detail=False) == ["a/b", "a/x"]
    fs.rm("a", recursive=True)
    assert raw.list() == []

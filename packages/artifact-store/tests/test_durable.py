"""A durable local store returns from a call when what it did would survive a power failure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dovetail_artifact_store import LocalArtifactStore
from dovetail_conformance.instruments import SyscallShim


@pytest.fixture
def shim(tmp_path: Path) -> Iterator[SyscallShim]:
    with SyscallShim(tmp_path) as entered:
        yield entered


def synced(shim: SyscallShim, mark: int, below: Path) -> set[str]:
    """Return the paths, relative to a directory, of the directories that were synced, as opposed to unfinished files."""
    paths = [Path(operation.path) for operation in shim.since(mark) if operation.name == "fsync"]
    return {str(path.relative_to(below)) for path in paths if path.is_dir()}


def test_every_directory_that_was_made_is_synced_into_its_parent(shim: SyscallShim, tmp_path: Path) -> None:
    store = LocalArtifactStore(path=tmp_path / "deep" / "store", durable=True)
    mark = shim.mark()
    store.write_bytes("a/b/x", b"x")
    assert {"deep", "deep/store", "deep/store/a", "deep/store/a/b"} <= synced(shim, mark, tmp_path)
    mark = shim.mark()
    store.write_bytes("a/b/y", b"y")
    assert synced(shim, mark, tmp_path) == {"deep/store/a/b"}


def test_a_move_syncs_where_it_took_from_and_where_it_put_to(shim: SyscallShim, tmp_path: Path) -> None:
    store = LocalArtifactStore(path=tmp_path / "store", durable=True)
    store.write_bytes("a/x", b"x")
    mark = shim.mark()
    store.rename("a/x", "b/c/x")
    assert synced(shim, mark, tmp_path) == {"store", "store/a", "store/b", "store/b/c"}


def test_a_directory_that_is_made_is_synced(shim: SyscallShim, tmp_path: Path) -> None:
    store = LocalArtifactStore(path=tmp_path / "store", durable=True)
    store.write_bytes("x", b"x")
    for make, wanted in ((lambda: store.mkdir("d"), {"store"}), (lambda: store.makedirs("e/f"), {"store", "store/e"})):
        mark = shim.mark()
        make()
        assert synced(shim, mark, tmp_path) == wanted


def test_what_is_not_durable_syncs_nothing(shim: SyscallShim, tmp_path: Path) -> None:
    store = LocalArtifactStore(path=tmp_path / "store")
    store.write_bytes("a/x", b"x")
    store.rename("a/x", "b/x")
    assert not [operation for operation in shim.operations if operation.name == "fsync"]

"""What a writer that could not write publishes: nothing."""

from __future__ import annotations

import contextlib
import errno
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dovetail_artifact_store import LocalArtifactStore
from dovetail_conformance.instruments import SyscallShim
from dovetail_core import Unavailable


@pytest.fixture
def shim(tmp_path: Path) -> Iterator[SyscallShim]:
    with SyscallShim(tmp_path) as entered:
        yield entered


@pytest.fixture
def store(tmp_path: Path) -> LocalArtifactStore:
    made = LocalArtifactStore(path=tmp_path / "store")
    made.write_bytes("k", b"old")
    return made


@pytest.mark.parametrize("mode", ["w", "wb"])
def test_a_write_that_the_disk_refuses_publishes_nothing(store: LocalArtifactStore, shim: SyscallShim, mode: str) -> None:
    text: Any = "new" if mode == "w" else b"new"
    with shim.fault("write", errno.ENOSPC), pytest.raises(Unavailable, match="No space"), store.open("k", mode) as writer:
        writer.write(text)
    assert store.read_bytes("k") == b"old"
    assert list((store.config.path / ".dovetail-tmp").iterdir()) == []


@pytest.mark.parametrize("mode", ["w", "wb"])
def test_a_failed_write_that_the_caller_swallows_is_said_when_the_writer_is_closed(
    store: LocalArtifactStore, shim: SyscallShim, mode: str
) -> None:
    with pytest.raises(Unavailable, match="'k' is not published"), store.open("k", mode) as writer:
        with shim.fault("write", errno.EIO), contextlib.suppress(Unavailable):
            writer.write("lost" if mode == "w" else b"lost")
            writer.flush()
        writer.write("kept" if mode == "w" else b"kept")
    assert store.read_bytes("k") == b"old"


def test_a_buffer_that_cannot_be_flushed_publishes_nothing(store: LocalArtifactStore, shim: SyscallShim) -> None:
    with shim.fault("write", errno.ENOSPC), pytest.raises(Unavailable), io.BufferedWriter(store.open("k", "wb")) as writer:
        writer.write(b"new")
    assert store.read_bytes("k") == b"old"


class Torn(io.RawIOBase):
    """A file of which the second piece cannot be read."""

    pieces = 0

    def readinto(self, space: Any) -> int:
        self.pieces += 1
        if self.pieces > 1:
            raise OSError(errno.EIO, "no more of it can be read")
        space[:4] = b"some"
        return 4


def test_a_file_that_cannot_be_read_to_its_end_is_not_published_even_if_the_caller_swallows_that(store: LocalArtifactStore) -> None:
    with pytest.raises(Unavailable, match="'k' is not published"), store.open("k", "wb") as writer, contextlib.suppress(OSError):
        writer.write_from(Torn(), 8)
    assert store.read_bytes("k") == b"old"


def test_an_argument_of_a_wrong_type_is_no_failed_write(store: LocalArtifactStore) -> None:
    with store.open("k", "wb") as writer:  # as numpy.savetxt does, to find out whether the file takes text
        with pytest.raises(TypeError):
            writer.write("text")
        writer.write(b"bytes")
    assert store.read_bytes("k") == b"bytes"

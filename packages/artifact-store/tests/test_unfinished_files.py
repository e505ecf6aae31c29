"""Unfinished files of a local store: whose they are, and what becomes of those that were left."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dovetail_artifact_store import LocalArtifactStore
from dovetail_core import Unavailable

CONTAINER = ["unshare", "--user", "--map-root-user", "--pid", "--fork"]
"""A process in it has number 1, as in a container; the host's name stays."""
WRITER = """
import os, sys
from dovetail_artifact_store import LocalArtifactStore
with LocalArtifactStore(path=sys.argv[1]).open("k", "wb") as writer:
    writer.write(sys.argv[2].encode() * int(sys.argv[3]))
    print(os.getpid(), flush=True)
    sys.stdin.readline()
"""
IN_WORK = 2 * 24 * 3600


@pytest.fixture
def store(tmp_path: Path) -> LocalArtifactStore:
    return LocalArtifactStore(path=tmp_path / "store")


def unfinished(store: LocalArtifactStore) -> list[Path]:
    return list((store.config.path / ".dovetail-tmp").iterdir())


def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def writer_in_a_container(store: LocalArtifactStore, letter: str, count: int) -> subprocess.Popen[str]:
    command = [*CONTAINER, sys.executable, "-c", WRITER, str(store.config.path), letter, str(count)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "1\n"
    return process


def test_writers_with_one_number_on_one_host_do_not_mix(store: LocalArtifactStore) -> None:
    try:
        subprocess.run([*CONTAINER, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine makes no namespaces of processes: unshare --user --pid")
    first = writer_in_a_container(store, "a", 2000)
    second = writer_in_a_container(store, "b", 10)
    first.communicate("\n", timeout=60)
    assert store.read_bytes("k") == b"a" * 2000
    second.communicate("\n", timeout=60)
    assert store.read_bytes("k") == b"b" * 10
    assert (first.returncode, second.returncode, unfinished(store)) == (0, 0, [])


def test_what_a_living_writer_has_is_not_swept_however_old_it_is(store: LocalArtifactStore) -> None:
    with store.open("k", "wb") as writer:
        writer.write(b"slow")
        age(unfinished(store)[0], IN_WORK)
        LocalArtifactStore(path=store.config.path).write_bytes("x", b"x")
    assert store.read_bytes("k") == b"slow"


@pytest.mark.parametrize(
    ("name", "seconds", "left"), [("{host}-0", 0, 0), ("elsewhere-0", 0, 1), ("elsewhere-0", IN_WORK, 0), ("odd", IN_WORK, 0)]
)
def test_what_nobody_writes_is_swept_and_another_hosts_only_when_it_is_old(
    store: LocalArtifactStore, name: str, seconds: float, left: int
) -> None:
    file = store.config.path / ".dovetail-tmp" / name.format(host=socket.gethostname())
    file.parent.mkdir(parents=True)
    file.write_bytes(b"left")
    age(file, seconds)
    store.write_bytes("x", b"x")
    assert len(unfinished(store)) == left


def test_an_unfinished_file_that_was_taken_away_is_named(store: LocalArtifactStore) -> None:
    store.write_bytes("k", b"old")
    writer = store.open("k", "wb")
    writer.write(b"new")
    unfinished(store)[0].unlink()
    began = time.monotonic()
    with pytest.raises(Unavailable, match=r"unfinished file .*dovetail-tmp.* removed"):
        writer.close()
    assert time.monotonic() - began < 0.2
    assert store.read_bytes("k") == b"old"

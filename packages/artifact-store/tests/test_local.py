"""Objects are whole or not there, whoever writes, reads, fails or is killed."""

from __future__ import annotations

import errno
import hashlib
import multiprocessing
import os
import pickle
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from store_writers import alternate, create

from dovetail_artifact_store import LocalArtifactStore, Progress
from dovetail_core import (
    AlreadyExists,
    ConfigError,
    Conflict,
    IntegrityError,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unavailable,
    Unsupported,
)

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def store(tmp_path: Path) -> LocalArtifactStore:
    return LocalArtifactStore(path=tmp_path / "store")


def leftovers(store: LocalArtifactStore) -> list[Path]:
    return list((store.config.path / ".dovetail-tmp").iterdir()) if (store.config.path / ".dovetail-tmp").exists() else []


@pytest.mark.parametrize("size", [0, 1, 1023, 2**20 - 1, 2**20, 2**20 + 1, 9 * 2**20])
def test_what_was_written_is_what_is_read(store: LocalArtifactStore, size: int) -> None:
    data = random.Random(size).randbytes(size)
    info = store.write_bytes("a/x", data)
    with store.open("a/y", "wb") as writer:
        for start in range(0, size, 3 * 2**20):
            writer.write(data[start : start + 3 * 2**20])
    assert store.read_bytes("a/x") == store.read_bytes("a/y") == data
    assert info.digest == writer.info.digest == store.digest_of("a/x") == f"blake3:{blake3(data).hexdigest()}"
    assert store.stat("a/y").size == info.size == size


@pytest.mark.parametrize(
    ("start", "end"), [(0, None), (2, 5), (5, 5), (7, 3), (8, 100), (10, None), (11, 12), (-3, None), (-100, None), (0, 0)]
)
def test_a_range_is_what_a_slice_is(store: LocalArtifactStore, start: int, end: int | None) -> None:
    data = bytes(range(10))
    store.write_bytes("x", data)
    assert store.read_bytes("x", start, end) == data[start:end]


def test_readers_can_seek_and_text_round_trips(store: LocalArtifactStore) -> None:
    with store.open("t", "w") as file:
        file.write("zwölf\r\nBoxkämpfer\n")
    with store.open("t", "r", newline="") as file:
        assert file.read() == "zwölf\r\nBoxkämpfer\n"
    with store.open("t", "rb") as file:
        file.seek(-3, os.SEEK_END)
        assert file.read() == b"er\n"


@pytest.mark.parametrize("mode", ["wb", "w"])
def test_a_body_that_raises_publishes_nothing(store: LocalArtifactStore, mode: str) -> None:
    store.write_bytes("x", b"old")
    with pytest.raises(RuntimeError), store.open("x", mode) as file:
        file.write(b"new" if mode == "wb" else "new")
        raise RuntimeError
    abandoned = store.open("x", mode)
    abandoned.write(b"new" if mode == "wb" else "new")
    del abandoned
    assert store.read_bytes("x") == b"old"
    assert leftovers(store) == []


def test_prefixes_match_by_segment(store: LocalArtifactStore) -> None:
    for key in ("a/b/1", "a/b/2/3", "a/bc/1", "a/b.txt"):
        store.write_bytes(key, b"x")
    assert [info.key for info in store.list("a/b")] == ["a/b/1", "a/b/2/3"]
    assert [info.key for info in store.list()] == sorted(["a/b/1", "a/b/2/3", "a/bc/1", "a/b.txt"], key=str.encode)
    assert store.listdir("a") == ["b", "b.txt", "bc"]
    assert [info.key for info in store.list("a", recursive=False)] == ["a/b.txt"]
    assert next(iter(store.walk("a"))) == ("a", ["b", "bc"], ["b.txt"])
    assert store.glob("a/b*/*") == ["a/b/1", "a/bc/1"]
    store.rmtree("a/b")
    assert [info.key for info in store.list()] == ["a/b.txt", "a/bc/1"]
    assert not store.exists("a/b") and store.exists("a/bc") and store.isdir("a/bc")


@pytest.mark.parametrize("count", [0, 1, 999, 1001, 2501])
def test_listing_and_deleting_are_complete(store: LocalArtifactStore, count: int) -> None:
    keys = {f"d/{number % 7}/{number} %+ü" for number in range(count)}
    for key in keys:
        store.write_bytes(key, b"")
    listed = [info.key for info in store.list("d")]
    assert len(listed) == count and set(listed) == keys
    store.rmtree("d")
    assert list(store.list()) == []


def test_what_is_not_there(store: LocalArtifactStore, tmp_path: Path) -> None:
    for call in (lambda: store.read_bytes("x"), lambda: store.stat("x"), lambda: store.open("x"), lambda: store.copyfile("x", "y")):
        with pytest.raises(NotFound):
            call()
    (tmp_path / "kept").write_text("kept")
    with pytest.raises(NotFound):
        store.download("x", tmp_path / "kept")
    assert (tmp_path / "kept").read_text() == "kept"
    store.remove("x")
    store.rmtree("x")
    assert store.missing(["x", "y"]) == {"x", "y"}
    assert not store.exists("x") and list(store.list("x")) == []


def test_a_key_and_one_below_it_exclude_each_other_and_nothing_is_lost(store: LocalArtifactStore) -> None:
    store.write_bytes("x", b"1")
    with pytest.raises(Conflict):
        store.write_bytes("x/y", b"2")
    store.write_bytes("a/b", b"3")
    with pytest.raises(Conflict):
        store.write_bytes("a", b"4")
    assert {info.key: store.read_bytes(info.key) for info in store.list()} == {"x": b"1", "a/b": b"3"}


@pytest.mark.parametrize("if_absent", [False, True])
def test_a_directory_that_was_emptied_is_no_obstacle_and_one_with_an_object_is(store: LocalArtifactStore, if_absent: bool) -> None:
    store.write_bytes("a/b/c", b"1")
    with pytest.raises(Conflict):
        store.write_bytes("a", b"2", if_absent=if_absent)
    assert store.read_bytes("a/b/c") == b"1"
    store.remove("a/b/c")
    store.write_bytes("a", b"2", if_absent=if_absent)
    assert store.read_bytes("a") == b"2"


def test_a_link_is_not_taken_for_an_empty_directory(store: LocalArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "outside" / "empty").mkdir(parents=True)
    store.write_bytes("x", b"x")
    (store.config.path / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(AlreadyExists):
        store.write_bytes("link", b"y", if_absent=True)
    assert (tmp_path / "outside" / "empty").is_dir()


def test_writing_while_others_delete_the_tree_always_ends_well(store: LocalArtifactStore) -> None:
    over = threading.Event()

    def delete() -> None:
        while not over.is_set():
            store.rmtree("a")
            time.sleep(0.005)  # or else the writer gets the interpreter too rarely

    deleters = [threading.Thread(target=delete) for _ in range(2)]
    for deleter in deleters:
        deleter.start()
    try:
        for number in range(300):
            store.write_bytes(f"a/b/{number}", b"x")
    finally:
        over.set()
        for deleter in deleters:
            deleter.join()


def test_moving_and_copying_keep_the_object(store: LocalArtifactStore) -> None:
    store.write_bytes("d/x", b"1")
    store.write_bytes("d/e/y", b"2")
    store.copyfile("d/x", "d/x")
    store.rename("d/x", "d/x")
    store.copyfile("d/x", "new/place/x")
    with pytest.raises(InvalidArgument):
        store.rename("d", "d/e/f")
    store.rename("d", "moved")
    assert {info.key: store.read_bytes(info.key) for info in store.list()} == {"moved/x": b"1", "moved/e/y": b"2", "new/place/x": b"1"}
    with pytest.raises(NotFound):
        store.rename("gone", "x")


def test_what_is_not_declared_is_refused(store: LocalArtifactStore) -> None:
    with pytest.raises(Unsupported):
        store.write_bytes("x", b"", if_match="e")
    with pytest.raises(Unsupported):
        store.write_bytes("x", b"", metadata={"a": "b"})
    assert not store.exists("x")


def test_of_many_processes_thatcreate_one_key_exactly_one_wins(store: LocalArtifactStore) -> None:
    with SPAWN.Pool(4) as pool:
        for number in range(25):
            bodies = [f"{number}-{writer}".encode() * 1000 for writer in range(4)]
            won = pool.starmap(create, [(store.config.path, f"k{number}", body) for body in bodies])
            assert won.count(True) == 1
            assert store.read_bytes(f"k{number}") == bodies[won.index(True)]


def test_a_reader_sees_the_old_or_the_new_object_whole(store: LocalArtifactStore) -> None:
    store.write_bytes("x", b"a" * 2**21)
    writer = SPAWN.Process(target=alternate, args=(store.config.path, time.time() + 4))
    writer.start()
    seen = set()
    while writer.is_alive():
        data = store.read_bytes("x")
        assert len(data) == 2**21 and len(set(data)) == 1
        seen.add(data[:1])
    assert seen == {b"a", b"b"}
    assert leftovers(store) == []


WRITER = """
import sys
from dovetail_artifact_store import LocalArtifactStore
store = LocalArtifactStore(path=sys.argv[1])
print("up", flush=True)
number = 0
while True:
    number += 1
    with store.open(f"k{number % 5}", "wb") as file:
        for _ in range(20):
            file.write(bytes([number % 256]) * 100_000)
"""


def test_a_killed_writer_leaves_the_old_object_or_nothing_and_no_debris_for_long(store: LocalArtifactStore) -> None:
    moments = random.Random(7)
    for _ in range(10):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(store.config.path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(moments.uniform(0, 0.1))
        writer.kill()
        writer.wait()
        for info in store.list():
            data = store.read_bytes(info.key)
            assert len(data) == 2_000_000 and len(set(data)) == 1
            assert ".dovetail-tmp" not in info.key
    LocalArtifactStore(path=store.config.path).write_bytes("x", b"x")
    assert leftovers(store) == []


def test_a_write_is_seen_by_another_process_at_once_and_nothing_is_cached(store: LocalArtifactStore) -> None:
    other = [sys.executable, "-c", "import sys; from dovetail_artifact_store import *; exec(sys.argv[2])", str(store.config.path)]

    def elsewhere(code: str) -> str:
        done = subprocess.run([*other, f"s = LocalArtifactStore(path=sys.argv[1]); {code}"], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert not store.exists("d/x")
    elsewhere("s.write_bytes('d/x', b'longer than before')")
    assert store.exists("d/x") and store.read_bytes("d/x") == b"longer than before" and store.listdir("d") == ["x"]
    store.remove("d/x")
    assert elsewhere("print(s.exists('d/x'))") == "False"


@pytest.mark.skipif(os.name != "posix", reason="limits of file sizes are POSIX")
def test_a_write_that_runs_out_of_space_keeps_the_old_object(store: LocalArtifactStore) -> None:
    store.write_bytes("x", b"old")
    code = """
import resource, signal, sys
from dovetail_artifact_store import LocalArtifactStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = LocalArtifactStore(path=sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for write in (lambda: store.write_bytes("x", b"n" * 500_000), lambda: store.write_bytes("x", b"n" * 5_000_000)):
    try:
        write()
    except Exception as error:
        print(type(error).__name__, type(error.__cause__).__name__)
"""
    done = subprocess.run([sys.executable, "-c", code, str(store.config.path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["Unavailable OSError"] * 2
    assert store.read_bytes("x") == b"old"
    assert leftovers(store) == []


def test_errors_of_the_system_are_told_apart() -> None:
    from dovetail_artifact_store.local_files import mapped

    kinds: dict[int, Any] = {
        errno.ENOSPC: Unavailable,
        errno.EACCES: PermissionDenied,
        errno.EROFS: PermissionDenied,
        errno.EIO: Unavailable,
    }
    for number, kind in kinds.items():
        with pytest.raises(kind) as caught, mapped("key"):
            raise OSError(number, os.strerror(number))
        assert isinstance(caught.value.__cause__, OSError)


def test_a_root_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    store = LocalArtifactStore(path=tmp_path / "file")
    for call in (store.check, lambda: store.write_bytes("x", b"x")):
        with pytest.raises(ConfigError, match="file"):
            call()
    assert (tmp_path / "file").read_text() == "x"


def test_nothing_is_made_until_something_is_written(tmp_path: Path) -> None:
    store = LocalArtifactStore(path=tmp_path / "deep" / "store")
    store.check()
    assert list(store.list()) == [] and not store.exists("x")
    assert not (tmp_path / "deep").exists()


def test_the_umask_decides_who_may_read(store: LocalArtifactStore, tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        store.write_bytes("secret", b"x")
        store.download("secret", tmp_path / "copy")
    finally:
        os.umask(old)
    for path in (store.config.path / "secret", tmp_path / "copy"):
        assert path.stat().st_mode & 0o777 == 0o600


def test_trees_go_up_and_down_the_same_and_twice(store: LocalArtifactStore, tmp_path: Path) -> None:
    source = tmp_path / "source"
    for number in range(30):
        file = source / f"d{number % 3}" / f"{number}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.urandom(number * 1000))
    steps: list[Progress] = []
    for _ in range(2):
        uploaded = store.upload_tree(source, "tree", on_progress=steps.append)
        store.download_tree("tree/", tmp_path / "copy")
    assert len(uploaded) == 30 and steps[-1].done == steps[-1].total > 0
    assert digests(source) == digests(tmp_path / "copy")
    assert {info.key for info in store.list()} == {f"tree/{path.relative_to(source)}" for path in source.rglob("*.bin")}


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_link_that_leads_out_of_a_tree_is_refused_before_anything_is_written(store: LocalArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a").write_text("a")
    (tmp_path / "source" / "z").symlink_to("/etc/passwd")
    with pytest.raises(InvalidArgument, match="leads out of"):
        store.upload_tree(tmp_path / "source", "tree")
    assert list(store.list()) == []


def test_a_tree_is_never_written_outside_of_its_destination(store: LocalArtifactStore, tmp_path: Path) -> None:
    store.write_bytes("tree/d/x", b"x")
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "d").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidArgument):
        store.download_tree("tree", tmp_path / "out")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_download_with_another_digest_leaves_what_was_there(store: LocalArtifactStore, tmp_path: Path) -> None:
    info = store.write_bytes("x", b"recorded")
    (store.config.path / "x").write_bytes(b"altered!")
    (tmp_path / "file").write_text("before")
    with pytest.raises(IntegrityError):
        store.download("x", tmp_path / "file", digest=info.digest)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "store"]
    assert (tmp_path / "file").read_text() == "before"


def test_a_store_survives_pickling_and_serves_many_threads(store: LocalArtifactStore) -> None:
    copy = pickle.loads(pickle.dumps(store))
    threads = [threading.Thread(target=lambda n=n: [copy.write_bytes(f"t/{n}/{i}", b"x" * i) for i in range(50)]) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(store.list("t"))) == 800


def test_opening_leaves_no_descriptor_behind(store: LocalArtifactStore) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for number in range(50):
        store.write_bytes("x", b"x")
        with store.open("y", "wb") as file:
            file.write(b"y")
        store.read_bytes("x")
        with pytest.raises(NotFound):
            store.read_bytes(f"gone-{number}")
    assert len(os.listdir("/proc/self/fd")) == before
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0


def test_large_objects_are_written_and_hashed_in_a_process_that_is_forked(tmp_path: Path) -> None:
    data = b"1" * (4 << 20)
    with LocalArtifactStore(path=tmp_path) as store:
        store.write_bytes("x", data)  # by now the hash has threads
        child = os.fork()
        if not child:
            signal.alarm(30)  # a child that hangs ends by a signal
            info = store.write_bytes("y", data)
            os._exit(0 if store.digest_of("x") == info.digest else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_uri_of_a_store_beside_it_is_no_prefix_of_this_one(tmp_path: Path) -> None:
    store, other = (LocalArtifactStore(path=tmp_path / name) for name in ("a", "ab"))
    store.write_bytes("c/x", b"mine")
    for uri in (other.uri("c").removesuffix("/c"), f"{store.uri('c').removesuffix('/c')}bc", other.uri("c")):
        for call in (store.listdir, store.exists, lambda path: store.filesystem().rm(path, recursive=True)):
            with pytest.raises(InvalidArgument, match="is not in"):
                call(uri)
    assert store.read_bytes("c/x") == b"mine"
    root = store.uri("c").removesuffix("/c")
    for spelled in (root, f"{root}/"):
        assert [info.key for info in store.list(spelled)] == ["c/x"]

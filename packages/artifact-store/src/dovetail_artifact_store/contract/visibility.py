"""An object is visible when it is complete, and from then on to everybody."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from dovetail_artifact_store.contract.harness import ArtifactStoreHarness
from dovetail_artifact_store.contract.samples import keys_of, large, pattern
from dovetail_artifact_store.interface import ArtifactStore
from dovetail_conformance import Effort, check, rule
from dovetail_core.errors import NotFound


class VisibilityRules:
    """Rules about when an object can be seen."""

    @rule("AS-03", severity=1, hooks=("second",), kind="race")
    def test_a_reader_sees_the_old_or_the_new_object(self, store: ArtifactStore, harness: ArtifactStoreHarness, effort: Effort) -> None:
        """While an object is written, another client sees the old one or nothing, and never a part of the new one."""
        old, new = large(store, 1), large(store, 2)
        with harness.second(store) as other:
            for before in (None, old):
                if before is not None:
                    store.write_bytes("x", before)
                with store.open("x", "wb") as writer:
                    for start in range(0, len(new), store.part_size // 2):
                        writer.write(new[start : start + store.part_size // 2])
                        _unchanged(other, before, "while it is written")
                check(other.read_bytes("x") == new, did="closed the writer and read from another client", came="not the new object")
                store.remove("x")
            bodies = (old, new)
            _alternate(other, "y", bodies, effort.pick(5, 20, 100), lambda number: store.write_bytes("y", bodies[number]))

    @rule("AS-05", severity=1)
    def test_a_body_that_raises_publishes_nothing(self, store: ArtifactStore) -> None:
        """If the body of a `with` block of a writer raises, nothing is published, and an object that was there is unchanged."""
        store.write_bytes("old", b"old")
        for key, expected in (("old", b"old"), ("new", None)):
            for parts in (0, 1, 3):
                _raise_after(store, key, parts)
                check(
                    _content(store, key) == expected,
                    did=f"raised after {parts} parts",
                    came=_content(store, key),
                    mend="abort on any exception",
                )
        check(keys_of(store) == ["old"], did="listed after writers that were given up", came=keys_of(store))

    @rule("AS-26", severity=1, hooks=("second",))
    def test_what_one_writes_another_sees_at_once(self, store: ArtifactStore, harness: ArtifactStoreHarness) -> None:
        """What one client writes or deletes, another sees at once, also if it has looked before: there is no stale cache."""
        with harness.second(store) as other:
            for one, two in ((store, other), (other, store)):
                check(not two.exists("d/x"), did="looked before anything was written", came="something is there")
                one.write_bytes("d/x", b"1")
                seen = (two.exists("d/x"), two.read_bytes("d/x"), [info.key for info in two.list("d")])
                check(seen == (True, b"1", ["d/x"]), did="wrote by one client and looked by another", came=seen, mend="keep no cache")
                one.write_bytes("d/x", b"22")
                again = (two.read_bytes("d/x"), two.stat("d/x").size)
                check(again == (b"22", 2), did="overwrote by one client and read by another", came=again)
                one.remove("d/x")
                left = (two.exists("d/x"), [info.key for info in two.list("d")])
                check(left == (False, []), did="deleted by one client and looked by another", came=left)

    @rule("AS-27", severity=1, hooks=("second",))
    def test_a_changed_object_is_read_as_it_is(self, store: ArtifactStore, harness: ArtifactStoreHarness) -> None:
        """An object that was changed by another client is read whole, with its new size, by who had listed and read it before."""
        short, long = b"short", large(store)
        with harness.second(store) as other:
            store.write_bytes("x", short)
            listed = next(iter(store.list()))
            check(listed.size == 5 and store.read_bytes("x") == short, did="listed and read an object", came=listed)
            other.write_bytes("x", long)
            with store.open("x") as reader:
                got = reader.read()
            check(
                got == long,
                did="opened an object that became longer",
                came=f"{len(got)} of {len(long)} bytes",
                mend="do not remember sizes",
            )

    @rule("AS-28", severity=1)
    def test_a_part_of_a_listing_is_not_taken_for_the_whole(self, store: ArtifactStore) -> None:
        """A listing that matched only some keys is not taken for a complete one later."""
        for name in ("train-1", "train-2", "test-1"):
            store.write_bytes(f"d/{name}", b"")
        some = store.glob("d/train-*")
        check(some == ["d/train-1", "d/train-2"], did="matched d/train-*", came=some)
        every = keys_of(store, "d")
        check(every == ["d/test-1", "d/train-1", "d/train-2"], did="listed d after matching a part of it", came=every)
        one = store.listdir("d")
        check(one == ["test-1", "train-1", "train-2"], did="listed the names in d", came=one)

    @rule("AS-04", severity=1)
    def test_copies_and_downloads_appear_whole(self, store: ArtifactStore, effort: Effort, tmp_path: Path) -> None:
        """The target of a copy or a download is the old one until the new one is there, whole: also while it is copied or downloaded."""
        data = large(store)
        store.write_bytes("source", data)
        target = tmp_path / "file"
        target.write_bytes(b"old")
        seen: list[bytes] = []
        store.download("source", target, on_progress=lambda progress: seen.append(target.read_bytes()))
        check(
            set(seen[:-1]) <= {b"old"}, did="looked at the file while it was downloaded", came="it had changed", mend="rename it into place"
        )
        check(target.read_bytes() == data, did="downloaded an object", came="other bytes")
        other = large(store, 1)
        store.write_bytes("other", other)
        _alternate(
            store, "target", (other, data), effort.pick(5, 20, 100), lambda number: store.copyfile(("other", "source")[number], "target")
        )
        left = sorted(path.name for path in tmp_path.iterdir())
        check(left == ["file"], did="looked at the directory of the download", came=left, mend="leave no temporary file")


def _unchanged(other: ArtifactStore, before: bytes | None, when: str) -> None:
    seen = _content(other, "x")
    came = "nothing" if seen is None else f"{len(seen)} other bytes"
    check(seen == before, did=f"read from another client {when}", came=came, mend="publish an object in one step, when it is complete")


def _content(store: ArtifactStore, key: str) -> bytes | None:
    try:
        return store.read_bytes(key)
    except NotFound:
        return None


def _raise_after(store: ArtifactStore, key: str, parts: int) -> None:
    class Given(Exception):
        pass

    try:
        with store.open(key, "wb") as writer:
            for number in range(parts):
                writer.write(pattern(store.part_size, number))
            raise Given
    except Given:
        return


def _alternate(other: ArtifactStore, key: str, bodies: tuple[bytes, bytes], times: int, change: Callable[[int], object]) -> None:
    """Let `change` make an object one of two, again and again, while another client reads it."""
    change(0)
    failures: list[str] = []
    over = threading.Event()
    reading = threading.Thread(target=_collect, args=(lambda: other.read_bytes(key), bodies, failures, over))
    reading.start()
    try:
        for number in range(times):
            change(number % 2)
    finally:
        over.set()
        reading.join()
    came = "; ".join(failures[:3])
    check(not failures, did="read an object while it was overwritten", came=came, mend="publish an object in one step, when it is complete")


def _collect(read: Callable[[], bytes], bodies: tuple[bytes, bytes], failures: list[str], over: threading.Event) -> None:
    while not over.is_set():
        try:
            got = read()
        except Exception as error:
            failures.append(f"{type(error).__name__}: {error}")
            continue
        if got not in bodies:
            failures.append(f"{len(got)} bytes that are neither object")

"""Keys are kept as they are, and none leads out of the store."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from dovetail_artifact_store.contract.harness import ArtifactStoreHarness
from dovetail_artifact_store.contract.samples import FAITHFUL, HOSTILE, keys_of
from dovetail_artifact_store.interface import ArtifactStore
from dovetail_conformance import Untested, attempt, check, raises, rule
from dovetail_core.errors import Conflict, DovetailError, InvalidArgument

_MEND = "refuse it with InvalidArgument before anything is done; the base class does, unless it is overridden"


class KeyRules:
    """Rules about keys."""

    @rule("AS-18", severity=1, kind="security")
    def test_no_key_leads_out_of_the_store(self, store: ArtifactStore, tmp_path: Path) -> None:
        """A key that is absolute, that climbs, or that no backend should see is refused by every method before anything is done."""
        store.write_bytes("x", b"x")
        for key in HOSTILE:
            for name, call in _calls(store, key, tmp_path):
                with raises(InvalidArgument, did=f"{name} with the key {key[:40]!r}", mend=_MEND):
                    call()
        left = keys_of(store)
        check(left == ["x"], did="listed the store after keys that are none", came=left, mend=_MEND)

    @rule("AS-23", severity=2)
    def test_one_object_has_one_spelling(self, store: ArtifactStore) -> None:
        """A key with an empty segment, `.` or a slash at either end is refused, so that no object is written under one spelling and missed under another."""
        store.write_bytes("a/b", b"1")
        for key in ("a//b", "/a/b", "a/b/", "./a/b", "a/./b", "a/b/."):
            with raises(InvalidArgument, did=f"wrote {key!r}", mend=_MEND):
                store.write_bytes(key, b"2")
            with raises(InvalidArgument, did=f"read {key!r}", mend=_MEND):
                store.read_bytes(key)
        check(store.read_bytes("a/b") == b"1", did="wrote other spellings of a key", came=store.read_bytes("a/b"))

    @rule("AS-21", severity=1)
    def test_keys_are_kept_as_they_are(self, store: ArtifactStore, harness: ArtifactStoreHarness) -> None:
        """Keys are kept as they are, letter by letter, and are distinct from their encoded forms."""
        raw = harness.raw(store) if harness.has("raw") else None
        keys = [f"k/{segment}" for segment in FAITHFUL]
        for key in keys:
            with attempt(did=f"wrote and read the key {key!r}"):
                store.write_bytes(key, key.encode())
                got = store.read_bytes(key)
            check(got == key.encode(), did=f"wrote and read the key {key!r}", came=got, mend="encode keys once, and decode them once")
            if raw is not None:
                check(raw.get(key) == key.encode(), did=f"looked for the key {key!r} through the side door", came=raw.get(key))
        listed = keys_of(store, "k")
        check(
            listed == sorted(keys, key=str.encode),
            did="listed them",
            came=sorted(set(listed) ^ set(keys)),
            mend="list keys as they were given",
        )
        for key in keys:
            with attempt(did=f"used the URI of {key!r}"):
                got = store.read_bytes(store.uri(key))
            check(got == key.encode(), did=f"read the URI of {key!r}", came=got, mend="quote keys in URIs, and unquote them once")
            store.remove(key)
        check(keys_of(store) == [], did="deleted them one by one", came=keys_of(store))

    @rule("AS-24", severity=2)
    def test_case_makes_a_difference(self, store: ArtifactStore) -> None:
        """Keys that differ in case only are different objects, or the second is refused with `Conflict`."""
        store.write_bytes("case/Aa", b"1")
        try:
            store.write_bytes("case/aA", b"2")
        except Conflict:
            check(store.read_bytes("case/Aa") == b"1", did="wrote a key that differs in case", came=store.read_bytes("case/Aa"))
            return
        got = (store.read_bytes("case/Aa"), store.read_bytes("case/aA"), keys_of(store))
        check(got == (b"1", b"2", ["case/Aa", "case/aA"]), did="wrote two keys that differ in case", came=got, mend="raise Conflict")

    @rule("AS-25", severity=2)
    def test_a_key_and_one_below_it(self, store: ArtifactStore) -> None:
        """A key and a key below it are both kept, or the second is refused with `Conflict`; nothing is lost."""
        for first, second in (("one/x", "one/x/y"), ("two/x/y", "two/x")):
            store.write_bytes(first, b"first")
            top = first.split("/")[0]
            try:
                store.write_bytes(second, b"second")
            except Conflict:
                kept = [first]
            else:
                kept = sorted([first, second], key=str.encode)
            listed = keys_of(store, top)
            check(listed == kept, did=f"wrote {first}, then {second}", came=listed, mend="keep both, or raise Conflict")
            check(store.read_bytes(first) == b"first", did=f"wrote {first}, then {second}", came=store.read_bytes(first))
            store.remove(first)
            left = keys_of(store, top)
            check(left == kept[:0] + [key for key in kept if key != first], did=f"deleted {first}", came=left)

    @rule("AS-47", severity=2)
    def test_paths_are_keys_and_the_working_directory_is_not(self, store: ArtifactStore, tmp_path: Path) -> None:
        """A path object is a key with slashes, and another working directory moves no store."""
        store.write_bytes(PurePosixPath("p", "x"), b"1")
        check(keys_of(store) == ["p/x"], did="wrote at a path object", came=keys_of(store))
        before = os.getcwd()
        os.chdir(tmp_path)
        try:
            with attempt(did="read from another working directory", mend="make paths absolute when the config is validated"):
                got = store.read_bytes(PurePosixPath("p/x"))
            store.write_bytes("p/y", b"2")
        finally:
            os.chdir(before)
        check((got, keys_of(store)) == (b"1", ["p/x", "p/y"]), did="worked from another working directory", came=keys_of(store))

    @rule("AS-17", severity=1)
    def test_the_root_can_be_spelled_in_several_ways(self, store: ArtifactStore, harness: ArtifactStoreHarness) -> None:
        """A root that is spelled otherwise, such as with a slash at its end, is the same root."""
        store.write_bytes("d/x", b"1")
        for number, other in enumerate(harness.spellings(store)):
            with other:
                with attempt(did=f"read through {other!r}"):
                    got = other.read_bytes("d/x")
                    other.write_bytes(f"d/{number}", b"2")
                check(got == b"1" and store.read_bytes(f"d/{number}") == b"2", did=f"read and wrote through {other!r}", came=got)
                check(other.uri("d/x") == store.uri("d/x"), did=f"compared URIs with those of {other!r}", came=other.uri("d/x"))

    @rule("AS-19", severity=1, kind="security")
    def test_a_neighbour_with_the_same_beginning_is_another_store(
        self, store: ArtifactStore, harness: ArtifactStoreHarness, tmp_path: Path
    ) -> None:
        """A store whose root has the same beginning as text is another store: its URIs are refused as keys and as prefixes, and nothing of it is seen."""
        check(list(store.list(store.uri("x").removesuffix("/x"))) == [], did="listed a store by the URI of its root", came="objects")
        with harness.neighbour(store) as other:
            other.write_bytes("x", b"other")
            name = other.uri("x")
            for call in (store.read_bytes, store.stat, store.remove, store.rmtree, lambda key: store.write_bytes(key, b"mine")):
                with raises(InvalidArgument, did=f"used {name} in the store beside it", mend="compare roots by segments"):
                    call(name)
            for uri in (name, name.removesuffix("/x")):  # of an object there, and of its root
                for did, look in _prefix_calls(store, uri, tmp_path):
                    with raises(InvalidArgument, did=f"{did} of {uri} in the store beside it", mend="compare roots by segments"):
                        look()
            check(keys_of(store) == [], did="listed a store with a neighbour", came=keys_of(store), mend="compare roots by segments")
            check(other.read_bytes("x") == b"other", did="looked at the neighbour", came=other.read_bytes("x"))

    @rule("AS-20", severity=1, hooks=("raw",), kind="security")
    def test_a_download_stays_in_its_directory(self, store: ArtifactStore, harness: ArtifactStoreHarness, tmp_path: Path) -> None:
        """Downloading a tree writes nothing outside of its directory, whatever keys another tool stored, and whatever links lie there."""
        raw = harness.raw(store)
        try:
            raw.put("t/../../escaped", b"out")
        except Untested:
            raw.put("t/link/escaped", b"out")
        target = tmp_path / "inner" / "target"
        target.mkdir(parents=True)
        (target / "link").symlink_to(tmp_path)
        with contextlib.suppress(DovetailError):
            store.download_tree("t", target)
        outside = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("escaped") if not path.is_relative_to(target))
        check(
            not outside,
            did="downloaded a tree that leads out",
            came=outside,
            mend="check each target against the directory, links resolved",
        )


def _calls(store: ArtifactStore, key: str, folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the methods that take a key, with it in each place."""
    file = folder / "file"
    file.write_bytes(b"")
    yield "write_bytes", lambda: store.write_bytes(key, b"")
    yield "read_bytes", lambda: store.read_bytes(key)
    yield "stat", lambda: store.stat(key)
    yield "open", lambda: store.open(key)
    yield "open for writing", lambda: store.open(key, "wb")
    yield "remove", lambda: store.remove(key)
    yield "delete", lambda: store.delete([key])
    yield "copyfile from", lambda: store.copyfile(key, "y")
    yield "copyfile to", lambda: store.copyfile("x", key)
    yield "rename from", lambda: store.rename(key, "y")
    yield "rename to", lambda: store.rename("x", key)
    yield "upload", lambda: store.upload(file, key)
    yield "download", lambda: store.download(key, folder / "out")
    yield "uri", lambda: store.uri(key)
    yield "missing", lambda: store.missing([key])
    if key not in ("", "."):  # which stand for the whole store where a prefix is asked for
        yield "rmtree", lambda: store.rmtree(key)
        yield "exists", lambda: store.exists(key)
        yield "list", lambda: list(store.list(key))


def _prefix_calls(store: ArtifactStore, prefix: str, folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the methods that take a prefix."""
    source = folder / "tree"
    source.mkdir(exist_ok=True)
    (source / "new").write_bytes(b"new")
    yield "list", lambda: list(store.list(prefix))
    yield "listdir", lambda: store.listdir(prefix)
    yield "walk", lambda: list(store.walk(prefix))
    yield "glob", lambda: store.glob(f"{prefix}/*")
    yield "exists", lambda: store.exists(prefix)
    yield "isdir", lambda: store.isdir(prefix)
    yield "upload_tree", lambda: store.upload_tree(source, prefix)
    yield "download_tree", lambda: store.download_tree(prefix, folder / "out")
    yield "rmtree", lambda: store.rmtree(prefix)

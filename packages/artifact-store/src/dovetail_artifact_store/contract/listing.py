"""Listings are complete, by segments, and of keys."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from dovetail_artifact_store.contract.failing import must_fail, operations_of
from dovetail_artifact_store.contract.harness import ArtifactStoreHarness
from dovetail_artifact_store.contract.samples import fill, keys_of
from dovetail_artifact_store.interface import ArtifactStore
from dovetail_conformance import Effort, Untested, attempt, check, rule

SEGMENTS = "compare whole segments: the prefix itself, and what begins with it and a slash"


class ListingRules:
    """Rules about listings."""

    @rule("AS-09", severity=1)
    def test_a_prefix_matches_whole_segments(self, store: ArtifactStore) -> None:
        """A prefix matches whole segments: `a/b` is not a prefix of `a/bc` or `a/b.txt`."""
        fill(store, ["a/b/1", "a/b/2/3", "a/bc/1", "a/b.txt", "ab", "c"])
        for prefix in ("a/b", "a/b/"):
            listed = keys_of(store, prefix)
            check(listed == ["a/b/1", "a/b/2/3"], did=f"listed '{prefix}'", came=listed, mend=SEGMENTS)
        for prefix in ("a/", "a/b", "a/b/2"):
            check(store.isdir(prefix), did=f"asked whether there is something below '{prefix}'", came="no")
        for prefix in ("a/b/", "a/b"):
            names = store.listdir(prefix)
            check(names == ["1", "2"], did=f"listed the names in '{prefix}'", came=names, mend=SEGMENTS)
        check(not store.isdir("a/b/1") and not store.isdir("x"), did="asked whether there is something below an object", came="yes")

    @rule("AS-11", severity=1)
    def test_a_listing_is_complete(self, store: ArtifactStore, effort: Effort) -> None:
        """A recursive listing yields every object once, in the order of the keys' bytes, however many pages that takes."""
        page = store.page_size
        counts = effort.pick([0, 1, page + 1], [0, 1, page, page + 1], [0, 1, page - 1, page, page + 1, 2 * page + 1])
        for count in counts:
            prefix = f"many-{count}"
            names = [f"{prefix}/{_name(number)}" for number in range(count)]
            fill(store, names)
            wanted = sorted(names, key=str.encode)
            listed = keys_of(store, prefix)
            did = f"listed {count} objects, where a page has {page}"
            check(sorted(set(listed)) == sorted(wanted), did=did, came=_lost(listed, wanted), mend="follow every page")
            check(len(listed) == len(wanted), did=did, came=f"{len(listed)} keys", mend="yield each key once")
            check(listed == wanted, did=did, came="another order", mend="sort by the UTF-8 bytes of keys")
            shown = len(store.listdir(prefix))
            check(shown == len({_name(number).partition("/")[0] for number in range(count)}), did=did, came=f"{shown} names")

    @rule("AS-14", severity=1)
    def test_what_is_listed_can_be_used(self, store: ArtifactStore) -> None:
        """Every key and URI that a method returns is text, and is accepted by every other method."""
        fill(store, ["d/a", "d/e/b", "d/e/c d"])
        listed = keys_of(store)
        walked = [f"{top}/{name}" if top else name for top, _, names in store.walk() for name in names]
        globbed = store.glob("**/*")
        for source, keys in {"list": listed, "walk": walked, "glob": globbed}.items():
            check(sorted(keys) == ["d/a", "d/e/b", "d/e/c d"], did=f"took the keys of {source}", came=keys)
            for key in keys:
                check(type(key) is str, did=f"took a key of {source}", came=type(key).__name__)
                with attempt(did=f"used the key {key!r} of {source}"):
                    store.stat(key)
                    got = store.read_bytes(key) + store.read_bytes(store.uri(key))
                check(got == key.encode() * 2, did=f"read the key {key!r} of {source} and its URI", came=got)

    @rule("AS-15", severity=2)
    def test_a_listing_is_not_of_itself(self, store: ArtifactStore) -> None:
        """Listing a directory yields neither itself nor an empty name, and walking ends."""
        fill(store, ["d/x", "d/e/y"])
        names = store.listdir("d")
        check(names == ["e", "x"], did="listed the names in d", came=names)
        for key in keys_of(store, "d"):
            check(key.startswith("d/") and not key.endswith("/"), did="listed d", came=key)
        walked = list(islice(store.walk(), 20))
        wanted = [("", ["d"], []), ("d", ["e"], ["x"]), ("d/e", [], ["y"])]
        check(walked == wanted, did="walked the store", came=walked, mend="yield (prefix, directories, objects), top down")
        inner = list(islice(store.walk("d/e"), 20))
        check(inner == [("d/e", [], ["y"])], did="walked d/e", came=inner)

    @rule("AS-16", severity=2, hooks=("raw",))
    def test_a_marker_of_a_directory_is_no_object(self, store: ArtifactStore, harness: ArtifactStoreHarness, tmp_path: object) -> None:
        """An object of no bytes that another tool keeps for a directory is not listed as an object, breaks no download, and is deleted with it."""
        raw = harness.raw(store)
        raw.put("d/", b"")
        raw.put("d/x", b"x")
        with attempt(did="listed and downloaded a directory that another tool marked", mend="leave out keys that end with a slash"):
            listed = keys_of(store, "d")
            names = store.listdir("d")
            store.download_tree("d", f"{tmp_path}/out")
        check((listed, names) == (["d/x"], ["x"]), did="listed a directory that another tool marked", came=(listed, names))
        raw.put("d/e/", b"")
        store.rmtree("d")
        left = (raw.list(), store.exists("d"))
        check(left == ([], False), did="deleted a directory that another tool marked", came=left, mend="delete its markers, too")

    @rule("AS-22", severity=2, hooks=("raw",))
    def test_an_odd_key_of_another_tool_hides_no_other(self, store: ArtifactStore, harness: ArtifactStoreHarness) -> None:
        """A key that another tool made, and that no key of this store can be, breaks no listing of others, and walking ends."""
        raw = harness.raw(store)
        made = 0
        for odd in ("d/a\x01b", "d/e\x01/f", "d//double", "d/" + "o" * 300):
            try:
                raw.put(odd, b"odd")
                made += 1
            except Untested:
                continue
        if not made:
            raise Untested("the backend holds no key that the store refuses")
        fill(store, ["d/a", "d/z"])
        with attempt(did="listed beside keys that another tool made", mend="leave out, or pass on, what is no key; raise nothing"):
            listed = keys_of(store, "d")
            names = store.listdir("d")
            walked = list(islice(store.walk("d"), 20))
        check({"d/a", "d/z"} <= set(listed), did="listed beside keys that another tool made", came=listed)
        check({"a", "z"} <= set(names) and "" not in names, did="listed names beside keys that another tool made", came=names)
        ended = len(walked) < 20 and all("" not in directories for _, directories, _ in walked)
        found = walked[0][0] == "d" and {"a", "z"} <= set(walked[0][2])
        check(
            ended and found, did="walked beside keys that another tool made", came=walked[:4], mend="leave out a directory without a name"
        )

    @rule("AS-29", severity=2, kind="fault", wire=True)
    def test_only_what_is_not_there_does_not_exist(self, store: ArtifactStore, harness: ArtifactStoreHarness) -> None:
        """`exists` and `missing` say no only for what is not there: a refusal or a failure is raised.

        Over a wire every request is answered with 403 and 500; with `syscalls` whatever operations of `os` the call makes raise EACCES and
        EIO.
        """
        store.write_bytes("x", b"x")
        for code in (403, 500) if harness.has("proxy") else ("EACCES", "EIO"):
            for name, call in _looks(store).items():
                did = f"asked {name} while the backend failed with {code}"
                must_fail(_failing_look(harness, store, code, call, name), call, did=did, mend="raise what is not 'not found'")


def _looks(store: ArtifactStore) -> dict[str, Callable[[], object]]:
    return {"exists": lambda: store.exists("x"), "missing": lambda: store.missing(["x"])}


def _failing_look(harness: ArtifactStoreHarness, store: ArtifactStore, code: int | str, call: Callable[[], object], name: str) -> Any:
    import errno

    from dovetail_conformance.instruments import Status

    if harness.has("proxy"):
        return harness.proxy.fault(Status(int(code)), times=None)
    seen = operations_of(harness, store, call, name)
    return harness.syscalls(store).fault(seen, getattr(errno, str(code)), times=None)


def _name(number: int) -> str:
    """Return names at which pages may end badly: with what URLs encode, with directories, with text that is not ASCII."""
    return ("{:05} a+b", "{:05}%2F", "{:05}/x", "\u00fc{:05}", "{:05}")[number % 5].format(number)


def _lost(listed: list[str], wanted: list[str]) -> str:
    missing, extra = sorted(set(wanted) - set(listed)), sorted(set(listed) - set(wanted))
    return f"{len(missing)} missing, such as {missing[:2]}; {len(extra)} that should not be there, such as {extra[:2]}"

"""Deleting."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from dovetail_artifact_store.contract.failing import must_fail, operations_of
from dovetail_artifact_store.contract.harness import ArtifactStoreHarness
from dovetail_artifact_store.contract.listing import SEGMENTS
from dovetail_artifact_store.contract.samples import fill, keys_of
from dovetail_artifact_store.interface import ArtifactStore
from dovetail_conformance import Effort, attempt, check, rule
from dovetail_conformance.instruments import Status


class DeletingRules:
    """Rules about deleting."""

    @rule("AS-10", severity=1)
    def test_deleting_a_prefix_spares_its_neighbours(self, store: ArtifactStore) -> None:
        """Deleting and asking for a prefix go by whole segments: `run/1` is not `run/10`."""
        fill(store, ["run/1/a", "run/1/b/c", "run/10/a", "run/1.txt"])
        for absent in ("run/2", "ru", "run/1/b/cc"):
            check(not store.exists(absent), did=f"asked for {absent}", came="it exists", mend=SEGMENTS)
        for present in ("run", "run/1", "run/1/a"):
            check(store.exists(present), did=f"asked for {present}", came="it does not exist", mend=SEGMENTS)
        store.rmtree("run/1")
        left = keys_of(store)
        check(left == ["run/1.txt", "run/10/a"], did="deleted run/1 and all below it", came=left, mend=SEGMENTS)
        check(not store.exists("run/1"), did="asked for run/1 after deleting it", came="it exists", mend=SEGMENTS)

    @rule("AS-12", severity=1)
    def test_deleting_is_complete(self, store: ArtifactStore, effort: Effort) -> None:
        """Deleting many objects deletes all of them, however many pages that takes."""
        page = store.page_size
        for count in effort.pick([0, page + 1], [0, 1, page + 1], [0, 1, page, page + 1, 2 * page + 1]):
            fill(store, [f"tree/{number:05}" for number in range(count)])
            store.rmtree("tree")
            check(
                keys_of(store) == [],
                did=f"deleted a tree of {count} objects",
                came=f"{len(keys_of(store))} are left",
                mend="go on to the end",
            )
            keys = fill(store, [f"some/{number:05}" for number in range(count)])
            store.delete(keys)
            check(keys_of(store) == [], did=f"deleted {count} objects", came=f"{len(keys_of(store))} are left")

    @rule("AS-58", severity=1, kind="fault", wire=True)
    def test_what_cannot_be_deleted_is_said(self, store: ArtifactStore, harness: ArtifactStoreHarness) -> None:
        """If objects cannot be deleted, an error is raised, and what is left can still be listed and read.

        Over a wire every deletion is answered with 403; with `syscalls` `os.unlink` raises EACCES, or where a deletion unlinks nothing, every
        operation of `os` that changes something.
        """
        keys = fill(store, [f"d/{number}" for number in range(5)])
        for name, call in _deletions(store, keys).items():
            did = f"{name} of 5 objects while the backend refused"
            must_fail(_undeletable(harness, store, call, name), call, did=did, mend="raise the first error")
            left = keys_of(store)
            got = [store.read_bytes(key).decode() for key in left]
            check(left and got == left, did=f"looked at what {name} left after an error", came=got)
            fill(store, keys)

    @rule("AS-32", severity=2)
    def test_deleting_what_is_not_there_succeeds(self, store: ArtifactStore) -> None:
        """Deleting what is not there succeeds, once and again, alone, among others and as a tree."""
        fill(store, ["a", "b"])
        with attempt(did="deleted what is not there", mend="the state that is asked for is there already"):
            store.remove("missing")
            store.remove("a")
            store.remove("a")
            store.delete(["missing", "b", "b", "other"])
            store.rmtree("missing")
        check(keys_of(store) == [], did="deleted a and b among others", came=keys_of(store))


def _deletions(store: ArtifactStore, keys: list[str]) -> dict[str, Callable[[], object]]:
    return {"delete": lambda: store.delete(keys), "rmtree": lambda: store.rmtree("d")}


def _undeletable(harness: ArtifactStoreHarness, store: ArtifactStore, call: Callable[[], object], name: str) -> Any:
    """Let every deletion fail: of files, or where it unlinks none, whatever it changes."""
    if harness.has("proxy"):
        return harness.proxy.fault(
            Status(403), times=None, where=lambda exchange: exchange.method == "DELETE" or "delete" in exchange.query
        )
    gone = keys_of(store)
    seen = operations_of(harness, store, call, name)
    fill(store, gone)
    removing = seen & {"unlink", "remove"}
    return harness.syscalls(store).fault(removing or None, errno.EACCES, times=None)

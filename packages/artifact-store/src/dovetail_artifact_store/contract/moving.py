"""Copying and moving."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from dovetail_artifact_store.capabilities import ArtifactStoreCapability as Capability
from dovetail_artifact_store.contract.failing import failing_changes
from dovetail_artifact_store.contract.harness import ArtifactStoreHarness
from dovetail_artifact_store.contract.holding import look_at_each_step
from dovetail_artifact_store.contract.samples import fill, keys_of, large
from dovetail_artifact_store.contract.stepping import at_each_step
from dovetail_artifact_store.interface import ArtifactStore
from dovetail_conformance import Effort, attempt, check, raises, rule
from dovetail_core.errors import DovetailError, InvalidArgument, NotFound


class MovingRules:
    """Rules about copies and moves."""

    @rule("AS-33", severity=1)
    def test_moving_onto_itself_keeps_the_object(self, store: ArtifactStore) -> None:
        """Copying or moving an object onto itself keeps it, and a tree cannot be moved into itself."""
        fill(store, ["x", "t/a", "t/b/c"])
        with attempt(did="copied and moved an object onto itself"):
            store.copyfile("x", "x")
            store.rename("x", "x")
        check(store.exists("x") and store.read_bytes("x") == b"x", did="copied and moved an object onto itself", came="it is gone")
        for target in ("t/b", "t/new"):
            with raises(InvalidArgument, did=f"moved t to {target}", mend="refuse it before anything is moved"):
                store.rename("t", target)
        with attempt(did="moved a tree onto itself"):
            store.rename("t", "t")
        left = keys_of(store)
        check(left == ["t/a", "t/b/c", "x"], did="listed after moves onto and into itself", came=left)

    @rule("AS-35", severity=2)
    def test_copies_and_moves_replace_and_make_parents(self, store: ArtifactStore) -> None:
        """A copy and a move go to any key, replace what is there, and keep every byte of a large object; a tree keeps its shape."""
        data = large(store)
        store.write_bytes("x", data)
        store.write_bytes("new/deep/y", b"old")
        store.copyfile("x", "new/deep/y")
        check(store.read_bytes("new/deep/y") == data, did="copied a large object over another", came="other bytes")
        store.rename("new/deep/y", "other/place/z")
        check(store.read_bytes("other/place/z") == data, did="moved a large object", came="other bytes")
        check(keys_of(store) == ["other/place/z", "x"], did="listed after a move", came=keys_of(store), mend="delete the source of a move")
        fill(store, ["t/a", "t/b/c"])
        store.rename("t", "moved/t")
        check(keys_of(store, "moved") == ["moved/t/a", "moved/t/b/c"], did="moved a tree", came=keys_of(store, "moved"))
        check(store.read_bytes("moved/t/b/c") == b"t/b/c", did="moved a tree", came=store.read_bytes("moved/t/b/c"))
        check(not store.exists("t"), did="moved a tree", came="the source is still there")

    @rule("AS-34", severity=1, kind="fault", wire=True)
    def test_a_move_that_fails_loses_nothing(self, store: ArtifactStore, harness: ArtifactStoreHarness) -> None:
        """A move that fails at any point loses no object: each is at its source, or whole at its target.

        Over a wire every request that changes something is answered with 500 from the nth on; with `syscalls` every operation of `os` that
        changes something raises EIO from the nth on. n counts up until the move ends before, beyond 39 by larger and larger steps, but up to
        its last; that nothing is seen at the first is an error.
        """
        wanted = [f"{number}" for number in range(3)]

        def reaches(nth: int) -> bool:
            fill(store, [f"from/{name}" for name in wanted])
            with failing_changes(harness, store, nth) as fault:
                try:
                    store.rename("from", "to")
                    ended = True
                except DovetailError:
                    ended = False
                reached: bool = fault.reached()
            lost = [name for name in wanted if b"from/" + name.encode() not in _either(store, name)]
            check(
                not lost,
                did=f"moved three objects; operation {nth} failed",
                came=f"lost: {lost}",
                mend="delete only what is copied and verified",
            )
            left = [name for name in wanted if ended and store.exists(f"from/{name}")]
            check(
                not left,
                did=f"moved three objects; operation {nth} failed and the move said that it succeeded",
                came=f"left behind: {left}",
            )
            store.rmtree("from")
            store.rmtree("to")
            return reached

        at_each_step(reaches, 39)

    @rule("AS-55", severity=2, needs=Capability.ATOMIC_MOVE, kind="race")
    def test_a_move_is_one_step(self, store: ArtifactStore, harness: ArtifactStoreHarness, effort: Effort) -> None:
        """A move is one step: at any moment the object is at its source or at its target, and never at both or at none.

        Objects are moved while another thread looks at both keys. Then a move is held at its nth request, or operation of `os` that changes
        something, and both are looked at; a look that waits for a lock may end when the move goes on.
        """
        if Capability.ATOMIC_MOVE not in store.capabilities:
            from dovetail_core.errors import Unsupported

            raise Unsupported("a move that is not atomic is a copy and a deletion", remedy="declare ATOMIC_MOVE if it is one step")
        wrong = _looks_while_moving(store, effort.pick(20, 50, 200))
        look_at_each_step(
            harness,
            store,
            lambda nth: store.write_bytes(f"from/held-{nth:02}", b"held"),
            lambda nth: store.rename(f"from/held-{nth:02}", f"to/held-{nth:02}"),
            lambda nth: wrong.append(_wrong_place(store, f"held-{nth:02}")),
        )
        check(not any(wrong), did="looked at an object while it was moved", came=next(filter(None, wrong), ""), mend="rename in one step")

    @rule("AS-56", severity=3, needs=Capability.SERVER_COPY, hooks=("proxy",), kind="budget")
    def test_a_copy_moves_no_bytes_through_this_process(self, store: ArtifactStore, harness: ArtifactStoreHarness) -> None:
        """A copy moves no bytes through this process."""
        if Capability.SERVER_COPY not in store.capabilities:
            from dovetail_core.errors import Unsupported

            raise Unsupported("copies go through this process", remedy="declare SERVER_COPY if they do not")
        data = large(store)
        store.write_bytes("x", data)
        mark = harness.proxy.mark()
        store.copyfile("x", "y")
        moved = sum(exchange.request_bytes + exchange.response_bytes for exchange in harness.proxy.since(mark))
        check(moved < len(data) // 2, did=f"copied {len(data)} bytes", came=f"{moved} bytes went through", mend="ask the server to copy")
        check(store.read_bytes("y") == data, did="copied a large object at the server", came="other bytes")


def _looks_while_moving(store: ArtifactStore, count: int) -> list[str]:
    """Move objects, one after the other, and return what another thread saw of each that is being moved."""
    fill(store, [f"from/{number:05}" for number in range(count)])
    now, begun, over = [0], threading.Event(), threading.Event()

    def look() -> list[str]:
        seen = []
        while not over.is_set():
            try:
                seen.append(_wrong_place(store, f"{now[0]:05}"))
            finally:
                begun.set()
        return seen

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        try:
            begun.wait(60)
            for number in range(count):
                now[0] = number
                store.rename(f"from/{number:05}", f"to/{number:05}")
        finally:
            over.set()
        return looking.result(60)


def _wrong_place(store: ArtifactStore, name: str) -> str:
    """Return what is wrong with where an object is, which is moved once: it is looked for in an order in which a move does no harm."""
    source, target = f"from/{name}", f"to/{name}"
    if store.missing([source]) and store.missing([target]):
        return f"it was neither at {source} nor, after that, at {target}"
    if not store.missing([target]) and not store.missing([source]):
        return f"it was at {target} and, after that, at {source}"
    return ""


def _either(store: ArtifactStore, name: str) -> list[bytes]:
    found = []
    for key in (f"from/{name}", f"to/{name}"):
        try:
            found.append(store.read_bytes(key))
        except NotFound:
            continue
    return found

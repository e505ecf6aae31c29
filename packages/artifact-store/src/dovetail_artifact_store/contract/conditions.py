"""Writes that demand something of what is there."""

from __future__ import annotations

import threading
from typing import Any

from dovetail_artifact_store.capabilities import ArtifactStoreCapability as Capability
from dovetail_artifact_store.contract.harness import ArtifactStoreHarness
from dovetail_artifact_store.contract.holding import OVERTAKING, holds
from dovetail_artifact_store.contract.samples import keys_of, large
from dovetail_artifact_store.contract.stepping import at_each_step
from dovetail_artifact_store.interface import ArtifactStore
from dovetail_conformance import Effort, attempt, check, raises, rule
from dovetail_conformance.instruments import ResetAfter, workers
from dovetail_core.errors import AlreadyExists, Conflict, Unsupported

_MEND = "let the backend decide, in the step that publishes the object"


class ConditionRules:
    """Rules about conditional writes."""

    @rule("AS-36", severity=1, needs=Capability.CONDITIONAL_PUT, kind="race")
    def test_of_several_that_create_one_key_one_wins(self, store: ArtifactStore, harness: ArtifactStoreHarness, effort: Effort) -> None:
        """Of several writers that demand that a key is free exactly one succeeds; the others get `AlreadyExists`, and the object is the winner's.

        Eight create a key at once, several times. Then one is held at its nth request, or operation of `os` that changes something, while
        another creates the key; one that waits for a lock may end when the first goes on.
        """
        store.write_bytes("k", b"mine", if_absent=True)
        for body in (b"other", large(store)):
            with raises(AlreadyExists, did="created a key that is taken", mend=_MEND):
                store.write_bytes("k", body, if_absent=True)
            with raises(AlreadyExists, did="created a key that is taken, by a writer", mend=_MEND), store.open("k", "xb") as writer:
                writer.write(body)
        check(store.read_bytes("k") == b"mine", did="created a key that is taken", came=store.read_bytes("k"), mend=_MEND)
        for number in range(effort.pick(3, 10, 50)):
            bodies = [f"{number}-{writer}".encode() * 10 for writer in range(8)]
            results = workers(lambda body, key=f"race/{number}": store.write_bytes(key, body, if_absent=True), [(body,) for body in bodies])
            _one_winner(store, f"race/{number}", bodies, results, f"created one key {len(bodies)} times at once")
        for number, body in enumerate((b"small", large(store))):
            _overtaken(store, harness, f"held/{number}", body)

    @rule("AS-38", severity=1, needs=Capability.CONDITIONAL_PUT, hooks=("proxy",), kind="fault")
    def test_a_lost_answer_to_a_creation_is_found_out(self, store: ArtifactStore, harness: ArtifactStoreHarness) -> None:
        """If the answer to a write that demands a free key is lost, the retry finds out that the object is its own, and succeeds."""
        for number, body in enumerate((b"small", large(store))):
            key = f"k{number}"
            if Capability.CONDITIONAL_PUT not in store.capabilities:
                store.write_bytes(key, body, if_absent=True)
            changing = harness.proxy.fault(
                ResetAfter(), where=lambda exchange: exchange.method in ("PUT", "POST"), nth=_last_change(harness, store, body)
            )
            with (
                changing,
                attempt(did="created an object; it was applied, the answer was lost", mend="compare what is there with what was sent"),
            ):
                store.write_bytes(key, body, if_absent=True)
            check(store.read_bytes(key) == body, did="created an object, and the answer was lost", came="other bytes")

    @rule("AS-52", severity=1, needs=Capability.CONDITIONAL_REPLACE)
    def test_a_replacement_wants_the_object_that_it_knows(self, store: ArtifactStore) -> None:
        """A write that demands an etag replaces that object only: any other, or none, is a `Conflict`."""
        first = store.write_bytes("x", b"1")
        second = store.write_bytes("x", b"2", if_match=first.etag)
        with raises(Conflict, did="replaced an object that had changed", mend=_MEND):
            store.write_bytes("x", b"3", if_match=first.etag)
        check(store.read_bytes("x") == b"2", did="replaced an object that had changed", came=store.read_bytes("x"))
        with raises(Conflict, did="replaced an object that is not there", mend=_MEND):
            store.write_bytes("missing", b"3", if_match=second.etag)
        with attempt(did="replaced an object by a large one"):
            store.write_bytes("x", large(store), if_match=store.stat("x").etag)
        check(keys_of(store) == ["x"], did="listed after conditional writes", came=keys_of(store))

    @rule("AS-62", severity=1, needs=Capability.CONDITIONAL_REPLACE)
    def test_a_large_replacement_wants_the_object_that_it_knows(self, store: ArtifactStore) -> None:
        """A large object, however it is transferred, replaces only the object whose etag it demands."""
        first = store.write_bytes("x", b"1")
        kept = store.write_bytes("x", b"2", if_match=first.etag)
        with raises(Conflict, did="replaced an object that had changed by a large one", mend=_MEND):
            store.write_bytes("x", large(store), if_match=first.etag)
        check(store.read_bytes("x") == b"2", did="replaced an object that had changed by a large one", came="other bytes", mend=_MEND)
        with attempt(did="replaced an object by a large one, and that by a small one"):
            replaced = store.write_bytes("x", large(store), if_match=kept.etag)
            store.write_bytes("x", b"3", if_match=replaced.etag)

    @rule("AS-61", severity=1, needs=Capability.CONDITIONAL_REPLACE, kind="race")
    def test_of_several_replacements_of_one_object_one_wins(self, store: ArtifactStore) -> None:
        """Of several writers that replace the same object, each demanding its etag, exactly one succeeds; the others get `Conflict`."""
        etag = store.write_bytes("x", b"before").etag  # an etag may be a digest: what a writer writes must have another one
        store.write_bytes("y", b"0", if_match=store.write_bytes("y", b"first").etag)
        bodies = [f"{number}".encode() for number in range(8)]
        results = workers(lambda body: store.write_bytes("x", body, if_match=etag), [(body,) for body in bodies])
        won = [body for body, result in zip(bodies, results, strict=True) if not isinstance(result, BaseException)]
        wrong = [
            f"{type(error).__name__}: {error}" for error in results if isinstance(error, BaseException) and not isinstance(error, Conflict)
        ]
        check(not wrong, did="replaced one object eight times at once", came="; ".join(wrong[:2]), mend="the losers get Conflict")
        check(len(won) == 1, did="replaced one object eight times at once", came=f"{len(won)} succeeded", mend=_MEND)
        check(store.read_bytes("x") == won[0], did="read what the winner wrote", came=store.read_bytes("x"))

    @rule("AS-37", severity=1)
    def test_what_is_not_declared_is_refused_and_not_imitated(self, store: ArtifactStore) -> None:
        """What a store does not declare raises `Unsupported` before anything is done: there is no imitation by several steps."""
        calls: dict[Any, Any] = {
            Capability.CONDITIONAL_PUT: [lambda: store.write_bytes("p", b"", if_absent=True), lambda: store.open("p", "xb").close()],
            Capability.CONDITIONAL_REPLACE: [lambda: store.write_bytes("r", b"", if_match="0")],
            Capability.USER_METADATA: [lambda: store.write_bytes("u", b"", metadata={"a": "b"})],
            Capability.EMPTY_DIRECTORIES: [lambda: store.mkdir("d"), lambda: store.makedirs("d/e")],
            Capability.PRESIGN: [lambda: store.presign("x")],
        }
        for capability in calls.keys() - store.capabilities:
            for call in calls[capability]:
                mend = f"raise Unsupported, or declare {capability.name}"
                with raises(Unsupported, did=f"used {capability.name}, which is not declared", mend=mend):
                    call()
        check(keys_of(store) == [], did="used what is not declared", came=keys_of(store), mend="refuse it before anything is done")


def _one_winner(store: ArtifactStore, key: str, bodies: list[bytes], results: list[object], did: str) -> None:
    won = [body for body, result in zip(bodies, results, strict=True) if not isinstance(result, BaseException)]
    lost = [result for result in results if isinstance(result, BaseException)]
    wrong = [f"{type(error).__name__}: {error}" for error in lost if not isinstance(error, AlreadyExists)]
    check(not wrong, did=did, came="; ".join(wrong[:3]), mend="the losers get AlreadyExists")
    check(len(won) == 1, did=did, came=f"{len(won)} of {len(bodies)} succeeded", mend=_MEND)
    check(store.read_bytes(key) == won[0], did=f"{did}, and read it", came="other bytes than the winner's", mend=_MEND)


def _overtaken(store: ArtifactStore, harness: ArtifactStoreHarness, key: str, body: bytes) -> None:
    """Hold a writer at each of its steps in turn while another creates the key, so that the race is certain.

    A flavor that publishes under a lock lets the other one wait: then the first goes on, and one of them has to lose all the same.
    """

    def reaches(nth: int) -> bool:
        name, did = f"{key}/{nth}", f"created one key twice at once, the first writer held at its step {nth}"
        for fault in holds(harness, store, nth):
            writers = [_Creation(store, name, each) for each in (body, b"overtook")]
            with fault:
                writers[0].start()
                while not fault.fired and writers[0].is_alive():
                    writers[0].join(0.005)
                reached: bool = fault.reached()
                if reached:
                    writers[1].start()
                    writers[1].join(OVERTAKING)
                fault.release()
                for writer in writers if reached else writers[:1]:
                    writer.join(60)
            if reached:
                _one_winner(store, name, [writer.body for writer in writers], [writer.result for writer in writers], did)
            return reached
        return False

    at_each_step(reaches, 11)


class _Creation(threading.Thread):
    """Creates a key; `result` is what came of it, or the exception."""

    def __init__(self, store: ArtifactStore, key: str, body: bytes) -> None:
        super().__init__(daemon=True)
        self._store = store
        self._key = key
        self.body = body
        self.result: object = TimeoutError("it did not end within 60 seconds after the held one went on")

    def run(self) -> None:
        try:
            self.result = self._store.write_bytes(self._key, self.body, if_absent=True)
        except Exception as error:
            self.result = error


def _last_change(harness: ArtifactStoreHarness, store: ArtifactStore, body: bytes) -> int:
    """Return how many changing requests a creation of these bytes makes: the last one publishes it."""
    mark = harness.proxy.mark()
    store.write_bytes("probe/x", body, if_absent=True)
    store.remove("probe/x")
    changing = [exchange for exchange in harness.proxy.since(mark) if exchange.method in ("PUT", "POST") and "delete" not in exchange.query]
    return max(1, len(changing))

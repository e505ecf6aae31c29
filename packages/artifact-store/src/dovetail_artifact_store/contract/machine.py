"""Whatever is done, a store is a dictionary of bytes."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant
from hypothesis.stateful import rule as step

from dovetail_artifact_store.contract.harness import ArtifactStoreHarness
from dovetail_artifact_store.interface import ArtifactStore
from dovetail_conformance import Effort, rule, run_machine
from dovetail_core.errors import Conflict, NotFound

_SEGMENT = st.sampled_from(["a", "ab", "a.b", "\u00e9 +"])
_KEY = st.lists(_SEGMENT, min_size=1, max_size=3).map("/".join)
_DATA = st.binary(max_size=40)


class MachineRules:
    """The rule about everything at once."""

    @rule("AS-51", severity=1, kind="machine")
    def test_a_store_is_a_dictionary_of_bytes(self, harness: ArtifactStoreHarness, effort: Effort, seed: int) -> None:
        """Whatever sequence of operations is done, a store holds what a dictionary of bytes would hold."""
        run_machine(lambda: StoreMachine(harness.make()), effort, seed, harness=harness)


class StoreMachine(RuleBasedStateMachine):
    """Does the same to a store and to a dictionary, and compares."""

    def __init__(self, store: ArtifactStore) -> None:
        super().__init__()
        self.store = store
        self.held: dict[str, bytes] = {}

    def teardown(self) -> None:
        self.store.close()

    def may_conflict(self, key: str) -> bool:
        """Tell whether a key is below another, or above."""
        return any(other.startswith(f"{key}/") or key.startswith(f"{other}/") for other in self.held)

    def put(self, key: str, data: bytes, call: Any) -> None:
        try:
            call()
        except Conflict:
            assert self.may_conflict(key), f"writing '{key}' was a conflict, beside {sorted(self.held)}"
        else:
            self.held[key] = data

    @step(key=_KEY, data=_DATA)
    def write(self, key: str, data: bytes) -> None:
        self.put(key, data, lambda: self.store.write_bytes(key, data))

    @step(key=_KEY, data=_DATA)
    def stream(self, key: str, data: bytes) -> None:
        def write() -> None:
            with self.store.open(key, "wb") as writer:
                writer.write(data[:7])
                writer.write(data[7:])

        self.put(key, data, write)

    @step(key=_KEY)
    def remove(self, key: str) -> None:
        self.store.remove(key)
        self.held.pop(key, None)

    @step(prefix=_KEY)
    def remove_tree(self, prefix: str) -> None:
        self.store.rmtree(prefix)
        self.held = {key: data for key, data in self.held.items() if key != prefix and not key.startswith(f"{prefix}/")}

    @step(source=_KEY, goal=_KEY)
    def copy(self, source: str, goal: str) -> None:
        if source in self.held:
            self.put(goal, self.held[source], lambda: self.store.copyfile(source, goal))
            return
        try:
            self.store.copyfile(source, goal)
        except NotFound:
            return
        raise AssertionError(f"'{source}' was copied, which is not there")

    @step(key=_KEY, start=st.integers(0, 45), length=st.integers(0, 45))
    def read_a_range(self, key: str, start: int, length: int) -> None:
        if key in self.held:
            assert self.store.read_bytes(key, start, start + length) == self.held[key][start : start + length]

    @step(prefix=_KEY)
    def look(self, prefix: str) -> None:
        below = sorted((key for key in self.held if key.startswith(f"{prefix}/")), key=str.encode)
        assert [info.key for info in self.store.list(prefix)] == below
        assert self.store.isdir(prefix) or not below
        assert self.store.exists(prefix) or not (below or prefix in self.held)
        assert self.store.missing([prefix]) == (set() if prefix in self.held else {prefix})

    @invariant()
    def everything_is_there(self) -> None:
        """Compare all keys, sizes and bytes."""
        listed = {info.key: info.size for info in self.store.list()}
        assert listed == {key: len(data) for key, data in self.held.items()}
        assert {key: self.store.read_bytes(key) for key in listed} == self.held

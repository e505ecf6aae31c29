"""Whatever is done to a store, it holds what a dict would hold."""

from __future__ import annotations

import shutil
import tempfile

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dovetail_artifact_store import LocalArtifactStore
from dovetail_core import Conflict, NotFound

SEGMENT = st.sampled_from(["a", "ab", "a.b"])  # few, so that keys meet each other
KEY = st.lists(SEGMENT, min_size=1, max_size=3).map("/".join)
DATA = st.binary(max_size=30)


class StoreAsADict(RuleBasedStateMachine):
    """The oracle is a dict of bytes, with the rule of file systems that a key and one below it exclude each other."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp()
        self.store = LocalArtifactStore(path=f"{self.folder}/store")
        self.model: dict[str, bytes] = {}

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def excluded(self, key: str) -> bool:
        """Only objects that are there exclude others: a directory that was emptied is no obstacle."""
        return any(key.startswith(f"{other}/") or other.startswith(f"{key}/") for other in self.model)

    def put(self, key: str, data: bytes) -> None:
        self.model[key] = data

    @rule(key=KEY, data=DATA)
    def write(self, key: str, data: bytes) -> None:
        try:
            self.store.write_bytes(key, data)
        except Conflict:
            assert self.excluded(key)
        else:
            self.put(key, data)

    @rule(key=KEY)
    def read(self, key: str) -> None:
        try:
            assert self.store.read_bytes(key) == self.model[key]
        except (NotFound, Conflict):
            assert key not in self.model

    @rule(key=KEY)
    def remove(self, key: str) -> None:
        self.store.remove(key)
        self.model.pop(key, None)

    @rule(prefix=KEY)
    def remove_tree(self, prefix: str) -> None:
        self.store.rmtree(prefix)
        self.model = {key: data for key, data in self.model.items() if key != prefix and not key.startswith(f"{prefix}/")}

    @rule(source=KEY, other=KEY)
    def copy(self, source: str, other: str) -> None:
        try:
            self.store.copyfile(source, other)
        except (NotFound, Conflict):
            assert source not in self.model or self.excluded(other)
        else:
            self.put(other, self.model[source])

    @rule(prefix=KEY)
    def list_below(self, prefix: str) -> None:
        expected = sorted((key for key in self.model if key.startswith(f"{prefix}/")), key=str.encode)
        assert [info.key for info in self.store.list(prefix)] == expected

    @invariant()
    def everything_is_there(self) -> None:
        assert [info.key for info in self.store.list()] == sorted(self.model, key=str.encode)


StoreAsADict.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestStoreAsADict = StoreAsADict.TestCase

"""What is given to a store is looked at before anything is done, and means the same to every flavor."""

from __future__ import annotations

import array
import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dovetail_artifact_store import ArtifactStore, InMemoryArtifactStore, LocalArtifactStore
from dovetail_artifact_store.memory import forget
from dovetail_core import InvalidArgument

DOUBLES = array.array("d", [1.0, 2.0, 3.0])


@pytest.fixture(params=["memory", "local"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ArtifactStore]:
    made = InMemoryArtifactStore(space="arguments") if request.param == "memory" else LocalArtifactStore(path=tmp_path / "store")
    with made:
        yield made
    forget("arguments")


@pytest.mark.parametrize(
    "data",
    [
        memoryview(DOUBLES),
        DOUBLES,
        bytearray(b"bytes"),
        memoryview(b"ab" * 8).cast("H", (2, 4)),
        array.array("d"),
        memoryview(b"abcdef")[::2],
    ],
)
def test_whatever_holds_bytes_is_written_as_its_bytes(store: ArtifactStore, data: Any) -> None:
    wanted = memoryview(data).tobytes()
    info = store.write_bytes("x", data)
    with store.open("y", "wb") as writer:
        writer.write(data)
    assert store.read_bytes("x") == store.read_bytes("y") == wanted
    assert (info.size, info.digest) == (len(wanted), store.digest_of("x"))


@pytest.mark.parametrize("data", ["text", None, 3, ["a"]])
def test_what_holds_no_bytes_is_refused(store: ArtifactStore, data: Any) -> None:
    with pytest.raises(InvalidArgument, match=f"'x' .*{type(data).__name__}"):
        store.write_bytes("x", data)
    assert not store.exists("x")


@pytest.mark.parametrize(("start", "end"), [(0, -2), (-5, -2), (3, -1), (0, -10), (2, -100), (-100, -100), (8, -5)])
def test_both_bounds_of_a_range_count_from_the_end_as_those_of_a_slice(store: ArtifactStore, start: int, end: int) -> None:
    data = bytes(range(10))
    store.write_bytes("x", data)
    assert store.read_bytes("x", start, end) == store.filesystem().cat_file("x", start, end) == data[start:end]


@pytest.mark.parametrize("metadata", [{"epoch": 3}, {3: "epoch"}, {"": "x"}, {"epoch": None}, {"lone": "\ud800"}, {"\ud800": "lone"}])
def test_entries_that_are_no_text_are_refused(metadata: Any) -> None:
    with InMemoryArtifactStore(space="entries") as store:
        with pytest.raises(InvalidArgument, match="entry"):
            store.write_bytes("x", b"x", metadata=metadata)
        assert not store.exists("x")


@pytest.mark.parametrize("mode", ["w", "r"])
@pytest.mark.parametrize("options", [{"encoding": "nope"}, {"newline": "x"}])
def test_an_encoding_that_does_not_exist_is_refused(
    store: ArtifactStore, mode: str, options: Any, recwarn: pytest.WarningsRecorder
) -> None:
    store.write_bytes("x", b"old")
    gc.collect()  # what tests before this one left behind warns now
    recwarn.clear()
    with pytest.raises(InvalidArgument, match=r"'nope'|'x'"):
        store.open("x", mode, **options)
    assert store.read_bytes("x") == b"old"
    gc.collect()
    others = ImportWarning  # of finders that something else brought, by the search for the encoding
    assert [str(warning.message) for warning in recwarn if warning.category is not others] == []


def test_a_file_whose_name_is_no_text_is_refused_before_anything_is_uploaded(store: ArtifactStore, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_bytes(b"a")
    with open(os.fsencode(source) + b"/caf\xe9", "wb"):
        pass
    with pytest.raises(InvalidArgument, match="surrogate"):
        store.upload_tree(source, "t")
    assert list(store.list()) == []


def test_a_pattern_may_be_a_uri(store: ArtifactStore) -> None:
    for key in ("d/a b", "d/x", "d/[1]", "e/x", "d?/x"):
        store.write_bytes(key, b"")
    assert store.glob(f"{store.uri('d')}/*") == store.glob("d/*") == ["d/[1]", "d/a b", "d/x"]
    assert store.glob(f"{store.uri('d')}/a%20*") == ["d/a b"]
    assert store.glob(store.uri("d/[1]")) == ["d/[1]"]
    assert store.glob(f"{store.uri('d?')}/*") == ["d?/x"]
    root = store.uri("d").removesuffix("/d")
    assert store.glob(f"{root}/*/x") == ["d/x", "d?/x", "e/x"]
    with pytest.raises(InvalidArgument):
        store.glob(f"{root}b/*")


@pytest.mark.parametrize("key", ["ab", Path("ab")])
def test_one_key_where_several_are_due_is_refused_and_not_taken_for_its_letters(store: ArtifactStore, key: Any) -> None:
    for name in ("a", "b", "ab"):
        store.write_bytes(name, b"1")
    for call in (store.delete, store.missing):
        with pytest.raises(InvalidArgument, match="'ab' is one key, where several are due"):
            call(key)
    assert [info.key for info in store.list()] == ["a", "ab", "b"]

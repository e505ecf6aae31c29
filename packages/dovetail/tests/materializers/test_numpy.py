"""Arrays come back with shape, dtype and order, without needless copies."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from dovetail.materializers import Registry, load, save
from dovetail_artifact_store import LocalArtifactStore
from dovetail_core import ConfigError

np = pytest.importorskip("numpy", reason="numpy is optional")
pytestmark = [
    pytest.mark.filterwarnings("ignore:Stored array in format"),
    pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning"),
]
MIB = 1 << 20
BIG = np.arange(3 * MIB, dtype=np.float64)

ARRAYS = {
    "one dimension": np.arange(5),
    "no dimension": np.array(3.5),
    "empty": np.zeros((0, 3)),
    "zero width": np.zeros(3, "U0"),
    "three dimensions": np.arange(24).reshape(2, 3, 4),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "strided": np.arange(20).reshape(4, 5)[::2, ::-2],
    "transposed in three dimensions": np.arange(24).reshape(2, 3, 4).transpose(1, 2, 0),
    "read only": np.broadcast_to(np.arange(3), (4, 3)),
    "big endian": np.arange(3, dtype=">i4"),
    "booleans": np.array([True, False]),
    "complex": np.array([1j, complex("nan")]),
    "half": np.array([0.1], dtype=np.float16),
    "text": np.array(["é", "bc"]),
    "bytes": np.array([b"a", b"bc"]),
    "dates": np.array(["2026-01-01", "NaT"], dtype="M8[ns]"),
    "structured": np.array([(1, 2.5, "x")], dtype=[("a", "i4"), ("b", "f8", (1,)), ("c", "U1")]),
    "structured, names beyond latin": np.array([(1,)], dtype=[("名", "i4")]),
    "structured, aligned": np.zeros(2, dtype=np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    "structured, very many fields": np.zeros(1, dtype=[(f"a_long_name_of_a_field_{index}", "i1") for index in range(3000)]),
    "big": BIG,
    "big fortran": np.asfortranarray(BIG.reshape(3, MIB)),
    "big strided": BIG.reshape(3 * 1024, 1024)[:, ::2],
    "big dates": BIG.astype("M8[s]"),
    "one huge row, strided": np.arange(8 * MIB, dtype=np.int32)[::2].reshape(1, -1),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_comes_back_as_it_was(round_trip: Any, name: str) -> None:
    array = ARRAYS[name]
    back = round_trip(array)
    assert type(back) is np.ndarray
    assert back.dtype == array.dtype and back.shape == array.shape
    np.testing.assert_array_equal(back, array)
    if array.flags.f_contiguous != array.flags.c_contiguous:
        assert back.flags.f_contiguous == array.flags.f_contiguous


@pytest.mark.parametrize("name", ARRAYS)
def test_the_file_is_one_that_numpy_reads(store: LocalArtifactStore, registry: Registry, name: str) -> None:
    artifact = save(ARRAYS[name], store, "a", registry=registry)
    np.testing.assert_array_equal(np.load(store.local_path(artifact.key), max_header_size=1 << 20), ARRAYS[name])
    assert artifact.format == "npy/1"
    assert artifact.metadata == {"shape": list(ARRAYS[name].shape), "dtype": str(ARRAYS[name].dtype)}


def test_a_structured_scalar_comes_back(round_trip: Any) -> None:
    value = ARRAYS["structured"][0]
    back = round_trip(value)
    assert type(back) is np.void and back == value and back.dtype == value.dtype


def test_a_mapped_array_is_stored_as_the_array_it_is(round_trip: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(5))
    np.testing.assert_array_equal(round_trip(np.load(tmp_path / "a.npy", mmap_mode="r")), np.arange(5))


def test_a_big_array_is_mapped_and_what_a_step_changes_in_it_stays_with_the_step(store: LocalArtifactStore, registry: Registry) -> None:
    artifact = save(BIG, store, "a", registry=registry)
    tracemalloc.start()
    one = load(artifact, store, registry=registry)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < BIG.nbytes / 10
    one[:] = -1
    np.testing.assert_array_equal(load(artifact, store, registry=registry), BIG)


@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_saving_a_big_array_makes_no_copy_of_it(order: str, store: LocalArtifactStore, registry: Registry) -> None:
    array = np.zeros((8, 16 * MIB), dtype=np.uint8)
    array = {"C": array, "F": array.T, "strided": array[:, ::2]}[order]
    tracemalloc.start()
    save(array, store, "a", registry=registry)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < array.nbytes * 0.3


class Labelled(np.ndarray):  # type: ignore[misc,name-defined]
    """A subclass that numpy's format does not keep."""


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.array([1, "x"], dtype=object), "Python objects"),
        (np.array([(1, None)], dtype=[("a", "i4"), ("b", object)]), "Python objects"),
        (np.ma.masked_array([1, 2], mask=[True, False]), r"numpy\.asarray"),
        (np.arange(3).view(Labelled), r"numpy\.asarray"),
        (np.zeros((1, 1)).view(np.matrix), r"numpy\.asarray"),
        (np.rec.array([(1, 2)], names="a,b"), r"numpy\.asarray"),
    ],
    ids=["objects", "objects inside", "masked", "subclass", "matrix", "records"],
)
def test_what_the_format_does_not_keep_is_refused(store: LocalArtifactStore, registry: Registry, value: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        save(value, store, "a", registry=registry)
    assert list(store.list()) == []


def test_an_array_of_objects_is_pickled_where_that_is_allowed(store: LocalArtifactStore, pickling: Registry) -> None:
    artifact = save(np.array([1, "x"], dtype=object), store, "a", registry=pickling)
    assert artifact.materializer == "pickle"
    assert load(artifact, store, registry=pickling).tolist() == [1, "x"]


def test_a_dtype_of_another_library_is_refused_and_does_not_come_back_as_raw_bytes(store: LocalArtifactStore, registry: Registry) -> None:
    dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes, which defines bfloat16, is optional")
    with pytest.raises(ConfigError, match="does not keep the dtype bfloat16"):
        save(np.zeros(3, dtypes.bfloat16), store, "a", registry=registry)

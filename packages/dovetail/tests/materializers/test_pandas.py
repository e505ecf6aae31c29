"""pandas data frames and series come back unchanged from Parquet, or are refused."""

from __future__ import annotations

import datetime
import decimal
import uuid
from typing import Any

import pytest

from dovetail.materializers import Registry, load, save
from dovetail_artifact_store import LocalArtifactStore
from dovetail_core import ConfigError

np = pytest.importorskip("numpy", reason="numpy is optional")
pd = pytest.importorskip("pandas", reason="pandas is optional")
pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow, which pandas needs for Parquet, is optional")


def of(values: Any, **options: Any) -> Any:
    return pd.DataFrame({"a": values}, **options)


def with_attrs() -> Any:
    frame = of([1])
    frame.attrs = {"source": {"year": 2026}}
    return frame


FRAMES = {
    "numbers": pd.DataFrame({"i": [1, 2], "f": [0.5, np.nan], "b": [True, False], "u": np.array([1, 2], "u1")}),
    "half": of(np.array([1, 2], "f2")),
    "no rows": of(np.array([], "f4")),
    "no columns": pd.DataFrame(index=[1, 2]),
    "nothing": pd.DataFrame(),
    "text": of(["x", None, "é"]),
    "nullable": of(pd.array([1, None], dtype="Int64")),
    "objects of text": of(pd.Series(["x", "y"], dtype=object)),
    "objects of text and None": of(pd.Series(["x", None], dtype=object)),
    "objects of text and NaN": of(pd.Series(["x", np.nan], dtype=object)),
    "objects, empty": of(pd.Series([], dtype=object)),
    "objects of bytes": of([b"a", b"b"]),
    "objects of booleans": of(pd.Series([True, None], dtype=object)),
    "objects of dates": of([datetime.date(2026, 1, 1)]),
    "objects of decimals": of([decimal.Decimal("1.10")]),
    "objects of integers": of(pd.Series([1, 2], dtype=object)),
    "objects of arrays": of([np.array([1, 2]), np.array([3])]),
    "dicts with the same keys": of([{"x": 1}, {"x": 2}]),
    "times": of(pd.to_datetime(["2026-01-01", None])),
    "times in nanoseconds": of(pd.to_datetime([1]).as_unit("ns")),
    "times in a zone": of(pd.date_range("2026", periods=2, tz="Europe/Berlin")),
    "durations": of(pd.to_timedelta([1, 2])),
    "periods": of(pd.period_range("2026", periods=2, freq="M")),
    "intervals": of(pd.interval_range(0, 2)),
    "categories": of(pd.Categorical(["b", "a"], categories=["c", "b", "a"])),
    "categories, ordered, with missing": of(pd.Categorical(["b", None], categories=["b", "a"], ordered=True)),
    "categories of numbers": of(pd.Categorical([3, 1], categories=[3, 2, 1])),
    "categories of times": of(pd.Categorical(pd.to_datetime(["2026-01-02", "2026-01-01"]))),
    "two categories and an index of them": pd.DataFrame(
        {"a": pd.Categorical([1, 2]), "b": pd.Categorical(["x", "y"])}, index=pd.CategoricalIndex([2.5, 1.5], name="k")
    ),
    "index of a range": of([1, 2], index=pd.RangeIndex(5, 9, 2, name="r")),
    "index of text": of([1, 2], index=["x", "y"]),
    "index of objects": of([1, 2], index=pd.Index(["x", "y"], dtype=object)),
    "index of times with a frequency": of([1.0, 2.0], index=pd.date_range("2026", periods=2, freq="D", name="day")),
    "index of levels": of([1, 2], index=pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["k", None])),
    "labels that are numbers": pd.DataFrame([[1, 2]]),
    "labels that are times": pd.DataFrame([[1, 2]], columns=pd.date_range("2026", periods=2)),
    "labels of levels": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", "y"])),
    "labels with a name": pd.DataFrame([[1]], columns=pd.Index(["x"], name="n")),
    "labels of objects": pd.DataFrame([[1]], columns=pd.Index(["x"], dtype=object)),
    "attrs": with_attrs(),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_comes_back_unchanged(round_trip: Any, name: str) -> None:
    frame = FRAMES[name]
    back = round_trip(frame)
    pd.testing.assert_frame_equal(back, frame, check_freq=True, check_exact=True)
    assert back.attrs == frame.attrs
    for axis in ("index", "columns"):
        assert type(getattr(back, axis)) is type(getattr(frame, axis))
        assert getattr(getattr(back, axis), "freq", None) == getattr(getattr(frame, axis), "freq", None)
    for label in frame.columns[[dtype == np.dtype(object) for dtype in frame.dtypes]]:
        assert list(map(type, back[label])) == list(map(type, frame[label]))


@pytest.mark.parametrize("name", [None, "x", 3, True])
def test_a_series_comes_back_with_its_name(round_trip: Any, name: Any) -> None:
    series = pd.Series([1.5, 2.5], index=["p", "q"], name=name)
    back = round_trip(series)
    pd.testing.assert_series_equal(back, series)
    assert type(back.name) is type(name)


def test_saving_leaves_the_frame_as_it_is(store: LocalArtifactStore, registry: Registry) -> None:
    series = pd.Series([1], name="x")
    save(series, store, "a", registry=registry)
    assert series.name == "x" and series.attrs == {}


def test_the_file_is_parquet_that_other_tools_read(store: LocalArtifactStore, registry: Registry) -> None:
    artifact = save(FRAMES["numbers"], store, "a", registry=registry)
    assert pq.read_table(store.local_path(artifact.key)).column_names == ["i", "f", "b", "u"]
    assert artifact.format == "parquet/1"
    assert artifact.metadata == {"rows": 2, "column_count": 4, "columns": {"i": "int64", "f": "float64", "b": "bool", "u": "uint8"}}


def test_equal_frames_have_equal_digests(digest: Any) -> None:
    assert digest(FRAMES["categories"].copy()) == digest(FRAMES["categories"])
    assert digest(FRAMES["categories"]) != digest(FRAMES["categories, ordered, with missing"])


class Table(pd.DataFrame):  # type: ignore[misc,name-defined]
    """A subclass, of which Parquet knows nothing."""


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (of([[1, 2], [3]]), "change the values in column 'a'"),
        (of([(1,), (2,)]), "change the values in column 'a'"),
        (of([{"x": 1}, {"y": 2}]), "change the values in column 'a'"),
        (of([1, "x"]), "Parquet cannot hold it: .*column a"),
        (of(pd.Series([None, float("nan"), "x"], dtype=object)), "missing values in column 'a'"),
        (of(pd.Series([2**60 + 1, None], dtype=object)), "change the values in column 'a'"),
        (of([1j]), "Parquet cannot hold it: .*column a"),
        (of(pd.arrays.SparseArray([0, 1])), "Parquet cannot hold it: .*Sparse"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "unique"),
        (pd.DataFrame([[1, 2]], columns=[1, "a"]), "labels of one type"),
        (of([1, 2], index=pd.Index([1, "x"], dtype=object)), "its index holds objects"),
        (Table({"a": [1]}), "subclass"),
        (pd.Series([1], name=("a", 1)), "name of the series"),
    ],
    ids=lambda value: value.replace(" ", "-")[:30] if isinstance(value, str) else "",
)
def test_what_parquet_would_change_is_refused(store: LocalArtifactStore, registry: Registry, frame: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        save(frame, store, "a", registry=registry)
    assert list(store.list()) == []


def test_uuids_come_back_or_are_refused(store: LocalArtifactStore, registry: Registry) -> None:
    """pyarrow gained a type for them; either is fine, a change is not."""
    frame = of([uuid.UUID(int=1)])
    try:
        artifact = save(frame, store, "a", registry=registry)
    except ConfigError:
        return
    pd.testing.assert_frame_equal(load(artifact, store, registry=registry), frame)

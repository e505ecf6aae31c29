"""Tables of pyarrow and frames of polars come back unchanged, mapped into memory where that is possible."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dovetail.materializers import Registry, load, save
from dovetail_artifact_store import LocalArtifactStore
from dovetail_core import ConfigError

pa = pytest.importorskip("pyarrow", reason="pyarrow is optional")
pl = pytest.importorskip("polars", reason="polars is optional")

TABLES = {
    "plain": pa.table({"i": [1, None], "s": ["x", "y"], "n": [[1], [2, 3]], "d": [{"a": 1}, {"a": None}]}),
    "chunks": pa.concat_tables([pa.table({"a": [1]}), pa.table({"a": [2, 3]})]),
    "metadata": pa.table({"a": [1]}).replace_schema_metadata({"k": "v"}),
    "chunks with different dictionaries": pa.concat_tables(
        [pa.table({"a": pa.array(["x", "y"]).dictionary_encode()}), pa.table({"a": pa.array(["z"]).dictionary_encode()})]
    ),
    "slice": pa.table({"a": list(range(100))}).slice(10, 5),
    "no rows": pa.table({"a": pa.array([], pa.decimal128(5, 2))}),
    "no columns": pa.table({}),
    "big": pa.table({"a": list(range(300_000))}),
}
FRAMES = {
    "plain": pl.DataFrame({"i": [1, None], "s": ["x", "é"], "b": [True, None], "f": [0.5, float("nan")]}),
    "nested": pl.DataFrame({"l": [[1, 2], []], "s": [{"a": 1}, {"a": None}]}),
    "times": pl.DataFrame({"d": [date(2026, 1, 1)], "t": [datetime(2026, 1, 1)]}).with_columns(
        z=pl.col("t").dt.replace_time_zone("Europe/Berlin")
    ),
    "decimal": pl.DataFrame({"d": [Decimal("1.10")]}),
    "categories": pl.DataFrame({"c": ["b", "a", "b"]}, schema={"c": pl.Categorical}),
    "enum": pl.DataFrame({"e": ["b", "a"]}, schema={"e": pl.Enum(["b", "a", "c"])}),
    "array": pl.DataFrame({"a": [[1, 2]]}, schema={"a": pl.Array(pl.Int8, 2)}),
    "no rows": pl.DataFrame({"a": []}, schema={"a": pl.Binary}),
    "big": pl.DataFrame({"a": range(300_000)}),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_comes_back_unchanged(round_trip: Any, name: str) -> None:
    back = round_trip(TABLES[name])
    back.validate(full=True)
    assert back.schema.equals(TABLES[name].schema, check_metadata=True)
    assert back.to_pylist() == TABLES[name].to_pylist()


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_comes_back_unchanged(round_trip: Any, name: str) -> None:
    back = round_trip(FRAMES[name])
    assert back.schema == FRAMES[name].schema
    assert back.equals(FRAMES[name], null_equal=True)


def test_a_polars_series_comes_back_with_its_name(round_trip: Any) -> None:
    back = round_trip(pl.Series("x", [1, 2], dtype=pl.Int8))
    assert isinstance(back, pl.Series) and back.name == "x" and back.dtype == pl.Int8 and back.to_list() == [1, 2]


def test_a_lazy_frame_comes_back_lazy_over_its_result(round_trip: Any) -> None:
    back = round_trip(pl.DataFrame({"a": [1, 2, 3]}).lazy().filter(pl.col("a") > 1))
    assert isinstance(back, pl.LazyFrame) and back.collect()["a"].to_list() == [2, 3]


def test_a_table_of_a_near_store_takes_no_memory(store: LocalArtifactStore, registry: Registry) -> None:
    artifact = save(TABLES["big"], store, "a", registry=registry)
    before = pa.total_allocated_bytes()
    table = load(artifact, store, registry=registry)
    assert table.num_rows == 300_000
    assert pa.total_allocated_bytes() - before < TABLES["big"].nbytes / 10


def test_a_store_whose_path_looks_like_a_pattern_works(tmp_path: Path, registry: Registry) -> None:
    store = LocalArtifactStore(path=tmp_path / "a[1]*b?")
    artifact = save(FRAMES["big"], store, "a", registry=registry)
    assert load(artifact, store, registry=registry).height == 300_000


def test_python_objects_in_a_frame_are_refused(store: LocalArtifactStore, registry: Registry) -> None:
    with pytest.raises(ConfigError, match=r"Python objects.*\['o'\]"):
        save(pl.DataFrame({"o": [object()]}, schema={"o": pl.Object}), store, "a", registry=registry)


def test_equal_tables_have_equal_digests(digest: Any) -> None:
    assert digest(pa.table({"a": [1, 2]})) == digest(pa.table({"a": [1, 2]}))
    assert digest(pl.DataFrame({"a": ["x"]})) == digest(pl.DataFrame({"a": ["x"]}))

"""pandas data frames as Arrow tables for Parquet, and back, unchanged.

Parquet and the schema that pandas adds to it lose some things: categories, the dtype `object`, the kind of missing values, the frequency of
an index. Notes in the table's metadata keep these. What they cannot keep is refused.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dovetail.materializers.materializer import Refused

_KEY = b"dovetail"
_KEPT = frozenset({"string", "boolean", "bytes", "date", "time", "decimal", "empty"})
"""Kinds of values, by `pandas.api.types.infer_dtype`, that a column of objects keeps; other columns are compared value by value."""
_MISSING: Mapping[type, str] = {type(None): "none", float: "nan"}


def table_of(frame: pd.DataFrame, notes: Mapping[str, Any]) -> pa.Table:
    """Return a frame as a table, with `notes` in its metadata. Raises `Refused` if `frame_of` could not give the same frame back."""
    _check_labels(frame)
    objects = {str(place): _missing(frame.iloc[:, place]) for place, dtype in enumerate(frame.dtypes) if _objects(dtype)}
    try:
        table = pa.Table.from_pandas(frame)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise Refused(f"Parquet cannot hold it: {'; '.join(map(str, error.args))}") from error
    notes = {
        **notes,
        "objects": objects,
        "index": _axis_notes(frame.index),
        "labels": _axis_notes(frame.columns),
        "categories": _categories(table),
    }
    table = table.replace_schema_metadata({**table.schema.metadata, _KEY: json.dumps(notes, sort_keys=True)})
    _check(frame, table)
    return table


def frame_of(table: pa.Table) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the frame and the notes of a table that was read from Parquet."""
    notes: dict[str, Any] = json.loads(table.schema.metadata[_KEY])
    frame = _with_categories(table, notes["categories"]).to_pandas()
    for place, missing in notes["objects"].items():
        label = frame.columns[int(place)]
        frame[label] = _as_objects(frame[label], missing)
    frame.index = _axis(frame.index, notes["index"])
    frame.columns = _axis(frame.columns, notes["labels"])
    return frame, notes


def _axis_notes(index: pd.Index[Any]) -> dict[str, Any]:
    return {
        "objects": _objects(index.dtype) and index.nlevels == 1,
        "freq": getattr(index, "freqstr", None),
        "range": [index.start, index.stop, index.step] if isinstance(index, pd.RangeIndex) else None,
    }


def _axis(index: pd.Index[Any], notes: Mapping[str, Any]) -> pd.Index[Any]:
    """Return an index as the notes say it was; a slice without rows has none of its range and frequency."""
    if notes["objects"]:
        return index.astype(object)
    if notes["range"] and len(index) == len(range(*notes["range"])):
        return pd.RangeIndex(*notes["range"], name=index.name)
    if notes["freq"] and len(index):
        return type(index)(index, freq=notes["freq"])
    return index


def _check_labels(frame: pd.DataFrame) -> None:
    if not frame.columns.is_unique:
        raise Refused("Parquet needs column labels that are unique; rename the columns")
    if pd.api.types.infer_dtype(frame.columns).startswith("mixed") and frame.columns.nlevels == 1:
        raise Refused("Parquet needs column labels of one type; rename the columns to strings")
    if _objects(frame.index.dtype) and frame.index.nlevels == 1 and (_kind(frame.index) not in _KEPT or frame.index.hasnans):
        raise Refused("its index holds objects that Parquet would change; use reset_index(), or an index of one type")


def _kind(values: Any) -> str:
    return str(pd.api.types.infer_dtype(values, skipna=True))


def _objects(dtype: Any) -> bool:
    return bool(dtype == np.dtype(object))


def _missing(column: pd.Series[Any]) -> str:
    """Return what stands for missing values in a column of objects."""
    kinds = {type(value) for value in column[column.isna()]}
    if len(kinds) > 1 or not kinds <= _MISSING.keys():
        names = sorted(kind.__name__ for kind in kinds)
        raise Refused(f"Parquet does not keep the missing values in column {column.name!r}, which are {names}; use convert_dtypes()")
    return _MISSING[kinds.pop()] if kinds else "none"


def _as_objects(column: pd.Series[Any], missing: str) -> pd.Series[Any]:
    column = column.astype(object)
    column[column.isna()] = None if missing == "none" else np.nan
    return column


def _check(frame: pd.DataFrame, table: pa.Table) -> None:
    """Raise `Refused` unless the table's schema and its columns of objects survive Parquet; other columns do if their dtypes do."""
    empty, notes = frame_of(_through_parquet(table.slice(0, 0)))
    for what, one, other in _shapes(frame, empty):
        if one != other:
            raise Refused(f"Parquet would change its {what} from {one} to {other}")
    for place, missing in notes["objects"].items():
        column = frame.iloc[:, int(place)]
        if _kind(column) not in _KEPT and not _same_objects(column, _as_objects(table.column(int(place)).to_pandas(), missing)):
            raise Refused(f"Parquet would change the values in column {column.name!r}, which are Python objects")


def _shapes(one: pd.DataFrame, other: pd.DataFrame) -> list[tuple[str, Any, Any]]:
    return [
        ("dtypes", list(one.dtypes), list(other.dtypes)),
        ("column labels", _labels(one.columns), _labels(other.columns)),
        ("index", _index(one.index), _index(other.index)),
        ("attrs", one.attrs, other.attrs),
    ]


def _labels(index: pd.Index[Any]) -> tuple[Any, ...]:
    return (*_index(index), list(index))


def _index(index: pd.Index[Any]) -> tuple[Any, ...]:
    if isinstance(index, pd.RangeIndex):
        return (pd.RangeIndex.__name__,)  # a slice without rows has lost the rest
    dtypes = list(index.dtypes) if isinstance(index, pd.MultiIndex) else [index.dtype]
    return type(index).__name__, list(index.names), dtypes


def _same_objects(one: pd.Series[Any], other: pd.Series[Any]) -> bool:
    return all(type(left) is type(right) and _same(left, right) for left, right in zip(one, other, strict=True))


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return bool(one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind in "fc"))
    return bool(one == other) or (one != one and other != other) or one is other


def _through_parquet(table: pa.Table) -> pa.Table:
    file = BytesIO()
    pq.write_table(table, file)
    file.seek(0)
    return pq.read_table(file)


def _categories(table: pa.Table) -> dict[str, tuple[bool, str]]:
    """Return, by the names of categorical columns, whether they are ordered, and their categories as base64 of an Arrow stream."""
    found = {}
    for field in table.schema:
        if pa.types.is_dictionary(field.type):
            chunk = table.column(field.name).combine_chunks()
            dictionary = (chunk.chunk(0) if isinstance(chunk, pa.ChunkedArray) else chunk).dictionary
            found[field.name] = (bool(field.type.ordered), base64.b64encode(_stream(dictionary)).decode())
    return found


def _stream(values: pa.Array) -> bytes:
    table = pa.table({"categories": values})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _with_categories(table: pa.Table, categories: Mapping[str, tuple[bool, str]]) -> pa.Table:
    for name, (ordered, stream) in categories.items():
        place = table.schema.get_field_index(name)
        known = pa.ipc.open_stream(base64.b64decode(stream)).read_all().column(0).combine_chunks()
        column = table.column(place)
        values = column.cast(known.type) if not pa.types.is_dictionary(column.type) else column.cast(column.type.value_type)
        codes = pc.index_in(values, value_set=known).combine_chunks()
        table = table.set_column(place, name, pa.DictionaryArray.from_arrays(codes, known, ordered=ordered))
    return table

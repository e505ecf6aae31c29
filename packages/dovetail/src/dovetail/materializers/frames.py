"""pandas data frames and series, as Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd
import pyarrow.parquet as pq

from dovetail.materializers import parquet_fidelity as fidelity
from dovetail.materializers.materializer import Materializer, Refused

if TYPE_CHECKING:
    from dovetail.materializers.source import Source
    from dovetail.materializers.target import Target

_FILE = "data.parquet"
_SERIES = "value"
_COLUMNS_SHOWN = 100


class Frames(Materializer):
    """Data frames and series, with index, column labels, dtypes, categories, `attrs` and the frequency of a time index.

    What Parquet would change is refused: a column of lists, which come back as arrays, or of values of different types.
    """

    name = "pandas"
    format = "parquet"
    requires: ClassVar[tuple[str, ...]] = ("pandas", "pyarrow")

    def save(self, value: Any, target: Target) -> Mapping[str, Any]:
        if type(value) not in (pd.DataFrame, pd.Series):
            raise Refused("it is a subclass, which Parquet does not keep; convert it with pandas.DataFrame(...)")
        table = fidelity.table_of(*_framed(value))
        with target.open(_FILE) as file:
            pq.write_table(table, file)
        return _facts(value)

    def load(self, source: Source, kind: str) -> Any:
        with source.open(_FILE) as file:
            table = pq.read_table(file)
        frame, notes = fidelity.frame_of(table)
        return frame.iloc[:, 0].rename(notes["series"]) if "series" in notes else frame


def _framed(value: Any) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a frame, and what the frame does not say of the value."""
    if isinstance(value, pd.DataFrame):
        return value, {}
    if type(value.name) not in (str, int, float, bool, type(None)):
        raise Refused(f"the name of the series is a {type(value.name).__name__}; rename it to a string")
    frame = value.to_frame(_SERIES)
    frame.attrs = value.attrs
    return frame, {"series": value.name}


def _facts(value: Any) -> dict[str, Any]:
    if isinstance(value, pd.Series):
        return {"rows": len(value), "dtype": str(value.dtype)}
    columns = {str(label): str(dtype) for label, dtype in list(value.dtypes.items())[:_COLUMNS_SHOWN]}
    return {"rows": len(value), "column_count": value.shape[1], "columns": columns}

"""polars data frames, series and lazy frames, as Arrow files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from dovetail.materializers.materializer import Materializer, Refused

if TYPE_CHECKING:
    from dovetail.materializers.source import Source
    from dovetail.materializers.target import Target

_FILE = "data.arrow"
_COLUMNS_SHOWN = 100


class PolarsFrames(Materializer):
    """Data frames, series and lazy frames, mapped into memory where the store is on this machine.

    A lazy frame is computed, and comes back as a lazy frame over the result.
    """

    name = "polars"
    format = "arrow"
    requires: ClassVar[tuple[str, ...]] = ("polars",)

    def save(self, value: Any, target: Target) -> Mapping[str, Any]:
        if type(value) not in (pl.DataFrame, pl.Series, pl.LazyFrame):
            raise Refused("it is a subclass, which Arrow does not keep; convert it with polars.DataFrame(...)")
        frame = _framed(value)
        if objects := [name for name, dtype in frame.schema.items() if dtype.base_type() is pl.Object]:
            raise Refused(f"Arrow has no form for Python objects, which are in the columns {objects}")
        with target.open(_FILE) as file:
            frame.write_ipc(file, compression="uncompressed")
        columns = {name: str(dtype) for name, dtype in list(frame.schema.items())[:_COLUMNS_SHOWN]}
        return {"rows": frame.height, "column_count": frame.width, "columns": columns}

    def load(self, source: Source, kind: str) -> Any:
        frame = _read(source)
        if kind.endswith(".LazyFrame"):
            return frame.lazy()
        return frame.to_series() if kind.endswith(".Series") else frame


def _framed(value: Any) -> pl.DataFrame:
    if isinstance(value, pl.LazyFrame):
        return value.collect()
    return value.to_frame() if isinstance(value, pl.Series) else value


def _read(source: Source) -> pl.DataFrame:
    if path := source.local_path(_FILE):
        return pl.scan_ipc(path, glob=False).collect()  # read_ipc would take brackets in the path for a pattern
    with source.open(_FILE) as file:
        return pl.read_ipc(file)

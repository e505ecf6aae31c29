"""Arrow tables, as Arrow files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from dovetail.materializers.materializer import Materializer

if TYPE_CHECKING:
    from dovetail.materializers.source import Source
    from dovetail.materializers.target import Target

_FILE = "data.arrow"
_COLUMNS_SHOWN = 100


class ArrowTables(Materializer):
    """Tables of pyarrow, mapped into memory where the store is on this machine."""

    name = "arrow"
    format = "arrow"
    requires: ClassVar[tuple[str, ...]] = ("pyarrow",)

    def save(self, value: Any, target: Target) -> Mapping[str, Any]:
        table = value.unify_dictionaries()  # a file holds one dictionary per column
        with target.open(_FILE) as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
        columns = {field.name: str(field.type) for field in list(table.schema)[:_COLUMNS_SHOWN]}
        return {"rows": table.num_rows, "column_count": table.num_columns, "columns": columns}

    def load(self, source: Source, kind: str) -> Any:
        if path := source.local_path(_FILE):
            return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        with source.open(_FILE) as file:
            return pa.ipc.open_file(pa.PythonFile(file, mode="r")).read_all()

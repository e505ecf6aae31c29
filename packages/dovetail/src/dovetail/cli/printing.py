"""Prints data: as a table for people, as JSON or YAML for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from pathlib import PurePath
from typing import Any, TypeVar

import click

from dovetail_core.masking import mask

F = TypeVar("F", bound=Callable[..., Any])
Row = Mapping[str, Any]


def output_option(command: F) -> F:
    """Add the option that chooses how data is printed, as the argument `output`."""
    choices = click.Choice(["table", "json", "yaml"])
    return click.option("--output", "-o", type=choices, default="table", show_default=True, help="How to print the result.")(command)


def print_rows(rows: Sequence[Row], columns: Sequence[str], output: str, empty: str = "") -> None:
    """Print rows; tables show only `columns`, and say `empty` if there are no rows."""
    if output != "table":
        _print_document([dict(row) for row in rows], output)
    elif not rows:
        click.echo(empty)
    else:
        _print_table([[_cell(row.get(column)) for column in columns] for row in rows], columns)


def print_record(record: Row, output: str) -> None:
    """Print one thing, as a line per field in a table."""
    if output != "table":
        _print_document(dict(record), output)
    else:
        width = max(map(len, record), default=0)
        for key, value in record.items():
            click.echo(mask(f"{key:<{width}}  {_indented(_cell(value), width + 2)}".rstrip()))


def print_done(sentence: str, record: Row, output: str) -> None:
    """Print what a command did: a sentence for people, the record for programs."""
    if output == "table":
        click.echo(sentence)
    else:
        print_record(record, output)


def print_sections(sections: Mapping[str, tuple[Sequence[Row], Sequence[str]]]) -> None:
    """Print tables below each other, each with its title; empty ones are left out."""
    for title, (rows, columns) in sections.items():
        if rows:
            click.echo(f"\n{title}")
            print_rows(rows, columns, "table")


def _print_document(data: Any, output: str) -> None:
    text = json.dumps(jsonable(data), indent=2, ensure_ascii=False)
    if output == "yaml":
        from ruamel.yaml import YAML

        yaml = YAML(typ="safe", pure=True)
        yaml.default_flow_style = False
        yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
        yaml.width = 1 << 16
        yaml.allow_unicode = True
        yaml.dump(json.loads(mask(text)), sys.stdout)
    else:
        click.echo(mask(text))


def jsonable(value: Any) -> Any:
    """Return a value as JSON data; floats that JSON has no number for are strings."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [jsonable(item) for item in value]
    if isinstance(value, Enum):
        return jsonable(value.value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(jsonable(value), ensure_ascii=False)
    return str(value.value if isinstance(value, Enum) else value)


def _indented(text: str, width: int) -> str:
    return text.replace("\n", "\n" + " " * width)


def _print_table(cells: list[list[str]], columns: Sequence[str]) -> None:
    cells = [[mask(cell) for cell in row] for row in cells]
    if sys.stdout.isatty():
        _print_rich(cells, columns)
        return
    titles = [column.upper().replace("_", " ") for column in columns]
    flat = [titles, *([cell.replace("\n", " ") for cell in row] for row in cells)]
    widths = [max(len(row[index]) for row in flat) for index in range(len(columns))]
    for row in flat:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _print_rich(cells: list[list[str]], columns: Sequence[str]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    Console().print(table)

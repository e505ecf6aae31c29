"""Shows a run while it happens: a table that is kept up to date on a terminal, a line per event elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from dovetail_core.masking import mask

if TYPE_CHECKING:
    from dovetail_core import RunEvent, StepEvent

Watcher = Callable[["RunEvent | StepEvent"], Any]


@contextmanager
def watching(stream: TextIO) -> Iterator[Watcher]:
    """Give what is told the events of a run."""
    if stream.isatty():
        with _live(stream) as watcher:
            yield watcher
    else:
        yield lambda event: print(mask(line_of(event)), file=stream, flush=True)


def line_of(event: RunEvent | StepEvent) -> str:
    """Return an event in one line."""
    step = getattr(event, "step", "")
    what = f"step {step}" if step else f"run {event.run_name}"
    took = "" if event.duration is None else f" in {seconds(event.duration)}"
    attempt = getattr(event, "attempt", 1)
    again = f" (attempt {attempt})" if attempt > 1 else ""
    why = f": {event.failure.kind}: {event.failure.message}" if event.failure and step else ""
    return f"{what}{again}: {event.state}{took}{why}"


def seconds(duration: float) -> str:
    """Return a duration for people."""
    if duration < 60:
        return f"{duration:.1f} s"
    minutes, rest = divmod(round(duration), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"


@contextmanager
def _live(stream: TextIO) -> Iterator[Watcher]:
    from rich.console import Console
    from rich.live import Live

    told: dict[str, StepEvent | RunEvent] = {}
    with Live(console=Console(file=stream), refresh_per_second=8, redirect_stdout=stream is sys.stdout) as live:

        def watch(event: RunEvent | StepEvent) -> None:
            told[getattr(event, "step", "")] = event
            live.update(_table(told))

        yield watch


def _table(told: dict[str, Any]) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    colours = {"succeeded": "green", "cached": "cyan", "failed": "red", "running": "yellow", "retrying": "yellow"}
    run = told.get("")
    table = Table(box=SIMPLE_HEAD, title=Text(mask(line_of(run))) if run else None, title_justify="left", pad_edge=False)
    for column in ("step", "attempt", "state", "time"):
        table.add_column(column)
    for step, event in told.items():
        if step:
            took = "" if event.duration is None else seconds(event.duration)
            table.add_row(Text(step), str(event.attempt or ""), Text(event.state, colours.get(event.state, "")), took)
    return table

"""The commands that this package adds to `dovetail experiment-tracker`: runs, compare, plot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

if TYPE_CHECKING:
    from dovetail_core.commands import Host

F = TypeVar("F", bound=Callable[..., Any])

_name = click.option("--name", metavar="TRACKER", help="A registered experiment tracker; by default the active stack's.")
_output = click.option(
    "--output", "-o", type=click.Choice(["table", "json", "yaml"]), default="table", show_default=True, help="How to print the result."
)
_ROW = ["id", "experiment", "name", "status", "started", "seconds", "metrics"]


@click.command()
@_name
@click.option("--filter", "-f", default="", help='Such as \'metrics.loss < 0.3 and params.model = "svm" and status = "finished"\'.')
@click.option("--experiment", "-e", multiple=True, help="Name of an experiment; may be given several times.")
@click.option("--order-by", default="-started", show_default=True, help="started, ended or metrics.KEY; with a minus sign descending.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Most runs.")
@_output
@click.pass_obj
def runs(host: Host, name: str | None, filter: str, experiment: tuple[str, ...], order_by: str, limit: int, output: str) -> None:
    """List runs, the latest first."""
    from dovetail_experiment_tracker.comparing import run_row

    with host.component(name) as tracker:
        found = tracker.iter_runs(filter, experiments=experiment or None, order_by=order_by, limit=limit)
        host.print_rows([run_row(run) for run in found], _ROW, output, "no run is found")


@click.command()
@click.argument("run", nargs=-1, required=True)
@_name
@click.option("--differing", is_flag=True, help="Leave out what is the same in all of them.")
@_output
@click.pass_obj
def compare(host: Host, run: tuple[str, ...], name: str | None, differing: bool, output: str) -> None:
    """Show the parameters, metrics and tags of runs, given by id or name, side by side."""
    from dovetail_experiment_tracker.comparing import compared, find_run

    with host.component(name) as tracker:
        rows, columns = compared([find_run(tracker, one) for one in run], differing)
    host.print_rows(rows, columns, output, "there is nothing to compare")


@click.command()
@click.argument("run", nargs=-1, required=True)
@_name
@click.option("--metric", "-m", multiple=True, required=True, help="Key of a metric; each is a panel.")
@click.option(
    "--to", type=click.Path(path_type=Path, dir_okay=False), default="metrics.png", show_default=True, help="File, .png, .svg or .pdf."
)
@click.option("--x", type=click.Choice(["step", "time"]), default="step", show_default=True, help="What is drawn from left to right.")
@click.option("--log", "logarithmic", is_flag=True, help="Draw values on a logarithmic scale.")
@_output
@click.pass_obj
def plot(
    host: Host,
    run: tuple[str, ...],
    name: str | None,
    metric: tuple[str, ...],
    to: Path,
    x: Literal["step", "time"],
    logarithmic: bool,
    output: str,
) -> None:
    """Draw metrics of runs, given by id or name, into a file."""
    from dovetail_experiment_tracker.comparing import find_run
    from dovetail_experiment_tracker.plotting import plot_metrics

    with host.component(name) as tracker:
        plot_metrics(tracker, [find_run(tracker, one) for one in run], metric, to, x=x, logarithmic=logarithmic)
    if output == "table":
        click.echo(f"Wrote {to}.")
    else:
        host.print_record({"file": str(to), "metrics": list(metric)}, output)

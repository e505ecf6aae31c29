"""The commands about recorded runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dovetail.cli.completion import complete_stacks
from dovetail.cli.lazy_groups import SpeakingGroup
from dovetail.cli.printing import output_option, print_done, print_rows
from dovetail.cli.run_completion import complete_runs, complete_steps

if TYPE_CHECKING:
    from dovetail.history import RunHistory, RunView
    from dovetail.pipelines import Pipeline

F = TypeVar("F", bound=Callable[..., Any])
_ENDED = {"succeeded": "succeeded", "failed": "failed", "cancelled": "was cancelled"}
_STATES = ("pending", "running", "succeeded", "failed", "cancelled")


@click.group(cls=SpeakingGroup)
def runs() -> None:
    """List, inspect, cancel, resume and delete runs."""


def stack_option(command: F) -> F:
    """Add the option that chooses the stack whose metadata store is asked."""
    help = "Stack in whose metadata store to look. Default: the active one."
    return click.option("--stack", shell_complete=complete_stacks, help=help)(command)


@contextmanager
def history(stack: str | None) -> Iterator[RunHistory]:
    """Give the runs in a stack's metadata store, the active stack's by default."""
    from dovetail.history import RunHistory
    from dovetail.project import Project

    project = Project.find()
    with project.stack(stack) as chosen:
        yield RunHistory(chosen, project)


@runs.command("list")
@click.option("--pipeline", help="Only runs of this pipeline.")
@click.option("--state", "states", multiple=True, type=click.Choice(_STATES), help="Only runs in this state; may be given several times.")
@click.option("--contains", help="Only runs whose name contains this.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most, newest first.")
@stack_option
@output_option
def list_runs(pipeline: str | None, states: tuple[str, ...], contains: str | None, limit: int, stack: str | None, output: str) -> None:
    """List runs, newest first."""
    from dovetail.cli.run_views import RUN_COLUMNS, run_record, run_row
    from dovetail_metadata_store.records import State

    with history(stack) as found:
        page = found.search(pipeline=pipeline, states=[State(one) for one in states] or None, name_contains=contains, limit=limit)
        record = run_row if output == "table" else run_record
        print_rows([record(view.record) for view in page.items], RUN_COLUMNS, output, "no runs")
        if page.token and output == "table":
            click.echo(f"The newest {limit} are shown; --limit shows more.")


@runs.command()
@click.argument("run", shell_complete=complete_runs)
@stack_option
@output_option
def describe(run: str, stack: str | None, output: str) -> None:
    """Show a run with its steps."""
    from dovetail.cli.run_views import print_run

    with history(stack) as found:
        print_run(found.get(run), output)


@runs.command()
@click.argument("run", shell_complete=complete_runs)
@click.argument("step", required=False, shell_complete=complete_steps)
@click.option("--attempt", type=click.IntRange(min=1), help="Number of the attempt. Default: the latest.")
@stack_option
@output_option
def logs(run: str, step: str | None, attempt: int | None, stack: str | None, output: str) -> None:
    """Print the log of a STEP, or of all steps one after the other."""
    from dovetail.stackfile.document import closest
    from dovetail_core.errors import NotFound
    from dovetail_core.masking import mask

    with history(stack) as found:
        view = found.get(run)
        if step is not None and step not in view.steps:
            remedy = f"its steps: {', '.join(view.steps)}"
            raise NotFound(f"run '{view.name}' has no step '{step}'{closest(step, view.steps)}", remedy=remedy)
        lines = _log_lines(view, step, attempt)
        if output != "table":
            print_rows([{"step": name, "line": line} for name, line in lines], (), output)
            return
        shown = None
        for name, line in lines:
            if step is None and name != shown:
                click.echo(f"-- {name}")
            shown = name
            click.echo(mask(line))


def _log_lines(view: RunView, step: str | None, attempt: int | None) -> Iterator[tuple[str, str]]:
    """Yield each line of a step's log, or of all steps that have one, with the step's name."""
    from dovetail_core.errors import NotFound

    for name in [step] if step else view.steps:
        try:
            for line in view.steps[name].logs(attempt):
                yield name, line.rstrip("\n")
        except NotFound:
            if step is not None:
                raise


@runs.command()
@click.argument("run", shell_complete=complete_runs)
@stack_option
@output_option
def cancel(run: str, stack: str | None, output: str) -> None:
    """Stop a run, wherever its process is."""
    with history(stack) as found:
        before = found.get(run)
        view = before.cancel()
        if before.state.terminal:
            said = f"had ended before: it {_ENDED[view.state.value]}"
        else:
            said = _ENDED[view.state.value] if view.state.terminal else f"is {view.state.value}; it was asked to stop"
        print_done(f"Run '{view.name}' {said}.", {"run": view.name, "state": view.state}, output)


@runs.command()
@click.argument("run", shell_complete=complete_runs)
@stack_option
@output_option
def resume(run: str, stack: str | None, output: str) -> None:
    """Continue a run that did not succeed, with its options: what it committed is not executed again."""
    from dovetail.cli.running import run_and_show

    with history(stack) as found:
        view = found.get(run)
        pipeline, identifier = _pipeline_of(found, view.id), view.id
    run_and_show(pipeline.with_options(stack=stack or view.record.stack), identifier, output)


def _pipeline_of(found: RunHistory, run_id: str) -> Pipeline:
    """Return the pipeline that a run is of, as the project defines it now."""
    from pathlib import Path

    from dovetail import code
    from dovetail.cli.running import make_importable
    from dovetail.pipelines import Pipeline
    from dovetail.plan import RunPlan
    from dovetail_core.errors import ConfigError

    plan = RunPlan.model_validate(found.stack.metadata_store.get_plan(run_id))
    make_importable()
    pipeline = code.find(plan.code, Path(plan.source_root) if plan.source_root else None)
    if not isinstance(pipeline, Pipeline):
        raise ConfigError(f"{plan.code.module}:{plan.code.qualname} is no pipeline any more", remedy="decorate it with @pipeline")
    return pipeline


@runs.command()
@click.argument("run", nargs=-1, required=True, shell_complete=complete_runs)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@stack_option
@output_option
def delete(run: tuple[str, ...], yes: bool, stack: str | None, output: str) -> None:
    """Delete runs, and the artifacts that no other run uses."""
    with history(stack) as found:
        views = [found.get(one) for one in run]
        if not yes:
            click.confirm(f"Delete {', '.join(view.name for view in views)} with their artifacts?", abort=True, err=True)
        for view in views:
            number = view.delete()
            print_done(
                f"Deleted run '{view.name}' and {number} artifact{'s' * (number != 1)}.", {"run": view.name, "artifacts": number}, output
            )

"""The commands about artifacts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dovetail.cli.lazy_groups import SpeakingGroup
from dovetail.cli.printing import output_option, print_done, print_record, print_rows
from dovetail.cli.run_completion import complete_runs
from dovetail.cli.runs import history, stack_option

if TYPE_CHECKING:
    from dovetail_metadata_store.records import Lineage

_COLUMNS = ("id", "step", "output", "type", "size", "created")


@click.group(cls=SpeakingGroup)
def artifacts() -> None:
    """List, inspect and download artifacts."""


@artifacts.command("list")
@click.option("--run", shell_complete=complete_runs, help="Only what the steps of this run gave.")
@click.option("--step", help="Only what this step gave.")
@click.option("--pipeline", help="Only what this pipeline gave.")
@click.option("--type", "kind", help="Only values of this Python type.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most, newest first.")
@stack_option
@output_option
def list_artifacts(
    run: str | None, step: str | None, pipeline: str | None, kind: str | None, limit: int, stack: str | None, output: str
) -> None:
    """List artifacts, newest first."""
    from dovetail.cli.run_views import artifact_record

    with history(stack) as found:
        run_id = found.get(run).id if run else None
        page = found.stack.metadata_store.search_artifacts(run_id=run_id, step=step, pipeline=pipeline, type=kind, limit=limit)
        print_rows([artifact_record(one) for one in page.items], _COLUMNS, output, "no artifacts")
        if page.token and output == "table":
            click.echo(f"The newest {limit} are shown; --limit shows more.")


@artifacts.command()
@click.argument("artifact")
@stack_option
@output_option
def describe(artifact: str, stack: str | None, output: str) -> None:
    """Show what is recorded of an artifact, given by its id."""
    from dovetail.cli.run_views import artifact_record

    with history(stack) as found:
        print_record(artifact_record(found.stack.metadata_store.get_artifact(artifact)), output)


@artifacts.command()
@click.argument("artifact")
@click.argument("target", type=click.Path(path_type=Path), required=False)
@stack_option
@output_option
def download(artifact: str, target: Path | None, stack: str | None, output: str) -> None:
    """Write an artifact's files to TARGET, which must not exist. Their digests are compared with the recorded ones."""
    from dovetail.cli.artifact_download import download_artifact
    from dovetail_core.errors import AlreadyExists

    with history(stack) as found:
        record = found.stack.metadata_store.get_artifact(artifact)
        target = target or Path(record.key.rpartition("/")[2])
        if target.exists() or target.is_symlink():
            raise AlreadyExists(f"{target} exists already", remedy="name a path that does not")
        download_artifact(record, found.stack.artifact_store, target)
        done = {"path": target, "size": record.size, "format": record.format}
        print_done(f"Wrote {target} ({record.size} bytes, {record.format}).", done, output)


@artifacts.command()
@click.argument("artifact")
@click.option(
    "--direction", type=click.Choice(["up", "down", "both"]), default="up", show_default=True, help="What leads to it, or comes of it."
)
@click.option("--depth", type=click.IntRange(min=0), help="Number of steps to go at most.")
@stack_option
@output_option
def lineage(artifact: str, direction: Any, depth: int | None, stack: str | None, output: str) -> None:
    """Show which artifacts lead to one, or come of it, and by which steps."""
    with history(stack) as found:
        _print_lineage(found.stack.metadata_store.lineage(artifact, direction, depth), output)


def _print_lineage(lineage: Lineage, output: str) -> None:
    from dovetail.cli.run_views import artifact_record

    edges = [{"run_id": one.run_id, "step": one.step, "source": one.source, "target": one.target} for one in lineage.edges]
    if output != "table":
        found = {identifier: artifact_record(one) for identifier, one in lineage.artifacts.items()}
        print_record({"root": lineage.root, "artifacts": found, "edges": edges}, output)
        return
    names = {identifier: f"{one.step}.{one.output} {identifier}" for identifier, one in lineage.artifacts.items()}
    rows = [{"read": names.get(e["source"] or "", ""), "step": e["step"], "wrote": names.get(e["target"] or "", "")} for e in edges]
    print_rows(rows, ("read", "step", "wrote"), output, "nothing leads to it, and nothing comes of it")

"""The command that prints a JSON Schema, by which an editor completes and checks a file of the project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click


@click.command()
@click.option(
    "--of",
    "subject",
    type=click.Choice(["stack", "run"]),
    default="stack",
    show_default=True,
    help="The file that it describes: the stack file dovetail.yaml, or a run configuration.",
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write, replaced if it exists. Default: standard output."
)
def schema(subject: str, out: Path | None) -> None:
    """Print the JSON Schema of dovetail.yaml, with the settings of every installed flavor and of the project's own.

    \b
    In the first line of the file, for editors with a YAML language server:
    # yaml-language-server: $schema=.dovetail/schema.json
    """
    from dovetail.state_directory import kept_out_of_git

    text = json.dumps(_document(subject), indent=2, ensure_ascii=False) + "\n"
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        with kept_out_of_git(out.absolute().parent.parent):
            out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{out} cannot be written: {error.strerror}", click.get_current_context()) from error
    click.echo(f"Wrote {out}.")


def _document(subject: str) -> dict[str, Any]:
    from dovetail.project import Project
    from dovetail.stackfile.schema import run_configuration_schema, stack_file_schema

    if subject == "run":
        return run_configuration_schema()
    found = stack_file_schema(Project.find())
    for row in found.left_out:
        problem = f"{row.problem.reason} ({row.problem.remedy})" if row.problem else ""
        click.echo(f"left out: {row.type} flavor '{row.name}' of {row.source}: {problem}", err=True)
    return found.document

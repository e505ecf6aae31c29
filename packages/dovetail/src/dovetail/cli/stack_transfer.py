"""The commands that move a stack between projects, and that bring it up and down."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from dovetail.cli.completion import complete_stacks
from dovetail.cli.stacks import optional_name, project_here


@click.command("export")
@click.argument("name", required=False, shell_complete=complete_stacks)
@click.option("--file", type=click.Path(dir_okay=False, path_type=Path), help="File to write; it must not exist. Default: standard output.")
@click.option("--with-secrets", is_flag=True, help="Also write the literal values of secrets.")
def export_stack(name: str | None, file: Path | None, with_secrets: bool) -> None:
    """Print a stack and its components, the active one by default; literal values of secrets are left out."""
    from dovetail.stackfile.transfer import exported

    project = project_here()
    text = exported(project, name or project.file.active, with_secrets=with_secrets)
    if file is None:
        sys.stdout.write(text)  # unmasked: with --with-secrets the values are what was asked for
        return
    try:
        with open(file, "x", opener=_private if with_secrets else None) as stream:
            stream.write(text)
    except OSError as error:
        raise click.UsageError(f"{file} cannot be written: {error.strerror}", click.get_current_context()) from error
    click.echo(f"Wrote {file}.")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="Another name for the stack.")
def import_stack(file: Path, name: str | None) -> None:
    """Add the stack in FILE and its components, also where their flavors are not installed; what is missing is told."""
    from dovetail.stackfile.transfer import import_stack

    try:
        text = file.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file} cannot be read: {error}", click.get_current_context()) from error
    done = import_stack(project_here(), text, file, name)
    click.echo(f"Imported stack '{done.stack}'" + (f" with {', '.join(done.added)}." if done.added else "."))
    if done.findings:
        click.echo("Before it can be used:")
    for finding in done.findings:
        click.echo(f"  {finding}")


@click.command()
@optional_name
def up(name: str | None) -> None:
    """Create and start what a stack's components need, the active one's by default."""
    from dovetail.cli.provisioning import bring_up

    with project_here().stack(name) as stack:
        for component in stack.components():
            bring_up(component)


@click.command()
@optional_name
@click.option("--deprovision", is_flag=True, help="Also remove what was created.")
def down(name: str | None, deprovision: bool) -> None:
    """Stop what a stack's components need, the active one's by default."""
    from dovetail.cli.provisioning import bring_down

    with project_here().stack(name) as stack:
        for component in reversed(stack.components()):
            bring_down(component, deprovision)

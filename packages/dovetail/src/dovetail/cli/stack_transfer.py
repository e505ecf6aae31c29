"""The commands that move a stack between projects, and that bring it up and down."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from dovetail.cli.completion import complete_stacks
from dovetail.cli.printing import output_option, print_done
from dovetail.cli.provisioning import print_states
from dovetail.cli.stacks import optional_name, project_here


@click.command("export")
@click.argument("name", required=False, shell_complete=complete_stacks)
@click.option("--file", type=click.Path(dir_okay=False, path_type=Path), help="File to write; it must not exist. Default: standard output.")
@click.option("--with-secrets", is_flag=True, help="Also write the literal values of secrets.")
@output_option
def export_stack(name: str | None, file: Path | None, with_secrets: bool, output: str) -> None:
    """Print a stack and its components, the active one by default; literal values of secrets are left out.

    It is a stack file, in YAML unless JSON is asked for; `stack import` reads both.
    """
    from dovetail.stackfile.transfer import exported

    project = project_here()
    name = name or project.file.active
    text = exported(project, name, with_secrets=with_secrets)
    if file is None:
        sys.stdout.write(_as_json(text) if output == "json" else text)  # unmasked: with --with-secrets the values are what was asked for
        return
    try:
        with open(file, "x", opener=_private if with_secrets else None) as stream:
            stream.write(text)
    except OSError as error:
        raise click.UsageError(f"{file} cannot be written: {error.strerror}", click.get_current_context()) from error
    print_done(f"Wrote {file}.", {"stack": name, "file": file}, output)


def _as_json(text: str) -> str:
    from ruamel.yaml import YAML

    return json.dumps(YAML(typ="safe").load(text), indent=2, ensure_ascii=False) + "\n"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="Another name for the stack.")
@output_option
def import_stack(file: Path, name: str | None, output: str) -> None:
    """Add the stack in FILE and its components, also where their flavors are not installed; what is missing is told."""
    from dovetail.stackfile.transfer import import_stack

    try:
        text = file.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file} cannot be read: {error}", click.get_current_context()) from error
    done = import_stack(project_here(), text, file, name)
    lines = [f"Imported stack '{done.stack}'" + (f" with {', '.join(done.added)}." if done.added else ".")]
    lines += ["Before it can be used:", *(f"  {finding}" for finding in done.findings)] if done.findings else []
    missing = [{"subject": one.subject, "problem": one.problem, "remedy": one.remedy} for one in done.findings]
    print_done("\n".join(lines), {"stack": done.stack, "added": list(done.added), "findings": missing}, output)


@click.command()
@optional_name
@output_option
def up(name: str | None, output: str) -> None:
    """Create and start what a stack's components need, the active one's by default."""
    from dovetail.cli.provisioning import bring_up

    with project_here().stack(name) as stack:
        print_states((bring_up(component) for component in stack.components()), output)


@click.command()
@optional_name
@click.option("--deprovision", is_flag=True, help="Also remove what was created.")
@output_option
def down(name: str | None, deprovision: bool, output: str) -> None:
    """Stop what a stack's components need, the active one's by default."""
    from dovetail.cli.provisioning import bring_down

    with project_here().stack(name) as stack:
        print_states((bring_down(component, deprovision) for component in reversed(stack.components())), output)

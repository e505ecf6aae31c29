"""The command that makes a directory a project."""

from __future__ import annotations

from pathlib import Path

import click

from dovetail.cli.printing import output_option, print_done

_TEXT = """\
# The stacks of this project: which components its pipelines use. The command `dovetail stack` changes this file, and keeps comments.
# There is always a stack `default`: local orchestrator, local artifact store and sqlite metadata store, under .dovetail/.
active: default
"""


@click.command()
@output_option
def init(output: str) -> None:
    """Make the working directory a project: write dovetail.yaml, and keep what runs store out of git."""
    from dovetail.stackfile.document import NAME
    from dovetail.state_directory import STATE, keep_out_of_git
    from dovetail_core.errors import AlreadyExists

    file = Path.cwd() / NAME
    try:
        with file.open("x") as stream:
            stream.write(_TEXT)
    except FileExistsError:
        raise AlreadyExists(f"{file} exists already", remedy="this directory is a project; see dovetail stack list") from None
    (Path.cwd() / STATE).mkdir(exist_ok=True)
    keep_out_of_git(Path.cwd())
    print_done(f"Wrote {NAME}. Next: dovetail run MODULE:PIPELINE", {"file": file}, output)

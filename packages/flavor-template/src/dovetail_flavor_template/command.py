"""The commands: `dovetail flavor new` and `dovetail flavor update`. Importing it imports neither copier nor any flavor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dovetail_conformance.clear_group import ClearGroup

if TYPE_CHECKING:
    from dovetail_flavor_template.growing import Origin
    from dovetail_flavor_template.making import Order

LICENSES = ("Apache-2.0", "BSD-3-Clause", "MIT", "LicenseRef-Proprietary")
_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group(cls=ClearGroup)
def flavor() -> None:
    """Make packages of flavors, and bring them up to date."""


@flavor.command()
@click.argument("component_type", metavar="[TYPE]", required=False)
@click.argument("name", required=False)
@click.option("--path", type=_FOLDER, help="Folder of the package; default: one with the distribution's name, here.")
@click.option("--sdk", help="SDK that the flavor uses, such as 'boto3>=1.37'.")
@click.option("--emulator", help="Package that stands for the service in tests, such as 'moto[server]>=5.1'.")
@click.option("--license", type=click.Choice(LICENSES), help="Under which licence it is published.")
@click.option("--author", help="Who its authors are.")
@click.option("--description", help="What it is, in one sentence.")
@click.option("--from", "origin", metavar="MODULE:CLASS", help="Class of a project that the package grows from.")
@click.option("--harness", metavar="MODULE:CLASS", help="Harness of that class; default: the one beside it.")
@click.option("--inside", is_flag=True, help="Make it a package of Dovetail's repository, where it is made anyway without --path.")
@click.option("--template", default="", help="Another template, as copier takes it: the address of a git repository, or a folder.")
@click.option("--defaults", is_flag=True, help="Ask nothing.")
def new(
    component_type: str | None,
    name: str | None,
    path: Path | None,
    origin: str | None,
    harness: str | None,
    inside: bool,
    template: str,
    defaults: bool,
    **answers: str | None,
) -> None:
    """Make a package with the flavor NAME of a component type, such as `artifact-store acme`.

    It works at once, in memory, and passes the conformance suite; then you make it yours, part by part. What is not given is
    asked on a terminal, and has its default elsewhere.
    """
    from dovetail_flavor_template import making

    ask = sys.stdin.isatty() and not defaults
    grown = _origin(origin, harness)
    kind = making.known_type(_kind(component_type, grown, ask))
    named = making.valid_name(_name(name, grown, ask))
    _agree(kind, named, grown)
    root = making.checked_repository(Path.cwd()) if inside else None if path else making.repository(Path.cwd())
    given = {question: answer for question, answer in answers.items() if answer is not None}
    order = making.Order(kind, named, given, root is not None, grown, template)
    folder = path or (root / "packages" / order.distribution.removeprefix("dovetail-") if root else Path(order.distribution))
    making.make(order, folder, ask=ask)
    _print_next_steps(order, folder)


@flavor.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True), default=".", required=False)
@click.option(
    "--was",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder with the template that it was made from; default: that version is installed aside.",
)
@click.option("--defaults", is_flag=True, help="Ask nothing.")
def update(folder: Path, was: Path | None, defaults: bool) -> None:
    """Bring later changes of the template into the package in FOLDER, by default here.

    Install a later dovetail-flavor-template first. What you changed stays; where both changed the same lines, git marks a conflict.
    Nothing is committed.
    """
    from dovetail_flavor_template.updating import update as bring

    updated = bring(folder.resolve(), was=was, ask=sys.stdin.isatty() and not defaults)
    if updated.before == updated.after:
        click.echo(f"The package is as the installed template makes it: {updated.after}.")
        return
    left = "mend the conflicts that git has marked, then" if updated.conflicts else "look at it with git diff HEAD,"
    click.echo(f"The package has what changed up to {updated.after}: {left} run nox, and commit.")
    for file in updated.conflicts:
        click.echo(f"conflict: {file}", err=True)
    if updated.conflicts:
        sys.exit(1)


def _origin(path: str | None, harness: str | None) -> Origin | None:
    if path is None:
        if harness is not None:
            raise click.UsageError("--harness is for --from")
        return None
    from dovetail_flavor_template.growing import origin

    return origin(path, harness)


def _kind(given: str | None, grown: Origin | None, ask: bool) -> str:
    from dovetail_flavor_template.making import template_types

    if given is None and grown is not None:
        return grown.component_type
    if given is None and ask:
        return str(click.prompt("Component type", type=click.Choice(template_types())))
    return _given(given, "TYPE")


def _name(given: str | None, grown: Origin | None, ask: bool) -> str:
    if given is None and grown is not None:
        return str(grown.flavor.flavor)
    if given is None and ask:
        return str(click.prompt("Name of the flavor"))
    return _given(given, "NAME")


def _given(word: str | None, what: str) -> str:
    if word is None:
        raise click.UsageError(f"{what} is missing: dovetail flavor new artifact-store acme")
    return word


def _agree(kind: str, name: str, grown: Origin | None) -> None:
    """Refuse a type and a name that are not those of the class that the package grows from."""
    if grown is None:
        return
    from dovetail_core.errors import InvalidArgument

    if kind != grown.component_type:
        raise InvalidArgument(f"{grown.path} is of the type {grown.component_type}, and not {kind}", remedy=f"say {grown.component_type}")
    if name != grown.flavor.flavor:
        said = f"{grown.path} says that its `flavor` is '{grown.flavor.flavor}', and not '{name}'"
        raise InvalidArgument(said, remedy=f"call the package {grown.flavor.flavor}, or change `flavor`")


def _print_next_steps(order: Order, folder: Path) -> None:
    from dovetail_flavor_template.next_steps import next_steps

    click.echo(f"{order.distribution} is in {folder}.\n")
    for line in next_steps(order, folder):
        click.echo(line)


def main() -> None:
    """Run the command as a program of its own."""
    flavor(prog_name="dovetail-flavor-template")

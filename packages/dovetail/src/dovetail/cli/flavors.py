"""The commands about the flavors of a component type. Listing them loads none, and reads no more than the packages' metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dovetail.cli.completion import complete_flavors, complete_own_flavors
from dovetail.cli.lazy_groups import SpeakingGroup
from dovetail.cli.printing import output_option, print_done, print_record, print_rows

if TYPE_CHECKING:
    from dovetail.project import Project
    from dovetail_core.discovery import FlavorRow


def flavor_group(kind: str) -> click.Group:
    """Return the commands about the flavors of a component type."""
    group = SpeakingGroup("flavor", help=f"See the flavors of the type {kind.replace('_', ' ')}, and offer your own.")
    _add_showing(group, kind)
    _add_registering(group, kind)
    return group


def _project() -> Project:
    from dovetail.project import Project

    return Project.find()


def _add_showing(group: click.Group, kind: str) -> None:
    @group.command("list")
    @click.option("--verify", is_flag=True, help="Load every flavor, and tell which cannot be used.")
    @output_option
    def list_flavors(verify: bool, output: str) -> None:
        """List the flavors; what is broken has the reason and the remedy."""
        rows = [_row(row) for row in (_verified(kind) if verify else _offered(kind))]
        print_rows(rows, ["name", "source", "problem", "remedy"], output, f"no flavor of {kind} is installed")

    @group.command()
    @click.argument("name", shell_complete=complete_flavors(kind))
    @output_option
    def describe(name: str, output: str) -> None:
        """Show what a flavor is, what it can do, and its settings."""
        catalog = _project().catalog()
        offers = [row for row in catalog.rows(kind) if row.name == name] or [catalog.find(kind, name)]
        rows = [catalog.verified(row) for row in offers]
        if any(row.problem is not None for row in rows):
            for row in rows:
                print_record(_row(row), output)
            raise click.exceptions.Exit(1)
        _print_flavor(rows[0], catalog.load(kind, name), output)


def _offered(kind: str) -> list[FlavorRow]:
    from dovetail_core.discovery import offered_flavors

    return [row for row in offered_flavors(_project().local_flavors()) if row.type == kind]


def _verified(kind: str) -> list[FlavorRow]:
    catalog = _project().catalog()
    return [catalog.verified(row) for row in catalog.rows(kind)]


def _row(row: FlavorRow) -> dict[str, Any]:
    problem, remedy = (row.problem.reason, row.problem.remedy) if row.problem else ("", "")
    return {"name": row.name, "source": row.source, "target": row.target, "problem": problem, "remedy": remedy}


def _print_flavor(row: FlavorRow, flavor: Any, output: str) -> None:
    from dovetail.cli.component_options import options_of

    settings = []
    for option, (name, field) in zip(options_of(flavor), flavor.Config.model_fields.items(), strict=True):
        settings.append({"setting": name, "option": option.opts[0], "required": field.is_required(), "description": option.help or ""})
    record = {
        "name": row.name,
        "type": row.type,
        "source": row.source,
        "target": row.target,
        "interface": flavor.interface,
        "capabilities": sorted(str(getattr(one, "value", one)) for one in flavor.capabilities),
        "description": " ".join((flavor.__doc__ or "").split("\n\n")[0].split()),
    }
    if output != "table":
        print_record({**record, "settings": settings}, output)
        return
    print_record(record, output)
    click.echo()
    print_rows(settings, ["setting", "required", "description"], output, "it has no settings")


def _add_registering(group: click.Group, kind: str) -> None:
    @group.command()
    @click.argument("words", nargs=-1, required=True, metavar="[NAME] MODULE:CLASS")
    @output_option
    def register(words: tuple[str, ...], output: str) -> None:
        """Offer a class of the project as the flavor NAME, by default the name that the class says."""
        from dovetail.stackfile import local_flavors

        if len(words) > 2 or ":" not in words[-1]:
            raise click.UsageError(f"'{' '.join(words)}' is not of the form [NAME] MODULE:CLASS", click.get_current_context())
        name = local_flavors.register(_project(), kind, words[0] if len(words) == 2 else None, words[-1])
        print_done(f"Registered {kind} flavor '{name}'.", {"type": kind, "flavor": name, "target": words[-1]}, output)

    @group.command()
    @click.argument("name", shell_complete=complete_own_flavors(kind))
    @output_option
    def unregister(name: str, output: str) -> None:
        """Offer a flavor of the project no more."""
        from dovetail.stackfile import local_flavors

        local_flavors.unregister(_project(), kind, name)
        print_done(f"Unregistered {kind} flavor '{name}'.", {"type": kind, "flavor": name}, output)

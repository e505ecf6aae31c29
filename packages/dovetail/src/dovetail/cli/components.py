"""The group of commands of a component type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dovetail.cli.completion import complete_components, complete_flavors, complete_set_attributes
from dovetail.cli.flavors import flavor_group
from dovetail.cli.offered_commands import OfferingGroup
from dovetail.cli.printing import output_option, print_done, print_record, print_rows
from dovetail.cli.type_commands import GROUP, TypeHost

if TYPE_CHECKING:
    from dovetail.project import Project
    from dovetail_core import Component

F = TypeVar("F", bound=Callable[..., Any])


def component_group(kind: str) -> click.Group:
    """Return the commands of a component type, also those that its package adds. Nothing of the type is imported."""
    title = kind.replace("_", " ")
    group = OfferingGroup(
        kind.replace("_", "-"),
        lazy={},
        offers=f"{GROUP}.{kind}",
        callback=_hosting(kind),
        help=f"Declare, inspect and change components of type {title}, and see its flavors.",
    )
    group.short_help = f"Components of type {title}, and their flavors."
    group.add_command(flavor_group(kind))
    for add in (_add_showing, _add_registering, _add_changing, _add_copying, _add_provisioning):
        add(group, kind)
    return group


def _hosting(kind: str) -> Callable[[], None]:
    def host() -> None:
        click.get_current_context().obj = TypeHost(kind)

    return host


def _project() -> Project:
    from dovetail.project import Project

    return Project.find()


def _name(kind: str) -> Callable[[F], F]:
    return click.argument("name", shell_complete=complete_components(kind))


def _add_showing(group: click.Group, kind: str) -> None:
    @group.command("list")
    @output_option
    def list_components(output: str) -> None:
        """List the components."""
        from dovetail.cli.component_views import component_rows

        rows = component_rows(_project(), kind)
        print_rows(rows, ["active", "name", "flavor", "stacks", "problem", "remedy"], output, f"no {kind} is registered")

    @group.command()
    @_name(kind)
    @output_option
    def describe(name: str, output: str) -> None:
        """Show a component with its settings; secrets are masked."""
        from dovetail.cli.component_views import component_record

        print_record(component_record(_project(), kind, name), output)

    @group.command()
    @output_option
    def get(output: str) -> None:
        """Print the name of the active stack's component."""
        from dovetail.cli.component_views import active_names

        names = active_names(_project(), kind)
        print_rows([{"name": name} for name in names], ["name"], output) if output != "table" else click.echo("\n".join(names))


def _add_registering(group: click.Group, kind: str) -> None:
    from dovetail.cli.component_options import SettingsCommand, settings_in

    def for_registering(words: Sequence[str]) -> type[Component] | None:
        flavor = _flavor_word(words)
        return _project().catalog().load(kind, flavor) if flavor else None

    def for_updating(words: Sequence[str]) -> type[Component] | None:
        project = _project()
        known = {one.name: one.flavor for one in project.file.components(kind)}
        named = next((known[word] for word in words if word in known), None)
        return project.catalog().load(kind, named) if named else None

    @group.command(cls=SettingsCommand, flavor_of=for_registering)
    @click.argument("name")
    @click.option("--flavor", required=True, shell_complete=complete_flavors(kind), help="Flavor; with it, --help shows its settings.")
    @output_option
    def register(name: str, flavor: str, output: str, **values: Any) -> None:
        """Declare a component NAME, with the settings of its flavor as options."""
        from dovetail.stackfile import components

        components.register(_project(), kind, name, flavor, settings_in(values))
        print_done(f"Registered {kind} '{name}' (flavor {flavor}).", {"type": kind, "name": name, "flavor": flavor}, output)

    @group.command(cls=SettingsCommand, flavor_of=for_updating)
    @_name(kind)
    @output_option
    def update(name: str, output: str, **values: Any) -> None:
        """Change settings of a component; with NAME, --help shows them."""
        from dovetail.stackfile import components

        _project().file.component(kind, name)
        settings = settings_in(values)
        if not settings:
            raise click.UsageError("no setting is given", click.get_current_context())
        components.update(_project(), kind, name, settings)
        print_done(f"Updated {kind} '{name}'.", {"type": kind, "name": name, "changed": sorted(settings)}, output)


def _flavor_word(words: Sequence[str]) -> str | None:
    for index, word in enumerate(words):
        if word.startswith("--flavor="):
            return word.removeprefix("--flavor=")
        if word == "--flavor" and index + 1 < len(words):
            return words[index + 1]
    return None


def _add_changing(group: click.Group, kind: str) -> None:
    @group.command("remove-attribute")
    @_name(kind)
    @click.argument("attribute", nargs=-1, required=True, shell_complete=complete_set_attributes(kind))
    @output_option
    def remove_attribute(name: str, attribute: tuple[str, ...], output: str) -> None:
        """Remove settings of a component, so that their defaults hold."""
        from dovetail.stackfile import components

        settings = [one.replace("-", "_") for one in attribute]
        components.remove_attributes(_project(), kind, name, settings)
        print_done(f"Removed {', '.join(settings)} of {kind} '{name}'.", {"type": kind, "name": name, "removed": settings}, output)

    @group.command()
    @_name(kind)
    @output_option
    def delete(name: str, output: str) -> None:
        """Remove a component that no stack uses."""
        from dovetail.stackfile import components

        components.delete(_project(), kind, name)
        print_done(f"Deleted {kind} '{name}'.", {"type": kind, "name": name}, output)


def _add_copying(group: click.Group, kind: str) -> None:
    @group.command()
    @_name(kind)
    @click.argument("new")
    @output_option
    def rename(name: str, new: str, output: str) -> None:
        """Give a component a NEW name, also in the stacks that use it."""
        from dovetail.stackfile import components

        users = components.rename(_project(), kind, name, new)
        also = f", also in stack {', '.join(users)}" if users else ""
        done = {"type": kind, "name": new, "renamed_from": name, "stacks": list(users)}
        print_done(f"Renamed {kind} '{name}' to '{new}'{also}.", done, output)

    @group.command("copy")
    @_name(kind)
    @click.argument("new")
    @output_option
    def copy_component(name: str, new: str, output: str) -> None:
        """Declare a component NEW with the settings of another."""
        from dovetail.stackfile import components

        components.copied(_project(), kind, name, new)
        print_done(f"Copied {kind} '{name}' to '{new}'.", {"type": kind, "name": new, "copied_from": name}, output)


def _add_provisioning(group: click.Group, kind: str) -> None:
    @group.command()
    @_name(kind)
    @output_option
    def up(name: str, output: str) -> None:
        """Create and start what a component needs."""
        from dovetail.cli.provisioning import bring_up, component_stack, print_states

        with component_stack(_project(), kind, name) as stack:
            print_states([bring_up(stack.get(kind))], output)

    @group.command()
    @_name(kind)
    @click.option("--deprovision", is_flag=True, help="Also remove what was created.")
    @output_option
    def down(name: str, deprovision: bool, output: str) -> None:
        """Stop what a component needs."""
        from dovetail.cli.provisioning import bring_down, component_stack, print_states

        with component_stack(_project(), kind, name) as stack:
            print_states([bring_down(stack.get(kind), deprovision)], output)

"""The commands about stacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dovetail.cli.completion import complete_components, complete_components_of_stack, complete_stacks, complete_types_of_stack
from dovetail.cli.lazy_groups import LazyGroup
from dovetail.cli.printing import output_option, print_done, print_record, print_rows
from dovetail_core.discovery import offered_types

if TYPE_CHECKING:
    from dovetail.project import Project

F = TypeVar("F", bound=Callable[..., Any])
_MOVING = {
    "export": ("dovetail.cli.stack_transfer:export_stack", "Print a stack and its components, without secrets."),
    "import": ("dovetail.cli.stack_transfer:import_stack", "Add an exported stack and its components."),
    "up": ("dovetail.cli.stack_transfer:up", "Create and start what a stack's components need."),
    "down": ("dovetail.cli.stack_transfer:down", "Stop what a stack's components need."),
}


@click.group(cls=LazyGroup, lazy=_MOVING)
def stack() -> None:
    """Declare, change, choose and move stacks."""


def project_here() -> Project:
    """Return the project around the working directory."""
    from dovetail.project import Project

    return Project.find()


def optional_name(command: F) -> F:
    """Add the argument that names a stack; without it, None is the active one."""
    return click.argument("name", required=False, shell_complete=complete_stacks)(command)


def _required_name(command: F) -> F:
    return click.argument("name", shell_complete=complete_stacks)(command)


def _component_options(command: F) -> F:
    """Add an option per installed component type; each may be given several times."""
    for kind in reversed(list(offered_types())):
        title = kind.replace("_", " ")
        option = click.option(
            f"--{kind.replace('_', '-')}",
            "type_" + kind,
            multiple=True,
            metavar="NAME",
            shell_complete=complete_components(kind),
            help=f"The {title}, by name.",
        )
        command = option(command)
    return command


def _chosen(values: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name.removeprefix("type_"): names for name, names in values.items() if names}


@stack.command("list")
@output_option
def list_stacks(output: str) -> None:
    """List the stacks."""
    project = project_here()
    file = project.file
    kinds = sorted({kind for types in file.stacks().values() for kind in types})
    rows = [
        {"active": "*" if name == file.active else "", "name": name, **{kind: list(types.get(kind, ())) for kind in kinds}}
        for name, types in file.stacks().items()
    ]
    print_rows(rows, ["active", "name", *kinds], output)


@stack.command()
@optional_name
@output_option
def describe(name: str | None, output: str) -> None:
    """Show a stack with its components' settings, the active one by default; secrets are masked."""
    from dovetail.cli.component_views import component_record

    project = project_here()
    name = name or project.file.active
    components: list[dict[str, Any]] = []
    for kind, names in project.file.stack(name).items():
        declared = {one.name for one in project.file.components(kind)}
        for one in names:
            missing = {"type": kind, "name": one, "flavor": "", "settings": {}, "problem": "it is not declared"}
            components.append(component_record(project, kind, one) if one in declared else missing)
    if output != "table":
        print_record({"name": name, "active": name == project.file.active, "components": components}, output)
        return
    print_record({"name": name, "active": name == project.file.active}, output)
    click.echo()
    print_rows(components, ["type", "name", "flavor", "settings", "problem"], output)


@stack.command()
@click.argument("name")
@_component_options
@click.option("--set", "activate", is_flag=True, help="Also make it the active stack.")
@output_option
def register(name: str, activate: bool, output: str, **values: Any) -> None:
    """Declare a stack NAME of registered components."""
    from dovetail.stackfile import stacks

    project = project_here()
    stacks.register(project, name, _chosen(values))
    if activate:
        stacks.activate(project, name)
    also = ", and made it the active one" if activate else ""
    print_done(f"Registered stack '{name}'{also}.", {"stack": name, "active": activate}, output)


@stack.command()
@_required_name
@_component_options
@output_option
def update(name: str, output: str, **values: Any) -> None:
    """Replace components of a stack, by type; the other types stay."""
    from dovetail.stackfile import stacks

    if not _chosen(values):
        raise click.UsageError("no component is given", click.get_current_context())
    stacks.update(project_here(), name, _chosen(values))
    print_done(f"Updated stack '{name}'.", {"stack": name}, output)


@stack.command("remove-component")
@_required_name
@click.argument("kind", metavar="TYPE", shell_complete=complete_types_of_stack)
@click.argument("component", required=False, shell_complete=complete_components_of_stack)
@output_option
def remove_component(name: str, kind: str, component: str | None, output: str) -> None:
    """Take a component out of a stack, or all of a TYPE."""
    from dovetail.stackfile import stacks

    stacks.remove_component(project_here(), name, kind.replace("-", "_"), component)
    removed = {"stack": name, "type": kind.replace("-", "_"), "component": component}
    print_done(f"Removed {kind} from stack '{name}'.", removed, output)


@stack.command("set")
@_required_name
@output_option
def set_active(name: str, output: str) -> None:
    """Make a stack the active one."""
    from dovetail.stackfile import stacks

    stacks.activate(project_here(), name)
    print_done(f"Stack '{name}' is active.", {"stack": name, "active": True}, output)


@stack.command()
@output_option
def get(output: str) -> None:
    """Print the name of the active stack."""
    file = project_here().file
    file.stack(file.active)
    print_done(file.active, {"name": file.active}, output)


@stack.command()
@optional_name
@output_option
def validate(name: str | None, output: str) -> int:
    """Tell everything that is wrong with a stack, the active one by default."""
    project = project_here()
    name = name or project.file.active
    findings = project.findings(name)
    if output != "table":
        rows = [{"subject": one.subject, "problem": one.problem, "remedy": one.remedy} for one in findings]
        print_record({"stack": name, "valid": not findings, "findings": rows}, output)
    else:
        for one in findings:
            click.echo(str(one))
        click.echo(f"Stack '{name}' is valid." if not findings else f"{len(findings)} to mend.")
    return 1 if findings else 0


@stack.command()
@_required_name
@click.argument("new")
@output_option
def rename(name: str, new: str, output: str) -> None:
    """Give a stack a NEW name."""
    from dovetail.stackfile import stacks

    stacks.rename(project_here(), name, new)
    print_done(f"Renamed stack '{name}' to '{new}'.", {"stack": new, "renamed_from": name}, output)


@stack.command("copy")
@_required_name
@click.argument("new")
@output_option
def copy_stack(name: str, new: str, output: str) -> None:
    """Declare a stack NEW of the same components as another."""
    from dovetail.stackfile import stacks

    stacks.copied(project_here(), name, new)
    print_done(f"Copied stack '{name}' to '{new}'.", {"stack": new, "copied_from": name}, output)


@stack.command()
@_required_name
@output_option
def delete(name: str, output: str) -> None:
    """Remove a stack; its components stay."""
    from dovetail.stackfile import stacks

    stacks.delete(project_here(), name)
    print_done(f"Deleted stack '{name}'.", {"stack": name}, output)

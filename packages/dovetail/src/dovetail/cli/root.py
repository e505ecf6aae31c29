"""The command `dovetail`. Importing it, and asking for its help, loads nothing but click and the standard library."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import click

from dovetail.cli.failures import EXIT_CODES, set_debugging
from dovetail.cli.offered_commands import OfferingGroup
from dovetail.cli.type_commands import GROUP
from dovetail_core.discovery import offered_types

_COMMANDS = {
    "init": ("dovetail.cli.initialisation:init", "Make the working directory a project."),
    "run": ("dovetail.cli.running:run", "Run a pipeline."),
    "runs": ("dovetail.cli.runs:runs", "List, inspect, cancel, resume and delete runs."),
    "artifacts": ("dovetail.cli.artifacts:artifacts", "List, inspect and download artifacts."),
    "doctor": ("dovetail.cli.doctor:doctor", "Check every component, flavor and plugin."),
    "stack": ("dovetail.cli.stacks:stack", "Declare, change, choose and move stacks."),
    "schema": ("dovetail.cli.schemas:schema", "Print the JSON Schema of dovetail.yaml, for editors."),
    "completion": ("dovetail.cli.completion:completion", "Print a shell's completion script."),
}
_HOOKS = "dovetail.hooks.v1"


class Root(OfferingGroup):
    """The built-in commands, a group per installed component type, and the commands of packages and hook plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, the built-in ones first."""
        types = [_dashed(name) for name in offered_types()]
        return [*_COMMANDS, *types, *sorted({*self.offered(), *_plugin_commands()} - {*_COMMANDS, *types})]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; plugins are loaded only if no other command has the name."""
        kind = cmd_name.replace("-", "_")
        if cmd_name not in _COMMANDS and _dashed(kind) == cmd_name and kind in offered_types():
            from dovetail.cli.components import component_group

            return component_group(kind)
        return super().get_command(ctx, cmd_name) or _plugin_commands().get(cmd_name)


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _plugin_commands() -> dict[str, click.Command]:
    if not importlib.metadata.entry_points(group=_HOOKS):
        return {}
    from dovetail_core.hooks import installed_hooks

    offered = [command for found in installed_hooks().call("dovetail_commands") for command in found]
    return {str(command.name): command for command in offered if isinstance(command, click.Command)}


def _version(ctx: click.Context, parameter: Any, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        try:
            version = importlib.metadata.version("dovetail")
        except importlib.metadata.PackageNotFoundError:
            version = "(not installed)"
        click.echo(f"dovetail {version}")
        ctx.exit()


_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 120}


@click.command(cls=Root, lazy=_COMMANDS, offers=GROUP, epilog=EXIT_CODES, context_settings=_CONTEXT)
@click.option("--debug", is_flag=True, help="Show tracebacks of errors.")
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit.")
def dovetail(debug: bool) -> None:
    """Pipelines of typed functions on stacks of components that fit."""
    set_debugging(debug)

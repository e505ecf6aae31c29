"""The command `dovetail`. Importing it, and asking for its help, loads nothing but click and the standard library."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import click

from dovetail.cli.failures import EXIT_CODES, set_debugging
from dovetail.cli.lazy_groups import LazyGroup
from dovetail_core.discovery import offered_types

_COMMANDS = {
    "init": ("dovetail.cli.initialisation:init", "Make the working directory a project."),
    "run": ("dovetail.cli.running:run", "Run a pipeline."),
    "runs": ("dovetail.cli.runs:runs", "List, inspect, cancel, resume and delete runs."),
    "artifacts": ("dovetail.cli.artifacts:artifacts", "List, inspect and download artifacts."),
    "doctor": ("dovetail.cli.doctor:doctor", "Check every component, flavor and plugin."),
    "stack": ("dovetail.cli.stacks:stack", "Declare, change, choose and move stacks."),
    "completion": ("dovetail.cli.completion:completion", "Print a shell's completion script."),
}
_HOOKS = "dovetail.hooks.v1"
_OFFERED = "dovetail.commands.v1"
"""Group of commands that are imported when they are run, and not when they are listed."""


class Root(LazyGroup):
    """The built-in commands, a group per installed component type, and the commands of hook plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, the built-in ones first."""
        types = [_dashed(name) for name in offered_types()]
        return [*_COMMANDS, *types, *sorted({*_offered(), *_plugin_commands()} - {*_COMMANDS, *types})]

    def help_lines(self, ctx: click.Context) -> list[tuple[str, str]]:
        """Return the commands with their help in one line; of those that packages offer, the package."""
        offered = _offered()
        return [(name, _package(offered[name]) if name in offered else self._help(ctx, name)) for name in self.list_commands(ctx)]

    def _help(self, ctx: click.Context, name: str) -> str:
        if name in _COMMANDS:
            return _COMMANDS[name][1]
        command = self.get_command(ctx, name)
        return command.get_short_help_str(100) if command is not None else ""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; plugins are loaded only if no other command has the name."""
        if cmd_name in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        kind = cmd_name.replace("-", "_")
        if _dashed(kind) == cmd_name and kind in offered_types():
            from dovetail.cli.components import component_group

            return component_group(kind)
        if cmd_name in (offered := _offered()):
            return _loaded(offered[cmd_name])
        return _plugin_commands().get(cmd_name)


def _offered() -> dict[str, importlib.metadata.EntryPoint]:
    return {point.name: point for point in importlib.metadata.entry_points(group=_OFFERED)}


def _package(point: importlib.metadata.EntryPoint) -> str:
    return f"Of the package {point.dist.name}." if point.dist else ""


def _loaded(point: importlib.metadata.EntryPoint) -> click.Command:
    package = point.dist.name if point.dist else point.value
    try:
        command = point.load()
    except Exception as error:
        raise click.ClickException(
            f"the command '{point.name}' of {package} cannot be loaded: {error} (pip install --force-reinstall {package})"
        ) from error
    if not isinstance(command, click.Command):
        raise click.ClickException(f"'{point.value}' of {package} is no command (pip uninstall {package}, or tell its author)")
    return command


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


@click.command(cls=Root, lazy=_COMMANDS, epilog=EXIT_CODES, context_settings=_CONTEXT)
@click.option("--debug", is_flag=True, help="Show tracebacks of errors.")
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit.")
def dovetail(debug: bool) -> None:
    """Pipelines of typed functions on stacks of components that fit."""
    set_debugging(debug)

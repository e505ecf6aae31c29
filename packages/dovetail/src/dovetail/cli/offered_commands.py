"""Commands that packages offer by entry points: they are imported when they are run, and not when they are listed."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import click

from dovetail.cli.lazy_groups import LazyGroup


class OfferingGroup(LazyGroup):
    """A group that also has the commands which packages offer under a group of entry points; of one name its own come first."""

    def __init__(self, *args: Any, offers: str, **more: Any) -> None:
        super().__init__(*args, **more)
        self._offers = offers

    def offered(self) -> dict[str, importlib.metadata.EntryPoint]:
        """Return the entry points of what is offered, by the names of the commands."""
        return {point.name: point for point in importlib.metadata.entry_points(group=self._offers)}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return sorted({*super().list_commands(ctx), *self.offered()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported if need be."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        point = self.offered().get(cmd_name)
        return None if point is None else _loaded(point)

    def help_lines(self, ctx: click.Context) -> list[tuple[str, str]]:
        """Return the commands with their help in one line; of those that packages offer, the package."""
        offered = self.offered()
        return [(name, self._line(ctx, name, offered.get(name))) for name in self.list_commands(ctx)]

    def _line(self, ctx: click.Context, name: str, point: importlib.metadata.EntryPoint | None) -> str:
        if name in self._lazy:
            return self._lazy[name][1]
        if point is not None and name not in self.commands:
            return f"Of the package {point.dist.name}." if point.dist else ""
        command = self.get_command(ctx, name)
        return command.get_short_help_str(100) if command is not None else ""


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

"""Groups whose commands are imported when they are run, and that tell the closest command for a misspelt one."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from dovetail.stackfile.document import closest


class SpeakingGroup(click.Group):
    """A group that names the closest command when there is none of the name."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the arguments name. Raises `UsageError`."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise click.UsageError(f"there is no command '{ctx.command_path} {args[0]}'{closest(args[0], self.list_commands(ctx))}", ctx)
        return super().resolve_command(ctx, args)


class LazyGroup(SpeakingGroup):
    """A group of commands given as name -> (`module:attribute`, help in one line)."""

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **more: Any) -> None:
        super().__init__(*args, **more)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return sorted({*self._lazy, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported if need be."""
        if cmd_name not in self._lazy:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self._lazy[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def help_lines(self, ctx: click.Context) -> list[tuple[str, str]]:
        """Return the commands with their help in one line; nothing is imported for the lazy ones."""
        lines = []
        for name in self.list_commands(ctx):
            if name in self._lazy:
                lines.append((name, self._lazy[name][1]))
            elif (command := self.get_command(ctx, name)) is not None:
                lines.append((name, command.get_short_help_str(100)))
        return lines

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl(self.help_lines(ctx))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Return the commands that begin so."""
        from click.shell_completion import CompletionItem

        lines = self.help_lines(ctx)
        return [CompletionItem(name, help=text) for name, text in lines if name.startswith(incomplete)] + click.Command.shell_complete(
            self, ctx, incomplete
        )

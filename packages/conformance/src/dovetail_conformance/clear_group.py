"""A command that is a program of its own, and shows errors as sentences."""

from __future__ import annotations

import click

from dovetail_core.errors import DovetailError


class ClearGroup(click.Group):
    """A group of commands that prints an error of the taxonomy as one paragraph."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except DovetailError as error:
            raise click.ClickException(str(error)) from error

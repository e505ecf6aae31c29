"""Shell completion: the script for a shell, and the names that are completed. Completing reads the stack file, and never fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dovetail.stackfile import StackFile

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a SHELL.

    \b
    bash:  eval "$(dovetail completion bash)"      in ~/.bashrc
    zsh:   eval "$(dovetail completion zsh)"       in ~/.zshrc
    fish:  dovetail completion fish | source       in ~/.config/fish/config.fish
    """
    from dovetail.cli.root import dovetail
    from dovetail.cli.shells import VARIABLE, Bash, Fish, Zsh

    kind = {"bash": Bash, "zsh": Zsh, "fish": Fish}[shell]
    script = kind(dovetail, {}, "dovetail", VARIABLE)
    click.echo(script.source_template % script.source_vars())  # BashComplete.source() would run bash to learn its version


def beginning(incomplete: str, names: Callable[[], Iterable[str]]) -> list[str]:
    """Return the names that begin so; none if they cannot be told, such as from a damaged file."""
    try:
        return [name for name in names() if name.startswith(incomplete)]
    except Exception:
        return []


def complete_stacks(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the stacks that begin so."""
    return beginning(incomplete, lambda: _file().stacks())


def complete_components(kind: str) -> Complete:
    """Return what completes the components of a type."""
    return lambda ctx, parameter, incomplete: beginning(incomplete, lambda: [one.name for one in _file().components(kind)])


def complete_flavors(kind: str) -> Complete:
    """Return what completes the flavors of a component type."""
    return lambda ctx, parameter, incomplete: beginning(incomplete, lambda: _flavor_names(kind))


def complete_own_flavors(kind: str) -> Complete:
    """Return what completes the flavors of a component type that the project offers itself."""
    return lambda ctx, parameter, incomplete: beginning(incomplete, lambda: sorted(_file().flavors().get(kind, {})))


def complete_set_attributes(kind: str) -> Complete:
    """Return what completes the settings that a component sets, the component being the argument `name`."""

    def names(ctx: click.Context) -> Iterable[str]:
        given = _already(ctx, "attribute")
        return [one for one in _file().component(kind, ctx.params["name"]).settings if one not in given]

    return lambda ctx, parameter, incomplete: beginning(incomplete, lambda: names(ctx))


def complete_types_of_stack(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the types of the components that a stack has, the stack being the argument `name`."""
    return beginning(incomplete, lambda: _file().stack(ctx.params["name"]))


def complete_components_of_stack(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the components that a stack has of a type, the arguments being `name` and `kind`."""
    return beginning(incomplete, lambda: _file().stack(ctx.params["name"])[ctx.params["kind"].replace("-", "_")])


def _already(ctx: click.Context, argument: str) -> Sequence[str]:
    """Return the values that an argument of several has so far."""
    return ctx.params.get(argument) or ()


def _flavor_names(kind: str) -> Iterable[str]:
    from dovetail_core.discovery import offered_flavors

    return sorted({row.name for row in offered_flavors(_file().flavors()) if row.type == kind})


def _file() -> StackFile:
    from dovetail.project import Project

    return Project.find().file

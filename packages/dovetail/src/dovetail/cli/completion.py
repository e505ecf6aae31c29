"""Shell completion: the script for a shell, and the names that are completed. Completing reads the stack file, and never fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click

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
    from click.shell_completion import BashComplete, FishComplete, ZshComplete

    from dovetail.cli.root import dovetail

    kind = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}[shell]
    script = kind(dovetail, {}, "dovetail", "_DOVETAIL_COMPLETE")
    click.echo(script.source_template % script.source_vars())  # BashComplete.source() would run bash to learn its version


def complete_stacks(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the stacks that begin so."""
    return _beginning(incomplete, lambda: _file().stacks())


def complete_components(kind: str) -> Complete:
    """Return what completes the components of a type."""
    return lambda ctx, parameter, incomplete: _beginning(incomplete, lambda: [one.name for one in _file().components(kind)])


def complete_flavors(kind: str) -> Complete:
    """Return what completes the flavors of a component type."""
    return lambda ctx, parameter, incomplete: _beginning(incomplete, lambda: _flavor_names(kind))


def _flavor_names(kind: str) -> Iterable[str]:
    from dovetail_core.discovery import offered_flavors

    return sorted({row.name for row in offered_flavors(_file().flavors()) if row.type == kind})


def _file() -> Any:
    from dovetail.project import Project

    return Project.find().file


def _beginning(incomplete: str, names: Callable[[], Iterable[str]]) -> list[str]:
    try:
        return [name for name in names() if name.startswith(incomplete)]
    except Exception:  # a damaged file must not spill a traceback into the shell's line
        return []

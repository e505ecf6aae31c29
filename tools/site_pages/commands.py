"""The command line, as click knows it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from site_pages.markup import code, plain, table


def commands(root: click.Command, name: str, left_out: frozenset[str]) -> str:
    """Return a section per command, in the order of the help, without some of the commands at the top."""
    context = click.Context(root, info_name=name, max_content_width=100)
    return "\n".join(_sections(context, 2, left_out))


def _sections(context: click.Context, level: int, left_out: frozenset[str] = frozenset()) -> Iterator[str]:
    command = context.command
    yield f"{'#' * min(level, 4)} {context.command_path}\n"
    yield _paragraphs(command.help or command.short_help or "")
    yield code(f"{context.command_path} {' '.join(command.collect_usage_pieces(context))}", "text")
    if rows := list(_options(context)):
        yield table(("option", "meaning"), rows)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = None if name in left_out else command.get_command(context, name)
            if inner is not None and not inner.hidden:
                yield from _sections(click.Context(inner, parent=context, info_name=name), level + 1)


def _paragraphs(text: str) -> str:
    return "\n".join(plain(part.removeprefix("\b")) + "\n" for part in text.split("\n\n"))


def _options(context: click.Context) -> Iterator[tuple[str, str]]:
    for parameter in context.command.get_params(context):
        shown = parameter.get_help_record(context)
        if shown is not None and shown[1] and "--help" not in parameter.opts:  # what has no help is in the line of usage
            yield f"`{shown[0]}`", plain(shown[1])

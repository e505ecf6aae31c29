"""Markdown, as the pages of the documentation are written in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_CODE = re.compile(r"(`[^`]*`)")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table. Cells are Markdown already."""
    lines = [headings, ("---",) * len(headings), *rows]
    return "".join(f"| {' | '.join(_cell(text) for text in line)} |\n" for line in lines)


def code(text: str, language: str = "python", searched: bool = True) -> str:
    """Return a block of code, behind a fence that it does not contain; `searched`: whether the site's search finds what is in it."""
    longest = max((len(found) for found in re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    opening = language if searched else f" {{ .{language} data-search-exclude }}"
    return f"{fence}{opening}\n{text.rstrip()}\n{fence}\n"


def folded(title: str, body: str) -> str:
    """Return a part that is shown when its title is clicked."""
    lines = "".join(f"    {line}\n" if line else "\n" for line in body.splitlines())
    return f'??? note "{title}"\n\n{lines}'


def plain(text: str) -> str:
    """Return text in which nothing but code in backticks is markup."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(part if number % 2 else re.sub(r"([\\*_<>\[\]])", r"\\\1", part) for number, part in enumerate(parts))


def sentence(text: str | None) -> str:
    """Return the first paragraph of a docstring, as plain text."""
    return plain((text or "").strip().partition("\n\n")[0])


def _cell(text: str) -> str:
    """Return the text of a cell. Within code a bar does not end it, and a backslash would be shown."""
    parts = _CODE.split(text.replace("\n", " "))
    return "".join(part if number % 2 else part.replace("|", "\\|") for number, part in enumerate(parts))

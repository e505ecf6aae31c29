"""The directory, at a project's root, of what the embedded flavors store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

STATE = ".dovetail"
_IGNORED = "# What runs leave behind.\n*\n"


def keep_out_of_git(root: Path) -> None:
    """Write a `.gitignore` into the directory of a project's state, unless it has one; that it cannot be written is no error."""
    with suppress(OSError), (root / STATE / ".gitignore").open("x") as file:
        file.write(_IGNORED)


@contextmanager
def kept_out_of_git(root: Path) -> Iterator[None]:
    """Keep the directory out of git if it comes into being within the block; what is there already is its owner's."""
    was_there = (root / STATE).exists()
    try:
        yield
    finally:
        if not was_there:
            keep_out_of_git(root)

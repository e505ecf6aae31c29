"""The command line."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    from dovetail.cli.failures import exit_code_of
    from dovetail.cli.root import dovetail

    return exit_code_of(dovetail, arguments)

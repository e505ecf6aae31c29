"""The command line."""

from __future__ import annotations

import os
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    from dovetail.cli.failures import exit_code_of
    from dovetail.cli.root import dovetail

    if "_DOVETAIL_COMPLETE" in os.environ:
        from dovetail.cli.shells import register

        register()
    return exit_code_of(dovetail, arguments)

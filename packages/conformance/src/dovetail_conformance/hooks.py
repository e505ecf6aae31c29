"""The plugin that adds the command to `dovetail`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dovetail_core.hookspecs import hookimpl


@hookimpl
def dovetail_commands() -> Iterable[Any]:
    """Return the command `conformance`."""
    from dovetail_conformance.command import conformance

    return [conformance]

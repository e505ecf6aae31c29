"""What commands that a component type's package adds to `dovetail <type>` are given.

A package offers click commands under the entry-point group `dovetail.commands.v1.<type>`; they are imported when they are run. The
object of their click context is a `Host`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Host(Protocol):
    """Gives commands the project's components, and prints for them as all commands do."""

    def component(self, name: str | None = None) -> AbstractContextManager[Any]:
        """Return a component of the type by its name, or the active stack's, and close it afterwards. Raises `NotFound`."""

    def print_rows(self, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], output: str, empty: str = "") -> None:
        """Print rows as `table`, `json` or `yaml`; tables show only `columns`, and say `empty` if there are no rows."""

    def print_record(self, record: Mapping[str, Any], output: str) -> None:
        """Print one thing as `table`, `json` or `yaml`."""

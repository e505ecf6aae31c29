"""What the commands that a component type's own package adds to the type's group work with: see `dovetail_core.commands.Host`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dovetail.cli.printing import print_record, print_rows

if TYPE_CHECKING:
    from dovetail_core import Component

GROUP = "dovetail.commands.v1"
"""Entry points under `dovetail.commands.v1.<type>` are commands in the group of a type."""


class TypeHost:
    """Gives the commands of a component type the project's components, and prints for them."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    @contextmanager
    def component(self, name: str | None = None) -> Iterator[Component]:
        """Return a component by its name, or the active stack's, and close it afterwards. Raises `NotFound`."""
        from dovetail.cli.component_views import active_names
        from dovetail.cli.provisioning import component_stack
        from dovetail.project import Project

        project = Project.find()
        with component_stack(project, self._kind, name or active_names(project, self._kind)[0]) as stack:
            yield stack.get(self._kind)

    def print_rows(self, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], output: str, empty: str = "") -> None:
        """Print rows as `table`, `json` or `yaml`."""
        print_rows(rows, columns, output, empty)

    def print_record(self, record: Mapping[str, Any], output: str) -> None:
        """Print one thing as `table`, `json` or `yaml`."""
        print_record(record, output)

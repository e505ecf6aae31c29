"""The stacks of a project, as they are declared in `dovetail.yaml`: read, checked and changed without losing what people wrote there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dovetail_core._facade import lazy

if TYPE_CHECKING:
    from dovetail.stackfile.document import Declared as Declared
    from dovetail.stackfile.document import StackFile as StackFile
    from dovetail.stackfile.reading import DamagedFile as DamagedFile
    from dovetail.stackfile.reading import read as read
    from dovetail.stackfile.writing import editing as editing

__all__ = ["DamagedFile", "Declared", "StackFile", "editing", "read"]

_EXPORTS = {
    "DamagedFile": "reading",
    "Declared": "document",
    "StackFile": "document",
    "editing": "writing",
    "read": "reading",
}
if not TYPE_CHECKING:  # a checker is to find the names above, and no others
    __getattr__, __dir__ = lazy(__name__, _EXPORTS)

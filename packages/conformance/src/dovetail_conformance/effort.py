"""How hard a run tries."""

from __future__ import annotations

from enum import IntEnum
from typing import TypeVar

T = TypeVar("T")


class Effort(IntEnum):
    """Efforts, in order: `quick` while editing, `standard` for continuous integration, `full` for a certificate."""

    QUICK = 1
    STANDARD = 2
    FULL = 3

    @property
    def label(self) -> str:
        """How options and reports call it."""
        return self.name.lower()

    @classmethod
    def of(cls, label: str) -> Effort:
        """Return the effort that a label names. Raises ValueError for any other text."""
        try:
            return cls[label.upper()]
        except KeyError:
            raise ValueError(f"there is no effort '{label}': choose {', '.join(effort.label for effort in cls)}") from None

    def pick(self, quick: T, standard: T, full: T) -> T:
        """Return what belongs to this effort."""
        return {Effort.QUICK: quick, Effort.STANDARD: standard, Effort.FULL: full}[self]

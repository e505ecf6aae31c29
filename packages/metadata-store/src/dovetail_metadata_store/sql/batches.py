"""Long lists in parts that fit every database's limit of parameters in a statement."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

SIZE = 250  # SQLite's limit of terms in a compound select is 500, which is the lowest of all that apply


def batches(items: Sequence[T], size: int = SIZE) -> Iterator[Sequence[T]]:
    """Yield the items in parts of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]

"""What is known of stored objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """A stored object."""

    key: str
    """Where it is, relative to the root of the store."""
    size: int
    """Bytes."""
    etag: str
    """Opaque; another one means other bytes."""
    modified: datetime
    """Timezone-aware, UTC."""
    digest: str | None = None
    """`blake3:` and 64 hexadecimal digits, where it is known: after a write, not from a listing."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What was stored with it; empty without USER_METADATA."""


def name_of(item: ObjectInfo | str) -> str:
    """Return the last segment of what is listed: of an object, or of the key of a directory."""
    return (item if isinstance(item, str) else item.key).rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Condition:
    """What a write demands of the object that is there."""

    absent: bool = False
    """Whether nothing may be there: else `AlreadyExists`."""
    match: str | None = None
    """The etag that it must have."""


NO_CONDITION = Condition()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a transfer is."""

    done: int
    """Bytes transferred."""
    total: int
    """Bytes in all."""
    key: str
    """The object that was last worked on."""


OnProgress = Callable[[Progress], object]

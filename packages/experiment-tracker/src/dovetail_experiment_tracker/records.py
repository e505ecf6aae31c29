"""What an experiment tracker records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeVar

T = TypeVar("T")


class RunStatus(StrEnum):
    """How a run is, or how it ended."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    """An exception ended it."""
    KILLED = "killed"
    """Somebody stopped it, or nobody can tell how it ended."""

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self is not RunStatus.RUNNING


class MetricPoint(NamedTuple):
    """One value of a metric."""

    key: str
    value: float
    """Also not a number, or infinite."""
    step: int
    """Any integer of 64 bits with a sign."""
    time: datetime
    """UTC, aware, kept to the millisecond at least."""


@dataclass(frozen=True)
class RunRecord:
    """A run as it is stored."""

    id: str
    """Name that the backend gave the run; 1 to 255 characters."""
    experiment: str
    name: str
    status: RunStatus
    started: datetime
    ended: datetime | None = None
    parent: str | None = None
    """Id of the run that this one belongs to."""
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    """Parameters, with the types that they were logged with: texts, numbers, booleans, None, lists, mappings."""
    latest: Mapping[str, MetricPoint] = field(default_factory=dict)
    """For each metric the point of the highest step; of several, the one of the latest time."""

    @property
    def metrics(self) -> dict[str, float]:
        """The latest value of each metric."""
        return {key: point.value for key, point in self.latest.items()}


@dataclass(frozen=True)
class NewRun:
    """A run that is to be created."""

    key: str
    """32 hexadecimal digits that the caller made: of two creations with one key the second returns what the first made."""
    experiment: str
    name: str
    started: datetime
    parent: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ArtifactInfo:
    """A file of a run."""

    path: str
    """Relative, with `/` between its parts."""
    size: int
    """Bytes."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """A part of a listing; `token` asks for the next one, and is None on the last."""

    items: tuple[T, ...]
    token: str | None = None

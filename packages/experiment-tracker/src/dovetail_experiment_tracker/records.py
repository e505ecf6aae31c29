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
    """It goes on."""
    FINISHED = "finished"
    """It ended as it should."""
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
    """Name of the metric."""
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
    """Name of its experiment."""
    name: str
    """For people; several runs may have it."""
    status: RunStatus
    """How it is, or how it ended."""
    started: datetime
    """When it began, in UTC."""
    ended: datetime | None = None
    """When it ended, in UTC; None: not yet."""
    parent: str | None = None
    """Id of the run that this one belongs to."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Texts by name."""
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
    """Name of its experiment."""
    name: str
    """For people; several runs may have it."""
    started: datetime
    """When it began, in UTC."""
    parent: str | None = None
    """Id of the run that this one belongs to."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Texts by name."""


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
    """The records of this part."""
    token: str | None = None
    """Asks for the next part; None: there is none."""

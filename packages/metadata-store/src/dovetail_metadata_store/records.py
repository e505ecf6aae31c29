"""The records that a metadata store keeps. Times are timezone-aware UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from dovetail_core import Failure

T = TypeVar("T")


class State(StrEnum):
    """State of a run or a step. It only ever advances; a terminal state is never left."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    CACHED = "cached"
    """Of a step: an earlier execution's outputs were taken."""
    SKIPPED = "skipped"
    """Of a step: something before it did not succeed."""
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """Whether nothing follows."""
        return self not in (State.PENDING, State.RUNNING)

    @property
    def good(self) -> bool:
        """Whether what was asked for is there."""
        return self in (State.SUCCEEDED, State.CACHED)


@dataclass(frozen=True)
class Owner:
    """The process that executes a run, so that others can tell whether it lives."""

    host: str
    pid: int
    started: float
    """When the process started, in seconds on a clock that whoever looks on the same host can read too, since process ids are used again."""


@dataclass(frozen=True)
class Run:
    """One execution of a pipeline."""

    id: str
    name: str
    """Unique in the store."""
    pipeline: str
    stack: str
    state: State = State.PENDING
    created: datetime | None = None
    """Set by the store, as are `started`, `updated`, `ended` and `heartbeat`."""
    started: datetime | None = None
    updated: datetime | None = None
    ended: datetime | None = None
    heartbeat: datetime | None = None
    owner: Owner | None = None
    failure: Failure | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    resumed_from: str | None = None
    """Id of the run that this one continues."""
    cancel_requested: bool = False


@dataclass(frozen=True)
class Artifact:
    """A value that a step produced, and where its bytes are."""

    id: str
    run_id: str
    """The run that produced it."""
    step: str
    output: str
    """Name of the step's output."""
    key: str
    """Where it is in the artifact store: an object, or the prefix of a tree."""
    uri: str
    type: str
    """The Python type, as `module.QualifiedName`."""
    materializer: str
    """Name of what wrote it."""
    format: str
    """Name and version of the format, such as `json/1`."""
    size: int
    """Bytes."""
    digest: str
    """Digest of the content, as `algorithm:hex`."""
    created: datetime | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What the materializer says of the value, such as its shape. JSON-able; floats may be infinite or not a number."""


@dataclass(frozen=True)
class Link:
    """Lineage: a step read or wrote an artifact, as its argument or output `name`; `index` orders the items of a fan-in."""

    name: str
    artifact: Artifact
    index: int = 0


@dataclass(frozen=True)
class StepRun:
    """One step of a run, with its latest attempt."""

    run_id: str
    name: str
    position: int = 0
    """Place in the plan."""
    state: State = State.PENDING
    attempt: int = 0
    """Number of the latest attempt, from 1; 0 before the first."""
    started: datetime | None = None
    """When the first attempt began."""
    ended: datetime | None = None
    failure: Failure | None = None
    cache_key: str | None = None
    """Digest of code, parameters and the content of the inputs."""
    provenance_key: str | None = None
    """Digest of code, parameters and the provenance keys of the steps before; known before anything runs."""
    source_run: str | None = None
    """Of a cached step: the run that executed it."""
    inputs: tuple[Link, ...] = ()
    outputs: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """One try of a step."""

    number: int
    state: State
    started: datetime | None
    ended: datetime | None
    failure: Failure | None = None


@dataclass(frozen=True)
class StepCommit:
    """A step's success: everything in it becomes visible together, or nothing does."""

    run_id: str
    step: str
    attempt: int
    outputs: tuple[Link, ...]
    inputs: tuple[Link, ...] = ()
    cache_key: str | None = None
    provenance_key: str | None = None
    source_run: str | None = None
    """Set if the outputs were taken from another run: the step is then `cached`, and its artifacts exist already."""


@dataclass(frozen=True)
class Edge:
    """One step of lineage: `step` of `run_id` read `source` (None if it read nothing) and wrote `target` (None if it wrote nothing)."""

    run_id: str
    step: str
    source: str | None
    target: str | None


@dataclass(frozen=True)
class Lineage:
    """The artifacts that lead to one, or come of it, with the edges between."""

    root: str
    artifacts: Mapping[str, Artifact]
    edges: tuple[Edge, ...]


@dataclass(frozen=True)
class Page(Generic[T]):
    """A part of a listing; `token` asks for the next part, and is None at the end."""

    items: tuple[T, ...]
    token: str | None = None

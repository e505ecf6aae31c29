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
    """Recorded, and not begun."""
    RUNNING = "running"
    """Begun, and not ended."""
    SUCCEEDED = "succeeded"
    """Ended, and what was asked for is there."""
    CACHED = "cached"
    """Of a step: an earlier execution's outputs were taken."""
    SKIPPED = "skipped"
    """Of a step: something before it did not succeed."""
    FAILED = "failed"
    """Ended by an error."""
    CANCELLED = "cancelled"
    """Stopped because somebody asked for it, or because something else failed."""

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
    """Name of the machine."""
    pid: int
    """Process id on it."""
    started: float
    """When the process started, in seconds on a clock that whoever looks on the same host can read too, since process ids are used again."""


@dataclass(frozen=True)
class Run:
    """One execution of a pipeline."""

    id: str
    """32 hexadecimal digits, given by the caller."""
    name: str
    """Unique in the store."""
    pipeline: str
    """Name of the pipeline."""
    stack: str
    """Name of the stack."""
    state: State = State.PENDING
    """How the run is, or how it ended."""
    created: datetime | None = None
    """Set by the store, as are `started`, `updated`, `ended` and `heartbeat`."""
    started: datetime | None = None
    """When it became running."""
    updated: datetime | None = None
    """When its record last changed."""
    ended: datetime | None = None
    """When it ended."""
    heartbeat: datetime | None = None
    """When its process last said that it lives."""
    owner: Owner | None = None
    """The process that executes it, if that is known."""
    failure: Failure | None = None
    """Why it failed, if it did."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """What the run was started with. JSON-able."""
    resumed_from: str | None = None
    """Id of the run that this one continues."""
    cancel_requested: bool = False
    """Whether somebody asked its process to stop."""


@dataclass(frozen=True)
class Artifact:
    """A value that a step produced, and where its bytes are."""

    id: str
    """32 hexadecimal digits."""
    run_id: str
    """The run that produced it."""
    step: str
    """Name of the step that produced it."""
    output: str
    """Name of the step's output."""
    key: str
    """Where it is in the artifact store: an object, or the prefix of a tree."""
    uri: str
    """Where it is, whole, as the artifact store names it."""
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
    """Set by the store."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What the materializer says of the value, such as its shape. JSON-able; floats may be infinite or not a number."""


@dataclass(frozen=True)
class Link:
    """Lineage: a step read or wrote an artifact, as its argument or output `name`; `index` orders the items of a fan-in."""

    name: str
    """Name of the argument, or of the output."""
    artifact: Artifact
    """What was read or written."""
    index: int = 0
    """Place among the items of a fan-in, from 0."""


@dataclass(frozen=True)
class StepRun:
    """One step of a run, with its latest attempt."""

    run_id: str
    """Id of the run."""
    name: str
    """Unique in the run."""
    position: int = 0
    """Place in the plan."""
    state: State = State.PENDING
    """How the step is, or how it ended."""
    attempt: int = 0
    """Number of the latest attempt, from 1; 0 before the first."""
    started: datetime | None = None
    """When the first attempt began."""
    ended: datetime | None = None
    """When it ended for good."""
    failure: Failure | None = None
    """Why the latest attempt failed, if it did."""
    cache_key: str | None = None
    """Digest of code, parameters and the content of the inputs."""
    provenance_key: str | None = None
    """Digest of code, parameters and the provenance keys of the steps before; known before anything runs."""
    source_run: str | None = None
    """Of a cached step: the run that executed it."""
    inputs: tuple[Link, ...] = ()
    """What it read."""
    outputs: tuple[Link, ...] = ()
    """What it wrote."""


@dataclass(frozen=True)
class Attempt:
    """One try of a step."""

    number: int
    """From 1."""
    state: State
    """How it is, or how it ended."""
    started: datetime | None
    """When it began."""
    ended: datetime | None
    """When it ended; None: not yet."""
    failure: Failure | None = None
    """Why it failed, if it did."""


@dataclass(frozen=True)
class StepCommit:
    """A step's success: everything in it becomes visible together, or nothing does."""

    run_id: str
    """Id of the run."""
    step: str
    """Name of the step."""
    attempt: int
    """Number of the attempt that succeeded."""
    outputs: tuple[Link, ...]
    """What the step wrote."""
    inputs: tuple[Link, ...] = ()
    """What the step read."""
    cache_key: str | None = None
    """As of `StepRun`."""
    provenance_key: str | None = None
    """As of `StepRun`."""
    source_run: str | None = None
    """Set if the outputs were taken from another run: the step is then `cached`, and its artifacts exist already."""


@dataclass(frozen=True)
class Edge:
    """One step of lineage: `step` of `run_id` read `source` (None if it read nothing) and wrote `target` (None if it wrote nothing)."""

    run_id: str
    """Id of the run."""
    step: str
    """Name of the step."""
    source: str | None
    """Id of the artifact that was read."""
    target: str | None
    """Id of the artifact that was written."""


@dataclass(frozen=True)
class Lineage:
    """The artifacts that lead to one, or come of it, with the edges between."""

    root: str
    """Id of the artifact that was asked about."""
    artifacts: Mapping[str, Artifact]
    """The artifacts by id, the root with them."""
    edges: tuple[Edge, ...]
    """The steps between them."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """A part of a listing; `token` asks for the next part, and is None at the end."""

    items: tuple[T, ...]
    """The records of this part."""
    token: str | None = None
    """Asks for the next part; None: there is none."""

"""What an author of a metadata store implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from dovetail_core import Failure, Unsupported
from dovetail_metadata_store.lineage import RecordedEdge
from dovetail_metadata_store.queries import ArtifactQuery, Position, RunQuery
from dovetail_metadata_store.records import Artifact, Attempt, Owner, Run, State, StepCommit, StepRun

T = TypeVar("T")


@dataclass(frozen=True)
class Found(Generic[T]):
    """A part of a listing; `after` is the position of its last row, None if nothing follows."""

    items: Sequence[T]
    """The rows of this part, in the order of the query."""
    after: Position | None
    """Position of the last row; None: nothing follows."""


class Primitives(ABC):
    """The primitives of a metadata store. Arguments are checked already; the public methods say what each does and raises.

    Each writing primitive is one transaction that may be repeated: after an ambiguous failure it is simply called again.
    The rules of states are in `dovetail_metadata_store.transitions`.
    """

    @abstractmethod
    def _create_run(self, run: Run, steps: tuple[str, ...], plan: Mapping[str, Any]) -> Run: ...

    @abstractmethod
    def _get_plan(self, run_id: str) -> dict[str, Any]: ...

    @abstractmethod
    def _get_run(self, run_id: str) -> Run: ...

    @abstractmethod
    def _find_runs(self, text: str, prefix: int, limit: int) -> list[Run]:
        """Return the runs whose id or name is `text`; else, if it has `prefix` characters, `limit` of those whose id begins so."""

    @abstractmethod
    def _transition_run(
        self, run_id: str, state: State, expected: Collection[State] | None, owner: Owner | None, failure: Failure | None
    ) -> Run: ...

    @abstractmethod
    def _heartbeat(self, run_id: str) -> bool: ...

    @abstractmethod
    def _request_cancel(self, run_id: str) -> Run: ...

    @abstractmethod
    def _silent_runs(self, seconds: float) -> Sequence[Run]:
        """Return the running runs whose latest heartbeat is more than some seconds ago, the earliest created first."""

    @abstractmethod
    def _delete_run(self, run_id: str) -> Sequence[Artifact]: ...

    @abstractmethod
    def _begin_step(self, run_id: str, step: str, attempt: int) -> None: ...

    @abstractmethod
    def _end_step(self, run_id: str, step: str, attempt: int, state: State, failure: Failure | None, final: bool) -> None: ...

    @abstractmethod
    def _commit_steps(self, commits: Sequence[StepCommit]) -> None: ...

    @abstractmethod
    def _get_steps(self, run_id: str, name: str | None) -> Sequence[StepRun]:
        """Return the steps of a run in order, or the one that is named; at least one, or `NotFound`, unless the run has none."""

    @abstractmethod
    def _get_attempts(self, run_id: str, step: str) -> Sequence[Attempt]: ...

    @abstractmethod
    def _find_cached(self, keys: Sequence[str]) -> Mapping[str, StepRun]: ...

    @abstractmethod
    def _put_metadata(self, run_id: str, entries: Mapping[str, Any], step: str | None) -> None: ...

    @abstractmethod
    def _get_metadata(self, run_id: str, step: str | None) -> dict[str, Any]: ...

    @abstractmethod
    def _get_artifacts(self, ids: Sequence[str]) -> Iterable[Artifact]:
        """Return the artifacts of these ids, in any order; ids that are not there are left out."""

    @abstractmethod
    def _edges(self, artifacts: Sequence[str], direction: Literal["up", "down"]) -> Iterable[RecordedEdge]:
        """Return the edges that end (`up`) or begin (`down`) at any of these artifacts."""

    # For the capability SEARCH

    def _search_runs(self, query: RunQuery, after: Position | None, limit: int) -> Found[Run]:
        """Return at most `limit` runs that follow the position `after`."""
        raise Unsupported("search_runs is declared and not implemented")

    def _search_artifacts(self, query: ArtifactQuery, after: Position | None, limit: int) -> Found[Artifact]:
        """Return at most `limit` artifacts that follow the position `after`."""
        raise Unsupported("search_artifacts is declared and not implemented")

    # For the capability MIGRATIONS

    def _schema_version(self) -> str | None:
        raise Unsupported("schema_version is declared and not implemented")

    def _downgrade(self, version: str) -> None:
        raise Unsupported("downgrade is declared and not implemented")

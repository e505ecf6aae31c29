"""What an author of an experiment tracker implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar

from dovetail_core import Unsupported
from dovetail_experiment_tracker.queries import RunQuery
from dovetail_experiment_tracker.records import ArtifactInfo, MetricPoint, NewRun, RunRecord, RunStatus

T = TypeVar("T")


@dataclass(frozen=True)
class Found(Generic[T]):
    """A part of a listing; `after` is where the next part begins, in the flavor's own words, None if nothing follows."""

    items: Sequence[T]
    """The rows of this part, in the order of the query."""
    after: str | None
    """Where the next part begins; None: nothing follows."""


class Primitives(ABC):
    """The primitives of an experiment tracker. Arguments are checked already, and within the sizes that the flavor declares.

    The base class calls a primitive again after an error that says `retryable`, with the same arguments; each must then succeed without
    a second effect. What is not there is `NotFound`, also for runs that were deleted.
    """

    points_per_call: int = 1000
    """Most points that one `_log_metrics` gets."""
    params_per_call: int = 100
    """Most parameters that one `_log_params` gets. Where they come in several calls, the base class looks for conflicts before the first."""
    tags_per_call: int = 100
    """Most tags that one `_set_tags` gets."""

    @abstractmethod
    def _create_run(self, run: NewRun) -> RunRecord:
        """Create a running run, and its experiment if there is none of the name; return it. `run.key` tells a repeated call."""

    @abstractmethod
    def _end_run(self, run_id: str, status: RunStatus, ended: datetime) -> None:
        """Record that a run ended; of one that has ended, the last word holds."""

    @abstractmethod
    def _log_metrics(self, run_id: str, points: Sequence[MetricPoint], batch: str) -> None:
        """Record points, all or none. `batch` is 32 hexadecimal digits, by which a call that is repeated is told; equal points are kept apart."""

    @abstractmethod
    def _log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        """Record parameters, given as `params.encode` made them: all, or none and `Conflict` if one is stored with another text."""

    @abstractmethod
    def _set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags; one that is there is replaced."""

    @abstractmethod
    def _get_run(self, run_id: str) -> RunRecord: ...

    @abstractmethod
    def _metric_history(self, run_id: str, key: str) -> Iterable[MetricPoint]:
        """Yield every point of a metric, by step, then time, then order of logging; none for a metric that the run does not have.

        Fetch page by page. `history.in_order` sorts for a backend that cannot. `NotFound` is raised by the first `next` at the latest.
        """

    @abstractmethod
    def _delete_run(self, run_id: str) -> None:
        """Delete a run with all that belongs to it, its files too. Its children stay."""

    @abstractmethod
    def _delete_experiment(self, name: str) -> None:
        """Delete an experiment with its runs. The name is free again: a later run of it is in a new, empty experiment."""

    # With a default

    def _unfit_key(self, key: str) -> str:
        """Return why this backend cannot store a metric, parameter or tag under a key, or nothing; two keys are never made one."""
        return ""

    def _run_url(self, record: RunRecord) -> str | None:
        """Return where people look at a run. Credentials in it are removed."""
        return None

    def _activate(self, run_id: str, autolog: bool) -> AbstractContextManager[None]:
        """Return what is entered, in the task that uses a run, while the run is active there, and left afterwards.

        A flavor whose backend has a client with an active run of its own makes this run the active one, so that code that calls the client
        directly lands in it, and puts back what was before. `autolog` asks for automatic logging; it is True only where AUTOLOG is declared.
        """
        return nullcontext()

    # For the capability RESUME

    def _resume_run(self, run_id: str) -> None:
        """Make a run running again, without an end."""
        raise Unsupported("resuming is declared and not implemented")

    # For the capability SEARCH

    def _search_runs(self, query: RunQuery, after: str | None, limit: int) -> Found[RunRecord]:
        """Return at most `limit` runs from `after` on. What the backend cannot filter, `matching.matches` does."""
        raise Unsupported("search_runs is declared and not implemented")

    def _experiments(self) -> Iterable[str]:
        """Yield the names of the experiments, in any order."""
        raise Unsupported("experiments is declared and not implemented")

    # For the capability ARTIFACTS

    def _upload(self, run_id: str, source: Path, path: str) -> None:
        """Store a file of a run; readers see the whole file, or the one before, or none."""
        raise Unsupported("log_artifact is declared and not implemented")

    def _list_artifacts(self, run_id: str, prefix: str) -> Iterable[ArtifactInfo]:
        """Yield the files of a run, at any depth, whose path is `prefix` or below it; all if it is empty. In any order."""
        raise Unsupported("list_artifacts is declared and not implemented")

    def _download(self, run_id: str, path: str, target: Path) -> None:
        """Write one file of a run to `target`, whose directory exists."""
        raise Unsupported("download_artifact is declared and not implemented")

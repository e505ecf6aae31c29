"""What the metadata store in memory selects, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dovetail_core.timestamps import to_microseconds
from dovetail_metadata_store.lineage import RecordedEdge
from dovetail_metadata_store.queries import RunQuery
from dovetail_metadata_store.records import Edge, Run, StepRun


def edges_of(step: StepRun) -> Iterator[RecordedEdge]:
    """Yield the lineage that a step tells."""
    if step.state.good:
        sources: list[str | None] = [link.artifact.id for link in step.inputs] or [None]
        targets: list[str | None] = [link.artifact.id for link in step.outputs] or [None]
        for source in sources:
            for target in targets:
                yield RecordedEdge(Edge(step.run_id, step.name, source, target), step.source_run or step.run_id)


def selected(run: Run, query: RunQuery) -> bool:
    """Tell whether a query selects a run."""
    created = to_microseconds(run.created) if run.created is not None else 0
    return (
        query.pipeline in (None, run.pipeline)
        and (query.states is None or run.state in query.states)
        and (query.name_contains is None or query.name_contains in run.name)
        and (query.created_after is None or created > query.created_after)
        and (query.created_before is None or created < query.created_before)
    )


def place(run: Run, column: str) -> str | int:
    """Return what a run is sorted by."""
    return run.name if column == "name" else to_microseconds(run.created) if run.created is not None else 0


def beyond(place: Any, after: Any, descending: bool) -> bool:
    """Tell whether a place is behind another one in a listing."""
    return bool(place < after) if descending else bool(place > after)

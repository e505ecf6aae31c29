"""Lineage: the artifacts that lead to one, or come of it, breadth first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from dovetail_metadata_store.records import Artifact, Edge, Lineage

Direction = Literal["up", "down", "both"]
DIRECTIONS: tuple[Direction, ...] = ("up", "down", "both")


@dataclass(frozen=True)
class RecordedEdge:
    """An edge as it is recorded, with the run that executed the step: another one if the step was taken from cache."""

    edge: Edge
    """The edge, of the run that it is recorded for."""
    executed_by: str
    """Id of the run that executed the step."""


Neighbours = Callable[[Sequence[str], Literal["up", "down"]], Iterable[RecordedEdge]]
"""Given ids of artifacts, returns the edges that end (`up`) or begin (`down`) at any of them."""


class Traversal:
    """Collects the edges around an artifact, one batch of queries a level.

    A step taken from cache repeats an execution: an edge that only repeats the executed one is left out, so that the lineage of an
    artifact does not grow with every cached run.
    """

    def __init__(self, root: str, neighbours: Neighbours) -> None:
        self.root = root
        self._neighbours = neighbours
        self._edges: dict[tuple[str, str, str | None, str | None], Edge] = {}
        self._seen = {root}

    def walk(self, direction: Literal["up", "down"], depth: int | None) -> None:
        """Follow the edges in one direction for `depth` levels, None for all."""
        reached, frontier, level = {self.root}, [self.root], 0
        while frontier and (depth is None or level < depth):
            found = [self._keep(recorded) for recorded in self._neighbours(frontier, direction)]
            ends = (edge.source if direction == "up" else edge.target for edge in found)
            frontier = [end for end in dict.fromkeys(ends) if end is not None and end not in reached]
            reached.update(frontier)
            level += 1
        self._seen |= reached

    def _keep(self, recorded: RecordedEdge) -> Edge:
        edge = recorded.edge
        key = (recorded.executed_by, edge.step, edge.source, edge.target)
        known = self._edges.get(key)
        if known is None or _rank(recorded.executed_by, edge) < _rank(recorded.executed_by, known):
            self._edges[key] = edge
        return edge

    def result(self, artifacts: Callable[[Sequence[str]], Iterable[Artifact]]) -> Lineage:
        """Return what was found; `artifacts` looks the records up."""
        found = {artifact.id: artifact for artifact in artifacts(sorted(self._seen))}
        edges = sorted(set(self._edges.values()), key=lambda edge: (edge.run_id, edge.step, edge.source or "", edge.target or ""))
        return Lineage(self.root, found, tuple(edges))


def _rank(executed_by: str, edge: Edge) -> tuple[bool, str]:
    return edge.run_id != executed_by, edge.run_id

"""What a harness of an orchestrator supplies beyond what every harness does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from dovetail_conformance import Harness, Untested
from dovetail_orchestrator.interface import Orchestrator


class RawRuns(Protocol):
    """The side door of an orchestrator: what its backend keeps of runs, without the flavor."""

    def texts(self) -> Mapping[str, str]:
        """Return all that the backend keeps and shows as text, such as job specifications and states, by the place where it is."""


class OrchestratorHarness(Harness):
    """Base of the harnesses of orchestrators. `make` gives one that executes `capacity` steps of a run at once, with a short time of grace."""

    capacity: int = 4
    """How many steps of a run execute at once where PARALLEL is declared."""
    stopping: float = 10.0
    """Seconds within which a run that is cancelled has stopped, whatever its steps do: the time of grace, and some."""
    detection: float = 20.0
    """Seconds within which the death of a step, or of the process that executes a run, is noticed."""
    workspace: str | None = None
    """A directory that this process and all steps see alike; None: the system's directory for temporary files."""

    def whole(self) -> Mapping[str, float]:
        """Return resources of which no two steps can have as much at once: more than half of what there is."""
        raise Untested("the harness does not say what the `whole` is")

    def bounded(self, limit: int) -> Mapping[str, Any]:
        """Return settings with which the log of an attempt keeps a number of bytes."""
        raise Untested("the harness has no settings for `bounded` logs")

    def alike(self, component: Orchestrator) -> Orchestrator:
        """Return another instance in this process that sees the same runs."""
        return type(component)(component.config)

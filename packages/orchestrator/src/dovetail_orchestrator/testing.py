"""Harnesses of the flavors of this package, for the conformance suite."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from dovetail_conformance.instruments import SyscallShim
from dovetail_orchestrator.contract.harness import OrchestratorHarness
from dovetail_orchestrator.interface import Orchestrator
from dovetail_orchestrator.local import LocalOrchestrator
from dovetail_orchestrator.memory import InMemoryOrchestrator


class MemoryHarness(OrchestratorHarness):
    """The reference flavor, in the memory of this process."""

    flavor: ClassVar[type[InMemoryOrchestrator]] = InMemoryOrchestrator
    processes = False

    def make(self, **config: Any) -> Orchestrator:
        """Return an orchestrator on a space of its own."""
        return self.flavor(**{"space": uuid.uuid4().hex, "max_parallel": self.capacity, "grace": 0.5, **config})

    def second(self, component: Orchestrator) -> Orchestrator:
        """Return another orchestrator on the same space."""
        return type(component)(component.config)

    def bounded(self, limit: int) -> Mapping[str, Any]:
        """Return settings for small logs."""
        return {"log_limit": limit}


class LocalHarness(OrchestratorHarness):
    """The embedded flavor, in a temporary directory."""

    flavor: ClassVar[type[LocalOrchestrator]] = LocalOrchestrator

    def __enter__(self) -> Self:
        self._folder = Path(self.enter_context(tempfile.TemporaryDirectory(prefix="dovetail-local-")))
        self._shim = self.enter_context(SyscallShim(self._folder))
        return self

    def make(self, **config: Any) -> Orchestrator:
        """Return an orchestrator on a directory of its own, which is not made yet."""
        settings = {"path": f"{self._folder}/{uuid.uuid4().hex}/runs", "max_parallel": self.capacity, "grace": 0.5, **config}
        return self.flavor(**settings)

    def syscalls(self, component: Orchestrator) -> SyscallShim:
        """Return what stands before the file operations of this process."""
        return self._shim

    def raw(self, component: Orchestrator) -> RawDirectory:
        """Return the directory of its runs."""
        return RawDirectory(component.config.path)  # type: ignore[attr-defined]

    def census(self, component: Orchestrator) -> Mapping[str, int]:
        """Return how many directories of runs were begun and not finished."""
        path = component.config.path  # type: ignore[attr-defined]
        return {"unfinished runs": sum(entry.name.startswith(".") for entry in path.iterdir()) if path.is_dir() else 0}

    def whole(self) -> Mapping[str, float]:
        """Return all processor cores."""
        return {"cpu": os.cpu_count() or 1}

    def bounded(self, limit: int) -> Mapping[str, Any]:
        """Return settings for small logs."""
        return {"log_limit": limit}


class RawDirectory:
    """The side door of a local orchestrator."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def texts(self) -> Mapping[str, str]:
        """Return every file."""
        files = (path for path in self._path.rglob("*") if path.is_file())
        return {str(path.relative_to(self._path)): path.read_text("utf-8", "replace") for path in files}

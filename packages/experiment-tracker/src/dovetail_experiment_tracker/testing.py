"""Harnesses of the flavors of this package, for the conformance suite."""

from __future__ import annotations

import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, ClassVar, Self

from dovetail_core import Unavailable
from dovetail_experiment_tracker.contract.harness import ExperimentTrackerHarness
from dovetail_experiment_tracker.interface import ExperimentTracker
from dovetail_experiment_tracker.local import LocalExperimentTracker
from dovetail_experiment_tracker.memory import InMemoryExperimentTracker, Space


class MemoryHarness(ExperimentTrackerHarness):
    """The reference flavor, in the memory of this process."""

    flavor: ClassVar[type[InMemoryExperimentTracker]] = InMemoryExperimentTracker
    processes = False

    def make(self, **config: Any) -> ExperimentTracker:
        """Return a tracker on a space of its own."""
        return self.flavor(**{"space": uuid.uuid4().hex, **config})

    def second(self, component: ExperimentTracker) -> ExperimentTracker:
        """Return another tracker on the same space."""
        return type(component)(component.config)

    @contextmanager
    def outage(self, component: ExperimentTracker) -> Iterator[None]:
        """Put something in the place of the space that answers nobody."""
        spaces, name = InMemoryExperimentTracker.spaces, component.config.space  # type: ignore[attr-defined]
        space, away = spaces.get(name), _Away()
        spaces[name] = away  # type: ignore[assignment]
        try:
            yield
        finally:
            spaces.pop(name)
            if space is not None:
                spaces[name] = space

    @contextmanager
    def lost_answer(self, component: ExperimentTracker) -> Iterator[None]:
        """Put something in the place of the space's lock that fails once, when what it guards is done."""
        space = InMemoryExperimentTracker.spaces.setdefault(component.config.space, Space())  # type: ignore[attr-defined]
        lock = space.lock
        space.lock = _LosesAnswer(lock)  # type: ignore[assignment]
        try:
            yield
        finally:
            space.lock = lock


class _Away:
    def __getattr__(self, name: str) -> Any:
        raise Unavailable("the space is away")


class _LosesAnswer:
    def __init__(self, lock: Any) -> None:
        self._lock = lock
        self._lost = False

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._lock.release()
        if not self._lost and error is None:
            self._lost = True
            raise Unavailable("the answer was lost")


class LocalHarness(ExperimentTrackerHarness):
    """The embedded flavor, in a temporary directory."""

    flavor: ClassVar[type[LocalExperimentTracker]] = LocalExperimentTracker

    def __enter__(self) -> Self:
        self._folder = self.enter_context(tempfile.TemporaryDirectory(prefix="dovetail-experiments-"))
        return self

    def make(self, **config: Any) -> ExperimentTracker:
        """Return a tracker on a directory of its own, which is not made yet."""
        return self.flavor(**{"path": f"{self._folder}/{uuid.uuid4().hex}", **config})

    @contextmanager
    def outage(self, component: ExperimentTracker) -> Iterator[None]:
        """Keep the database locked, as another process would."""
        with closing(sqlite3.connect(component.config.path / "experiments.db", isolation_level=None)) as other:  # type: ignore[attr-defined]
            other.execute("BEGIN IMMEDIATE")
            yield

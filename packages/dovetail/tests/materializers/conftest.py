"""Stores and round trips that the tests of materializers share."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail.materializers import Registry, load, save
from dovetail_artifact_store import LocalArtifactStore
from dovetail_core import Hooks


class FarStore(LocalArtifactStore):
    """A store whose objects have no path on this machine, as those of a server have none."""

    flavor = "far"

    def local_path(self, key: Any) -> None:
        """Return None."""
        return


@pytest.fixture
def store(tmp_path: Path) -> LocalArtifactStore:
    return LocalArtifactStore(path=tmp_path / "store")


@pytest.fixture
def far_store(tmp_path: Path) -> FarStore:
    return FarStore(path=tmp_path / "far")


@pytest.fixture(params=["near", "far"])
def any_store(request: pytest.FixtureRequest, store: LocalArtifactStore, far_store: FarStore) -> LocalArtifactStore:
    """A store in which objects have local paths, then one in which they have none."""
    return store if request.param == "near" else far_store


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The built-in materializers, without pickle."""
    return Registry(hooks=Hooks())


@pytest.fixture(scope="session")
def pickling() -> Registry:
    """The built-in materializers, with pickle."""
    return Registry(hooks=Hooks(), allow_pickle=True)


@pytest.fixture
def round_trip(any_store: LocalArtifactStore, registry: Registry) -> Callable[[Any], Any]:
    """Save a value, and load it."""
    numbers = itertools.count()

    def saved_and_loaded(value: Any, annotation: Any = None) -> Any:
        artifact = save(value, any_store, f"artifacts/{next(numbers)}", annotation=annotation, registry=registry)
        return load(artifact, any_store, annotation=annotation, registry=registry)

    return saved_and_loaded


@pytest.fixture
def digest(store: LocalArtifactStore, registry: Registry) -> Callable[[Any], str]:
    """Save a value, and return its digest."""
    numbers = itertools.count()
    return lambda value: save(value, store, f"digests/{next(numbers)}", registry=registry).digest

"""What every test of orchestrators is given."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from orchestrator_kit import KitLauncher

from dovetail_orchestrator.local import LocalOrchestrator


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., LocalOrchestrator]:
    """Make local orchestrators that share a directory; by default with a short time of grace."""

    def made(**settings: object) -> LocalOrchestrator:
        return LocalOrchestrator(**{"path": tmp_path / "runs", "grace": 1.0, **settings})

    return made


@pytest.fixture
def orchestrator(make: Callable[..., LocalOrchestrator]) -> LocalOrchestrator:
    """A local orchestrator for four steps at once."""
    return make(max_parallel=4)


@pytest.fixture
def launcher(tmp_path: Path) -> KitLauncher:
    """A launcher whose steps all succeed, until a test says otherwise."""
    return KitLauncher(tmp_path / "launcher")

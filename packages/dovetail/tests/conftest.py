"""Fixtures of the tests of pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from project_directory import ProjectDirectory


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProjectDirectory]:
    """A project directory that is also the working directory."""
    (tmp_path / "project" / ".dovetail").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield ProjectDirectory(tmp_path / "project")

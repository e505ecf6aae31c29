"""A tag publishes a package only in the state that it names."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_repository import SmallRepository
from tagged import tagged
from workspace import Workspace


@pytest.fixture
def repository(tmp_path: Path) -> SmallRepository:
    made = SmallRepository(tmp_path)
    made.package("core", version="1.2.0")
    made.write("packages/core/CHANGELOG.md", "# Changelog\n\n## 1.2.0 (2026-01-31)\n\n- It is there.\n")
    return made


def test_a_tag_names_a_package_and_its_version(repository: SmallRepository) -> None:
    assert tagged(Workspace(repository.root), "dovetail-core/v1.2.0").name == "core"


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("dovetail-core/v1.2.1", "pyproject.toml says 1.2.0"),
        ("dovetail-gone/v1.2.0", "names no package"),
        ("v1.2.0", "not of the form"),
        ("core/v1.2.0", "names no package"),
    ],
)
def test_another_tag_is_refused(repository: SmallRepository, tag: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        tagged(Workspace(repository.root), tag)


def test_a_version_without_a_changelog_is_refused(repository: SmallRepository) -> None:
    repository.write("packages/core/CHANGELOG.md", "# Changelog\n\n## 1.1.0 (2026-01-31)\n")
    with pytest.raises(ValueError, match=r"no entry for 1\.2\.0"):
        tagged(Workspace(repository.root), "dovetail-core/v1.2.0")

"""The bounds that packages of the repository put on each other, and what a release changes in them.

An upper bound keeps a package from the next version that may break it: the next minor while the major is 0, then the next major.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tomlkit
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from tomlkit.items import Array, Table
from workspace import Package, Workspace


@dataclass(frozen=True)
class Excluding:
    """A requirement that excludes a version, and the one that takes its place."""

    package: Package
    old: str
    new: str


def ceiling(version: Version) -> Version:
    """Return the first version that may break who works with this one."""
    return Version(f"0.{version.minor + 1}" if version.major == 0 else f"{version.major + 1}")


def excluding(workspace: Workspace, released: Package, version: Version, *, breaking: bool) -> Iterator[Excluding]:
    """Yield the requirements that exclude a version of a package which is about to be released.

    A breaking version is also the lowest that will do from then on: the tree has been adapted to it.
    """
    for package in workspace.packages.values():
        for requirement in [*package.requirements, *(each for extra in package.extras.values() for each in extra)]:
            if canonicalize_name(requirement.name) == released.distribution and version not in requirement.specifier:
                yield Excluding(package, str(requirement), _admitting(requirement, version, breaking))


def _admitting(requirement: Requirement, version: Version, breaking: bool) -> str:
    lowest = [each.version for each in requirement.specifier if each.operator == ">="]
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    marker = f"; {requirement.marker}" if requirement.marker else ""
    return f"{requirement.name}{extras}>={version if breaking or not lowest else lowest[0]},<{ceiling(version)}{marker}"


def rewrite(pyproject: Path, *, version: Version | None = None, requirements: dict[str, str] | None = None) -> None:
    """Change the version and requirements in a `pyproject.toml`; comments and layout stay. Requirements are given as packaging prints them."""
    document = tomlkit.parse(pyproject.read_text("utf-8"))
    project = document["project"]
    assert isinstance(project, Table)
    if version is not None:
        project["version"] = str(version)
    lists = [project.get("dependencies", []), *project.get("optional-dependencies", {}).values()]
    for listed in lists:
        assert isinstance(listed, Array | list)
        for index, text in enumerate(listed):
            if new := (requirements or {}).get(str(Requirement(str(text)))):
                listed[index] = new
    pyproject.write_text(tomlkit.dumps(document), "utf-8")

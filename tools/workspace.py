"""The packages of the repository, as their own metadata describes them; nothing else lists them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
_IMPORT = re.compile(r"^\s*(?:from|import) +(\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Package:
    """A folder of `packages/`."""

    folder: Path

    @property
    def name(self) -> str:
        """Name of the folder, as the sessions call the package."""
        return self.folder.name

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """What `pyproject.toml` says under `[project]`."""
        project: dict[str, Any] = tomllib.loads((self.folder / "pyproject.toml").read_text("utf-8"))["project"]
        return project

    @property
    def distribution(self) -> str:
        """Name that is installed."""
        return str(self.metadata["name"])

    @property
    def import_name(self) -> str:
        """Name that is imported."""
        return self.distribution.replace("-", "_")

    @property
    def version(self) -> Version:
        """Version that the tree states."""
        return Version(self.metadata["version"])

    @property
    def requirements(self) -> list[Requirement]:
        """What is installed with the package."""
        return [Requirement(text) for text in self.metadata.get("dependencies", [])]

    @property
    def extras(self) -> dict[str, list[Requirement]]:
        """What each extra adds."""
        extras: Mapping[str, list[str]] = self.metadata.get("optional-dependencies", {})
        return {extra: [Requirement(text) for text in texts] for extra, texts in extras.items()}

    @property
    def entry_points(self) -> dict[str, dict[str, str]]:
        """Entry points, by group."""
        points: dict[str, dict[str, str]] = self.metadata.get("entry-points", {})
        return points

    def flavors(self) -> Iterator[tuple[str, str]]:
        """Yield the component type and name of each flavor that the package offers."""
        for group, points in self.entry_points.items():
            if match := re.fullmatch(r"dovetail\.flavors\.v\d+\.(\w+)", group):
                yield from ((match[1], flavor) for flavor in points)

    def tag(self, version: Version | None = None) -> str:
        """Return the tag of a release; default: of the version that the tree states."""
        return f"{self.distribution}/v{version or self.version}"


class Workspace:
    """The packages under a root, dependencies first."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        found = (Package(path.parent) for path in sorted(root.glob("packages/*/pyproject.toml")))
        named = {package.distribution: package for package in found}
        order = TopologicalSorter({name: sorted(self._siblings(package, named)) for name, package in named.items()})
        self.packages = {named[name].name: named[name] for name in order.static_order()}

    @staticmethod
    def _siblings(package: Package, known: Mapping[str, Package]) -> set[str]:
        listed = [*package.requirements, *(each for extra in package.extras.values() for each in extra)]
        names: set[str] = {canonicalize_name(each.name) for each in listed}
        return names & known.keys() - {package.distribution}

    def __getitem__(self, name: str) -> Package:
        """Return a package by its folder's or its distribution's name. Raises `LookupError` that names what there is."""
        for package in self.packages.values():
            if name in (package.name, package.distribution):
                return package
        raise LookupError(f"no package is called {name!r}; known: {', '.join(self.packages)}")

    def siblings(self, package: Package) -> list[Package]:
        """Return the packages that one requires, directly, in any of its extras."""
        known = {other.distribution: other for other in self.packages.values()}
        names = self._siblings(package, known)
        return [other for name, other in known.items() if name in names]

    def required_by(self, package: Package) -> list[Package]:
        """Return the packages that are installed with one, directly or not, dependencies first; extras are not."""
        wanted = {package.distribution}
        for other in reversed(self.packages.values()):
            if other.distribution in wanted:
                wanted |= {canonicalize_name(each.name) for each in other.requirements}
        return [other for other in self.packages.values() if other.distribution in wanted and other is not package]

    def dependents(self, names: Iterable[str]) -> list[str]:
        """Return packages with everything that depends on them, directly or not.

        A package whose tests import one of these belongs to them too; what depends on it in turn does not.
        """
        reached = set(names)
        for package in self.packages.values():
            if reached & {other.name for other in self.siblings(package)}:
                reached.add(package.name)
        return [name for name, package in self.packages.items() if name in reached or reached & self._tested_with(package)]

    def _tested_with(self, package: Package) -> set[str]:
        by_import = {other.import_name: other.name for other in self.packages.values() if other is not package}
        texts = (file.read_text("utf-8") for file in (package.folder / "tests").rglob("*.py"))
        return {by_import[name] for text in texts for name in _IMPORT.findall(text) if name in by_import}

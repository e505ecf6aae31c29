"""Finds component types and flavors among the installed packages, without importing any of them.

Entry-point groups carry the interface's major: `dovetail.flavors.v1.<type>`. Only the standard library is used here, since every
command begins with this. A package that cannot be read, or a flavor that cannot be used, is a row with a problem and harms no other.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import metadata, util
from importlib.machinery import PathFinder

TYPES_GROUP = "dovetail.component_types.v1"
FLAVORS_GROUP = re.compile(r"dovetail\.flavors\.v(\d+)\.(\w+)")
MAJOR = 1

_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


@dataclass(frozen=True)
class Problem:
    """Why a flavor cannot be used, and the command or change that mends it."""

    reason: str
    remedy: str


@dataclass(frozen=True)
class FlavorRow:
    """One flavor that somebody offers."""

    type: str
    name: str
    target: str
    """Where the class is, as `module:Class`."""
    distribution: str
    """The package that offers it; empty for a flavor registered by the project."""
    version: str
    problem: Problem | None = None

    @property
    def source(self) -> str:
        """Who offers it, for people."""
        return f"{self.distribution} {self.version}" if self.distribution else "this project"


@dataclass(frozen=True)
class TypeRow:
    """One component type that somebody offers."""

    name: str
    target: str
    """Where its description is, as `module:attribute`."""
    distribution: str
    """The package that offers it."""
    problem: Problem | None = None


@dataclass(frozen=True)
class _Point:
    group: str
    name: str
    target: str
    distribution: str
    version: str


def offered_types() -> dict[str, str]:
    """Return the names of the installed component types, sorted, each with the `module:attribute` of its description."""
    return {row.name: row.target for row in type_rows()}


def type_rows() -> list[TypeRow]:
    """Return a row per installed component type, sorted by name. One that two packages offer is broken: neither wins."""
    points = sorted((point for point in set(_points()) if point.group == TYPES_GROUP), key=_order)
    return [_type_row(list(group)) for _, group in itertools.groupby(points, lambda point: point.name)]


def _type_row(offers: list[_Point]) -> TypeRow:
    own = f"dovetail-{offers[0].name.replace('_', '-')}"
    row = TypeRow(offers[0].name, offers[0].target, offers[0].distribution)
    if len(offers) == 1:
        return row
    sources = " and ".join(f"{point.distribution} {point.version}" for point in offers)
    extra = next((point for point in offers if point.distribution != own), offers[0])
    return replace(row, problem=Problem(f"the name is offered by {sources}", f"pip uninstall {extra.distribution}"))


def offered_flavors(local: Mapping[str, Mapping[str, str]] | None = None) -> list[FlavorRow]:
    """Return a row per offered flavor, sorted by type, name and source.

    `local` holds the project's own flavors, type -> name -> target. Two offers of one name are both broken: neither wins.
    """
    rows = [row for point in _points() if (row := _row(point)) is not None]
    for kind, flavors in (local or {}).items():
        rows += [_checked(FlavorRow(kind, name, target, "", "")) for name, target in flavors.items()]
    return list(_without_collisions(sorted(set(rows), key=lambda row: (row.type, row.name, row.distribution, row.target))))


def _points() -> Iterator[_Point]:
    """Yield the entry points of this project's groups; of two installations of one distribution the first on the path counts."""
    seen: set[str] = set()
    for distribution in metadata.distributions():
        try:
            text = distribution.read_text("entry_points.txt") or ""
            if "dovetail." not in text:
                continue  # parsing the metadata of every installed package would dominate start-up
            name, version = _identity(distribution)
            points = distribution.entry_points
        except Exception:  # damaged metadata of a foreign package; its own installer is the one to complain
            continue
        if name.lower().replace("_", "-") not in seen:
            seen.add(name.lower().replace("_", "-"))
            yield from (_Point(point.group, point.name, point.value, name, version) for point in points)


def _identity(distribution: metadata.Distribution) -> tuple[str, str]:
    header = (distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or "").split("\n\n", 1)[0]
    fields = dict(line.split(": ", 1) for line in header.splitlines() if ": " in line and not line.startswith(" "))
    return fields.get("Name", "unknown"), fields.get("Version", "unknown")


def _order(point: _Point) -> tuple[str, str]:
    return point.name, point.distribution


def _row(point: _Point) -> FlavorRow | None:
    match = FLAVORS_GROUP.fullmatch(point.group)
    if match is None:
        return None
    row = FlavorRow(match[2], point.name, point.target, point.distribution, point.version)
    if int(match[1]) == MAJOR:
        return _checked(row)
    reason = f"it is built for version {match[1]} of the interface, and this is version {MAJOR}"
    newer = "dovetail-core" if int(match[1]) > MAJOR else row.distribution
    return replace(row, problem=Problem(reason, f"pip install --upgrade {newer}"))


def _checked(row: FlavorRow) -> FlavorRow:
    """Return the row with what can be told to be wrong without importing anything."""
    if not _TARGET.fullmatch(row.target):
        return replace(row, problem=Problem(f"'{row.target}' is not of the form module:Class", mend(row)))
    module = row.target.partition(":")[0]
    if row.distribution and not _exists(module):
        return replace(row, problem=Problem(f"module '{module}' is not installed", mend(row)))
    return row


def mend(row: FlavorRow | TypeRow) -> str:
    """Return the command that most likely mends a flavor, or a component type."""
    if row.distribution or isinstance(row, TypeRow):
        return f"pip install --force-reinstall {row.distribution}, or pip uninstall {row.distribution}"
    return f"mend {row.target}, or dovetail {row.type.replace('_', '-')} flavor unregister {row.name}"


def _exists(module: str) -> bool:
    """Tell whether a module can be found; unlike `find_spec` on a dotted name, this imports no parent package."""
    first, *rest = module.split(".")
    try:
        spec = util.find_spec(first)
        for index, _ in enumerate(rest, start=1):
            if spec is None or spec.submodule_search_locations is None:
                return False
            spec = PathFinder.find_spec(".".join([first, *rest[:index]]), list(spec.submodule_search_locations))
    except (ImportError, ValueError):
        return False
    return spec is not None


def _without_collisions(rows: Iterable[FlavorRow]) -> Iterator[FlavorRow]:
    groups: dict[tuple[str, str], list[FlavorRow]] = {}
    for row in rows:
        groups.setdefault((row.type, row.name), []).append(row)
    for group in groups.values():
        yield from group if len(group) == 1 else map(_collision, group, [group] * len(group))


def _collision(row: FlavorRow, group: list[FlavorRow]) -> FlavorRow:
    sources = " and ".join(sorted(other.source for other in group))
    extra = next((other for other in group if other.distribution not in ("", f"dovetail-{row.type.replace('_', '-')}")), row)
    remedy = f"pip uninstall {extra.distribution}" if extra.distribution else mend(extra)
    return replace(row, problem=Problem(f"the name is offered by {sources}", remedy))

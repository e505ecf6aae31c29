"""Finds contracts and harnesses among the installed packages."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from dovetail_conformance import by_path
from dovetail_conformance.contract import Contract
from dovetail_conformance.harness import Harness
from dovetail_conformance.offers import CONTRACTS_GROUP, HARNESSES_GROUP, contract_names, target_names
from dovetail_core.component import Component
from dovetail_core.config import closest
from dovetail_core.errors import ConfigError, NotFound


@dataclass(frozen=True)
class Target:
    """A flavor that can be asked: its contract, and its harness."""

    component_type: str
    flavor: str
    contract: type[Contract]
    harness: type[Harness]
    distribution: str = ""
    version: str = ""


def contract(component_type: str) -> type[Contract]:
    """Return the contract of a component type. Raises `NotFound` if no installed package has it."""
    wanted = component_type.replace("-", "_")
    for point in metadata.entry_points(group=CONTRACTS_GROUP):
        if point.name == wanted:
            found: type[Contract] = by_path.class_at(point.value, Contract)
            return found
    known = contract_names()
    raise NotFound(f"there is no contract of '{component_type}'{closest(wanted, known)}", remedy=f"installed: {', '.join(known) or 'none'}")


def target(name: str, harness: str | None = None) -> Target:
    """Return what `type/flavor` names, or the class at `module:Class`; `harness`, so too, is for one whose harness no package offers.

    Raises `NotFound` for what nobody offers, and `ConfigError` for what cannot be loaded.
    """
    if ":" in name:
        return _at(name, harness)
    kind, slash, flavor = name.partition("/")
    if not slash or not flavor:
        raise ConfigError(f"'{name}' does not name a flavor", remedy="write TYPE/FLAVOR, such as artifact_store/local, or MODULE:CLASS")
    kind = kind.replace("-", "_")
    asked = contract(kind)
    if harness is not None:
        return Target(kind, flavor, asked, by_path.class_at(harness, Harness))
    for point in metadata.entry_points(group=HARNESSES_GROUP):
        if point.name == f"{kind}.{flavor}":
            dist = point.dist
            return Target(
                kind, flavor, asked, by_path.class_at(point.value, Harness), dist.name if dist else "", dist.version if dist else ""
            )
    known = target_names()
    raise NotFound(
        f"no installed package offers a harness for '{name}'{closest(name, known)}",
        remedy=f"pip install the flavor's package, or give --harness module:Class; installed: {', '.join(known) or 'none'}",
    )


def _at(path: str, harness: str | None) -> Target:
    flavor: type[Component] = by_path.class_at(path, Component)
    kind = by_path.type_of(flavor)
    return Target(kind, flavor.flavor, contract(kind), by_path.harness_for(flavor, path, harness))


def settings(path: Path | None) -> Mapping[str, object]:
    """Return what a TOML file sets for a harness. Raises `ConfigError` that names the file."""
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", remedy="give a TOML file") from error

"""Finds contracts and harnesses among the installed packages."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from dovetail_conformance.contract import Contract
from dovetail_conformance.harness import Harness
from dovetail_conformance.offers import CONTRACTS_GROUP, HARNESSES_GROUP, contract_names, target_names
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
            found: type[Contract] = _loaded(point.value, Contract)
            return found
    known = contract_names()
    raise NotFound(f"there is no contract of '{component_type}'{closest(wanted, known)}", remedy=f"installed: {', '.join(known) or 'none'}")


def target(name: str, harness: str | None = None) -> Target:
    """Return what `type/flavor` names; `harness`, as `module:Class`, is for a flavor whose harness no package offers.

    Raises `NotFound` for what nobody offers, and `ConfigError` for what cannot be loaded.
    """
    kind, slash, flavor = name.partition("/")
    if not slash or not flavor:
        raise ConfigError(f"'{name}' does not name a flavor", remedy="write TYPE/FLAVOR, such as artifact_store/local")
    kind = kind.replace("-", "_")
    asked = contract(kind)
    if harness is not None:
        return Target(kind, flavor, asked, _loaded(harness, Harness))
    for point in metadata.entry_points(group=HARNESSES_GROUP):
        if point.name == f"{kind}.{flavor}":
            dist = point.dist
            return Target(kind, flavor, asked, _loaded(point.value, Harness), dist.name if dist else "", dist.version if dist else "")
    known = target_names()
    raise NotFound(
        f"no installed package offers a harness for '{name}'{closest(name, known)}",
        remedy=f"pip install the flavor's package, or give --harness module:Class; installed: {', '.join(known) or 'none'}",
    )


def settings(path: Path | None) -> Mapping[str, object]:
    """Return what a TOML file sets for a harness. Raises `ConfigError` that names the file."""
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", remedy="give a TOML file") from error


def _loaded(value: str, base: type[Any]) -> Any:
    module, _, name = value.partition(":")
    try:
        found = getattr(import_module(module), name)
    except Exception as error:
        raise ConfigError(
            f"{value} cannot be loaded: {type(error).__name__}: {error}", remedy="install what it needs, or mend it"
        ) from error
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ConfigError(f"{value} is no {base.__name__}", remedy=f"name a subclass of {base.__module__}.{base.__name__}")
    return found

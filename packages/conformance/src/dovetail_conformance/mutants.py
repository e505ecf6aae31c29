"""Variants of a reference flavor: mutants, which exactly the named rules must catch, and equivalents, which none may."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from dovetail_conformance.harness import Harness
from dovetail_core.component import Component
from dovetail_core.errors import ConfigError

C = TypeVar("C", bound=type[Component])
_ATTRIBUTE = "__dovetail_variant__"


@dataclass(frozen=True)
class Variant:
    """A flavor that differs from a reference by one thing."""

    flavor: type[Component]
    of: type[Harness]
    kills: frozenset[str]
    """The rules that fail on it; none for an equivalent."""

    @property
    def name(self) -> str:
        """Name of its class."""
        return self.flavor.__name__

    def harness(self) -> type[Harness]:
        """Return the harness of the reference with the variant in its place; it promises nothing that the variant does not."""
        return type(f"{self.name}Harness", (self.of,), {"flavor": self.flavor, "deviations": {}, "__module__": self.flavor.__module__})


def mutant(*kills: str, of: type[Harness]) -> Callable[[C], C]:
    """Mark a class as a mutant: the reference with one small bug, which fails exactly the rules `kills`, by a check and not by a crash."""
    if not kills:
        raise TypeError("a mutant names the rules that it fails; what fails none is an `equivalent`")
    return _mark(frozenset(kills), of)


def equivalent(*, of: type[Harness]) -> Callable[[C], C]:
    """Mark a class as an equivalent variant: another way to keep the contract, on which every rule passes."""
    return _mark(frozenset(), of)


def _mark(kills: frozenset[str], of: type[Harness]) -> Callable[[C], C]:
    def decorate(flavor: C) -> C:
        setattr(flavor, _ATTRIBUTE, Variant(flavor, of, kills))
        return flavor

    return decorate


def variants(module: ModuleType) -> list[Variant]:
    """Return the variants that a module defines, in the order of their names. Raises `ConfigError` if there is none."""
    members: list[Any] = [member for member in vars(module).values() if isinstance(member, type)]
    found = [variant for member in members if (variant := vars(member).get(_ATTRIBUTE)) is not None]
    if not found:
        raise ConfigError(f"{module.__name__} defines no variant", remedy="mark classes with `mutant` or `equivalent`")
    return sorted(found, key=lambda variant: variant.name)


def module_at(path: Path) -> ModuleType:
    """Return the module that a file defines; other modules in its folder can be imported by it."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path} is no Python file", remedy="name a file that defines variants")
    if path.stem not in sys.modules:
        sys.path.insert(0, str(path.parent))
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
    return sys.modules[path.stem]

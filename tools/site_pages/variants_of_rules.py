"""The samples of a rule: a mutant that fails it, and what the reference does where the mutant differs."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from dovetail_conformance.mutants import Variant, module_at, variants


@dataclass(frozen=True)
class Sample:
    """What fails a rule, next to what keeps it."""

    variant: Variant
    failing: str
    """Code of the mutant, with what it uses of its module."""
    passing: str
    """Code of the methods that the mutant overrides, as the reference has them; empty if it only adds something."""
    reference: str
    """Name of the reference's class."""


def mutants(root: Path) -> dict[str, list[Variant]]:
    """Return the mutants of a repository by the rules that they fail; those of one rule only, of a flavor that is installed, and small, first."""
    found: dict[str, list[Variant]] = {}
    for file in sorted(root.glob("packages/*/tests/mutants_of_*.py")):
        for variant in variants(module_at(file)):
            for rule in variant.kills:
                found.setdefault(rule, []).append(variant)
    return {rule: sorted(those, key=_weight) for rule, those in found.items()}


def sample(variant: Variant) -> Sample:
    """Return the samples that a mutant makes."""
    module = sys.modules[variant.flavor.__module__]
    used = list(_used(variant.flavor, module))
    failing = "\n\n".join(_source(each) for each in [*used, variant.flavor])
    passing = "\n".join(text for each in [*used, variant.flavor] if (text := _overridden(each)))
    return Sample(variant, failing, passing, variant.flavor.__mro__[1].__name__)


def _weight(variant: Variant) -> tuple[int, bool, int, str]:
    of_the_tests = not variant.flavor.__mro__[1].__module__.startswith("dovetail_")
    return len(variant.kills), of_the_tests, len(inspect.getsource(variant.flavor)), variant.name


def _source(definition: Any) -> str:
    return textwrap.dedent(inspect.getsource(definition))


def _used(definition: Any, module: ModuleType, known: frozenset[str] = frozenset()) -> Iterator[Any]:
    """Yield what a definition uses of its own module, in the order of the file."""
    own = {name: value for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__}
    found: dict[str, Any] = {}
    waiting = [definition]
    while waiting:
        for name in _names(waiting.pop()) & own.keys() - found.keys() - {definition.__name__}:
            if inspect.isclass(own[name]) or inspect.isfunction(own[name]):
                found[name] = own[name]
                waiting.append(own[name])
    yield from sorted(found.values(), key=lambda each: inspect.getsourcelines(each)[1])


def _names(definition: Any) -> set[str]:
    tree = ast.parse(_source(definition))
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _overridden(definition: Any) -> str:
    """Return the code that a class inherits and has replaced, or nothing."""
    if not inspect.isclass(definition):
        return ""
    parts: Mapping[str, str] = {name: text for name in vars(definition) if (text := _inherited(definition, name))}
    return f"class {definition.__mro__[1].__name__}:\n" + "\n".join(parts.values()) if parts else ""


def _inherited(definition: type[Any], name: str) -> str:
    if name.startswith("__") and name != "__repr__":
        return ""
    owner = next((base for base in definition.__mro__[1:] if name in vars(base)), None)
    member = None if owner is None else inspect.unwrap(_function(vars(owner)[name]))
    if owner is None or not inspect.isfunction(member) or not owner.__module__.partition(".")[0]:
        return ""
    return inspect.getsource(member)


def _function(member: Any) -> Any:
    if isinstance(member, property):
        return member.fget
    return getattr(member, "__func__", member)

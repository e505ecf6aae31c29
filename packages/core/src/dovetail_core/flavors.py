"""Loads flavors, and holds each to its type's interface before anybody uses it."""

from __future__ import annotations

import builtins
import inspect
import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from dovetail_core import discovery
from dovetail_core.component import Component
from dovetail_core.component_types import ComponentType
from dovetail_core.config import ComponentConfig, closest
from dovetail_core.discovery import FlavorRow, Problem, TypeRow
from dovetail_core.errors import BrokenFlavor, BrokenType, DovetailError, NotFound


class FlavorCatalog:
    """The component types and flavors that are installed, and those that a project registered by path.

    `local` maps type -> name -> `module:Class`; their modules are imported with `root` on the import path.
    """

    def __init__(self, local: Mapping[str, Mapping[str, str]] | None = None, root: Path | None = None) -> None:
        self._rows = discovery.offered_flavors(local)
        self._type_rows = {row.name: row for row in discovery.type_rows()}
        self._root = root
        self._types: dict[str, ComponentType | Problem] = {}
        self._classes: dict[tuple[str, str], builtins.type[Component]] = {}

    def type_names(self) -> list[str]:
        """Return the names of the installed component types, sorted, those that cannot be used among them."""
        return list(self._type_rows)

    def type(self, name: str) -> ComponentType:
        """Return a component type. Raises `NotFound` for one that is not installed, `BrokenType` for one that cannot be used."""
        if name not in self._type_rows:
            known = ", ".join(self._type_rows)
            raise NotFound(f"there is no component type '{name}'{closest(name, self._type_rows)}", remedy=f"installed: {known}")
        found = self._found(name)
        if isinstance(found, Problem):
            raise BrokenType(f"component type '{name}': {found.reason}", remedy=found.remedy)
        return found

    def types(self) -> list[ComponentType]:
        """Return the component types that can be used, sorted by name."""
        return [found for found in map(self._found, self._type_rows) if isinstance(found, ComponentType)]

    def broken_types(self) -> dict[str, Problem]:
        """Return the names of the others, each with why it cannot be used."""
        return {name: found for name in self._type_rows if isinstance(found := self._found(name), Problem)}

    def _found(self, name: str) -> ComponentType | Problem:
        if name not in self._types:
            self._types[name] = _loaded_type(self._type_rows[name])
        return self._types[name]

    def rows(self, kind: str | None = None) -> list[FlavorRow]:
        """Return the offered flavors, of one type or of all; nothing is imported."""
        return [row for row in self._rows if kind in (None, row.type)]

    def find(self, kind: str, flavor: str) -> FlavorRow:
        """Return the row of one flavor. Raises `NotFound` if nobody offers it."""
        for row in self._rows:
            if (row.type, row.name) == (kind, flavor):
                return row
        names = sorted({row.name for row in self.rows(kind)})
        package = f"dovetail-{kind}-{flavor}".replace("_", "-")
        raise NotFound(
            f"there is no {kind} flavor '{flavor}'{closest(flavor, names)}",
            remedy=f"installed: {', '.join(names) or 'none'}; or pip install {package}",
        )

    def load(self, kind: str, flavor: str) -> builtins.type[Component]:
        """Return a flavor's class. Raises `NotFound`, or `BrokenFlavor` with the reason and the remedy."""
        if (kind, flavor) not in self._classes:
            row = self.verified(self.find(kind, flavor))
            if row.problem is not None:
                raise BrokenFlavor(f"{kind} flavor '{flavor}' of {row.source}: {row.problem.reason}", remedy=row.problem.remedy)
        return self._classes[kind, flavor]

    def verified(self, row: FlavorRow) -> FlavorRow:
        """Return the row with the problem that loading it shows, if any. Never raises, whatever the flavor's module does."""
        if row.problem is not None:
            return row
        try:
            kind = self.type(row.type)
        except DovetailError as error:
            return replace(row, problem=Problem(error.message, error.remedy))
        try:
            candidate = _imported(row.target, None if row.distribution else self._root)
            reason = unfit(candidate, kind, row.name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # also SystemExit at import
            return replace(row, problem=_failure(row, error))
        if reason:
            return replace(row, problem=Problem(reason, discovery.mend(row)))
        self._classes[row.type, row.name] = candidate
        return row

    def name_at(self, target: str) -> str:
        """Return the flavor that the project's class at `module:Class` says it is; where it cannot be loaded, `Class`. Verifying tells why."""
        try:
            return str(_imported(target, self._root).flavor)
        except KeyboardInterrupt:
            raise
        except BaseException:  # also SystemExit at import
            return target.rpartition(":")[2]


def _loaded_type(row: TypeRow) -> ComponentType | Problem:
    if row.problem is not None:
        return row.problem
    try:
        found = _imported(row.target, None)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit at import
        return Problem(f"{row.target} cannot be loaded: {type(error).__name__}: {error}", discovery.mend(row))
    if not isinstance(found, ComponentType):
        return Problem(f"{row.target} is not a ComponentType but {type(found).__name__}", discovery.mend(row))
    return found


def _imported(target: str, root: Path | None) -> Any:
    module, _, path = target.partition(":")
    if root is not None and str(root) not in sys.path:
        sys.path.insert(0, str(root))
    value: Any = import_module(module)
    for name in path.split("."):
        value = getattr(value, name)
    return value


def _failure(row: FlavorRow, error: BaseException) -> Problem:
    reason = f"{row.target} cannot be loaded: {type(error).__name__}: {error}"
    own = row.target.partition(":")[0].partition(".")[0]
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing and missing.partition(".")[0] != own:
        return Problem(reason, f"pip install {missing.partition('.')[0]}")
    return Problem(reason, discovery.mend(row))


def unfit(candidate: Any, kind: ComponentType, name: str) -> str:
    """Return why `candidate` is no flavor `name` of the type, or nothing. It is looked at, never called."""
    base: type[Component] = _imported(kind.base, None)
    if not inspect.isclass(candidate):
        return f"it is not a class but {type(candidate).__name__}"
    if not issubclass(candidate, base):
        return f"it is not a subclass of {base.__name__}"
    flavor: type[Component] = candidate
    if (called := getattr(flavor, "flavor", None)) != name:
        return f"its `flavor` is {called!r}, and it is offered as '{name}'"
    return _interface(flavor, kind) or _shape(flavor, base)


def _interface(candidate: type[Component], kind: ComponentType) -> str:
    try:
        major, minor = (int(part) for part in candidate.interface.split("."))
    except (ValueError, AttributeError):
        return f"its `interface` {candidate.interface!r} is not of the form 'major.minor'"
    ours = tuple(map(int, kind.interface.split(".")))
    if major != ours[0] or minor > ours[1]:
        return f"it needs interface {candidate.interface}, and the installed {kind.name} interface is {kind.interface}"
    return ""


def _shape(candidate: type[Component], base: type[Component]) -> str:
    if missing := sorted(getattr(candidate, "__abstractmethods__", ())):
        return f"it does not implement {', '.join(missing)}"
    config: Any = candidate.Config
    if not (inspect.isclass(config) and issubclass(config, ComponentConfig)):
        return "its `Config` is not a subclass of ComponentConfig"
    methods = [name for name, _ in inspect.getmembers(base, inspect.isfunction) if not name.startswith("__")]
    return next((reason for name in methods if (reason := _signature(candidate, base, name))), "")


def _signature(candidate: type[Component], base: type[Component], name: str) -> str:
    """Return what a caller who keeps to the base class's signature would miss in an override."""
    theirs, ours = getattr(candidate, name), getattr(base, name)
    if theirs is ours or not callable(theirs):
        return ""
    accepted, promised = inspect.signature(theirs).parameters, inspect.signature(ours).parameters
    kinds = {parameter.kind for parameter in accepted.values()}
    if inspect.Parameter.VAR_KEYWORD in kinds and inspect.Parameter.VAR_POSITIONAL in kinds:
        return ""
    named = {key for key, value in promised.items() if value.kind not in (value.VAR_POSITIONAL, value.VAR_KEYWORD)}
    if missing := [key for key in promised if key in named and key not in accepted]:
        return f"its method `{name}` does not take {', '.join(missing)}"
    extra = [key for key, value in accepted.items() if key not in promised and _required(value)]
    return f"its method `{name}` requires {', '.join(extra)}, which no caller gives" if extra else ""


def _required(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)

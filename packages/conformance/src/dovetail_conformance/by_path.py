"""Flavors that are asked by the path of their class, as `module:Class`: those of a project, which no package offers."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from dovetail_conformance.harness import Harness
from dovetail_core.component import Component
from dovetail_core.config import closest
from dovetail_core.errors import ConfigError, DovetailError, NotFound
from dovetail_core.flavors import FlavorCatalog

_HARNESS = "a harness is a subclass of dovetail_conformance.Harness that names the class as its `flavor`, and makes components in `make`"


def class_at(path: str, base: type[Any]) -> Any:
    """Return the subclass of `base` at `module:Class`; modules of the working directory can be imported.

    Raises `NotFound` if there is no such module, or nothing of that name in it, and `ConfigError` for what cannot be imported, or is
    something else.
    """
    name, _, attribute = path.partition(":")
    module = _module(name, path)
    found = getattr(module, attribute, None)
    if found is None:
        classes = [key for key, value in vars(module).items() if isinstance(value, type)]
        raise NotFound(f"there is no '{attribute}' in {name}{closest(attribute, classes)}", remedy=f"look into {module.__file__}")
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ConfigError(f"{path} is no {base.__name__}", remedy=f"name a subclass of {base.__module__}.{base.__name__}")
    return found


def _module(name: str, path: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:  # a console script's first place is its own folder
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise _unloadable(path, error) from error
        raise NotFound(f"there is no module '{error.name}'", remedy="go to the directory that it is in, or install it") from error
    except Exception as error:
        raise _unloadable(path, error) from error


def _unloadable(path: str, error: Exception) -> DovetailError:
    return ConfigError(f"{path} cannot be loaded: {type(error).__name__}: {error}", remedy="install what it needs, or mend it")


def type_of(flavor: type[Component]) -> str:
    """Return the installed component type that a class is of. Raises `ConfigError` if it is of none."""
    catalog = FlavorCatalog()
    ancestors = {f"{ancestor.__module__}:{ancestor.__qualname__}" for ancestor in flavor.__mro__}
    found = [kind.name for kind in catalog.types() if kind.base in ancestors]
    if not found:
        known = ", ".join(catalog.type_names()) or "none"
        raise ConfigError(
            f"{flavor.__qualname__} is no component of an installed type", remedy=f"derive it from a type's base; installed: {known}"
        )
    return found[0]


def harness_for(flavor: type[Component], path: str, given: str | None) -> type[Harness]:
    """Return the harness at `given`, or the one for the class that is in its own module.

    Raises `NotFound` if none is named and there is not one there, and `ConfigError` for one that is for another class.
    """
    if given is None:
        return _beside(flavor, path)
    harness: type[Harness] = class_at(given, Harness)
    if getattr(harness, "flavor", None) is not flavor:
        raise ConfigError(f"{given} is not the harness of {path}", remedy=f"set its `flavor` to {flavor.__qualname__}; {_HARNESS}")
    return harness


def harnesses_beside(flavor: type[Component]) -> list[type[Harness]]:
    """Return the harnesses for a class that are in its own module."""
    own = [value for value in vars(sys.modules[flavor.__module__]).values() if isinstance(value, type) and issubclass(value, Harness)]
    return [harness for harness in own if getattr(harness, "flavor", None) is flavor]


def _beside(flavor: type[Component], path: str) -> type[Harness]:
    found = harnesses_beside(flavor)
    if len(found) != 1:
        said = f"there are several harnesses of {path}" if found else f"there is no harness of {path}"
        raise NotFound(f"{said} in {flavor.__module__}", remedy=f"give --harness MODULE:CLASS; {_HARNESS}")
    return found[0]

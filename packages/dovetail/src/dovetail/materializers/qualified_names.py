"""Names of classes, and classes by their names."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, get_args

from dovetail_core.errors import ConfigError

F = TypeVar("F", bound=Callable[..., Any])


def by_class(function: F) -> F:
    """Make a function of a class remember what it returned, for the classes that were asked about last."""
    return functools.lru_cache(maxsize=1024)(function)  # type: ignore[return-value]


def qualified_name(kind: type) -> str:
    """Return `module.QualifiedName`."""
    return f"{kind.__module__}.{kind.__qualname__}"


@by_class
def lineage(kind: type) -> tuple[str, ...]:
    """Return the names of a class and its bases, in the order of its MRO."""
    return tuple(map(qualified_name, kind.__mro__))


def reference(kind: type) -> str:
    """Return `module:QualifiedName`, by which `find_class` finds the class in another process."""
    return f"{kind.__module__}:{kind.__qualname__}"


@by_class
def importable(kind: type) -> bool:
    """Tell whether a class is found by its reference, so not one that a function defines."""
    try:
        return _imported(reference(kind)) is kind
    except (ImportError, AttributeError):
        return False


def find_class(name: str, annotation: Any = None) -> type:
    """Return the class that `reference` named, from the annotation if it names it. Raises `ConfigError`.

    The classes of a script have two modules, `__main__` where it is executed and its own name where it is imported; here they are one.
    """
    for kind in _classes(annotation):
        if name in (reference(kind), _imported_reference(kind)) or (
            name.startswith("__main__:") and kind.__qualname__ == name.partition(":")[2]
        ):
            return kind
    try:
        found = _of_this_script(name) or _imported(name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"the class {name!r} of a stored value cannot be found: {error}",
            remedy="install or restore the module that defines it; a class of a script must move to a module that can be imported",
        ) from error
    if not isinstance(found, type):
        raise ConfigError(f"{name!r}, named as the class of a stored value, is no class")
    return found


def _imported_reference(kind: type) -> str:
    """Return the reference that a class has where the script is imported that is `__main__` here."""
    from dovetail.code import main_name

    return f"{main_name()}:{kind.__qualname__}" if kind.__module__ == "__main__" else ""


def _of_this_script(name: str) -> Any:
    """Return a class of the script that is `__main__` here by the name that it has where it is imported, unless it is imported here, too."""
    from dovetail.code import main_name

    module, _, path = name.partition(":")
    if module != main_name() or module in sys.modules:
        return None
    script: Any = sys.modules["__main__"]
    return functools.reduce(lambda value, part: getattr(value, part, None), path.split("."), script)


def _imported(name: str) -> Any:
    from dovetail.importing import import_code

    module, _, path = name.partition(":")
    return functools.reduce(getattr, path.split("."), import_code(module))


def _classes(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type):
        yield annotation
    for argument in get_args(annotation):
        yield from _classes(argument)

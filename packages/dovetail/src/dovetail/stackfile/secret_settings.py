"""Which settings of a component are secret, and their raw values masked or left out. References to secrets are no secrets."""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from dovetail.stackfile.document import Declared
from dovetail_core.errors import DovetailError
from dovetail_core.masking import MASK
from dovetail_core.secrets import REFERENCE

if TYPE_CHECKING:
    from dovetail.project import Project

_SUSPECT = re.compile(r"passw|secret|token|credential|api_?key|access_?key|private_?key|account_?key|connection_?string|dsn", re.IGNORECASE)

Path = tuple[str | int, ...]


def masked(project: Project, component: Declared) -> dict[str, Any]:
    """Return a component's settings with the literal values of secrets replaced by asterisks."""
    paths = secret_paths(project, component)
    return {key: _replaced(value, (key,), paths) for key, value in component.settings.items()}


def secret_paths(project: Project, component: Declared) -> set[Path]:
    """Return where literal values of secrets are in a component's settings.

    Where the flavor cannot be loaded to tell, settings whose names sound like secrets count as such.
    """
    return set(_found(_fields(project, component), component.settings, ()))


def _fields(project: Project, component: Declared) -> Callable[[str], Any] | None:
    from pydantic import SecretStr

    try:
        flavor: Any = project.catalog().load(component.type, component.flavor)
        fields: Mapping[str, Any] = flavor.Config.model_fields
    except DovetailError:
        fields = {}
    return lambda name: fields[name].annotation if name in fields else (SecretStr if _SUSPECT.search(name) else Any)


def _found(annotation_of: Any, settings: Mapping[str, Any], at: Path) -> Iterator[Path]:
    for key, value in settings.items():
        yield from _in(annotation_of(key), value, (*at, key))


def _in(annotation: Any, value: Any, at: Path) -> Iterator[Path]:
    """Find the secrets in the raw value of an annotated field."""
    from pydantic import BaseModel, SecretBytes, SecretStr

    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _in(arguments[0], value, at)
    elif origin in (Union, types.UnionType):
        for arm in arguments:
            yield from _in(arm, value, at)
    elif annotation in (SecretStr, SecretBytes):
        if not isinstance(value, (Mapping, list)) and value is not None and not REFERENCE.fullmatch(str(value)):
            yield at
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel) and isinstance(value, Mapping):
        fields = annotation.model_fields
        yield from _found(lambda key: fields[key].annotation if key in fields else Any, value, at)
    elif isinstance(value, Mapping) and len(arguments) == 2:
        yield from _found(lambda key: arguments[1], value, at)
    elif isinstance(value, list) and arguments:
        for index, item in enumerate(value):
            yield from _in(arguments[0], item, (*at, index))


def _replaced(value: Any, at: Path, paths: set[Path]) -> Any:
    if at in paths:
        return MASK
    if isinstance(value, Mapping):
        return {key: _replaced(item, (*at, key), paths) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, (*at, index), paths) for index, item in enumerate(value)]
    return value


def without(settings: Any, paths: set[Path], at: Path = ()) -> Any:
    """Return settings without what is at some paths."""
    if isinstance(settings, Mapping):
        return {key: without(item, paths, (*at, key)) for key, item in settings.items() if (*at, key) not in paths}
    if isinstance(settings, list):
        return [without(item, paths, (*at, index)) for index, item in enumerate(settings) if (*at, index) not in paths]
    return settings

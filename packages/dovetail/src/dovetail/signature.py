"""What a step or pipeline function takes and gives, read from its annotations."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

from dovetail.returned_values import classes_of
from dovetail_core import ConfigError

REQUIRED: Any = inspect.Parameter.empty
DEFAULT_OUTPUT = "output"


@dataclass(frozen=True)
class Input:
    """An argument of a function; `annotation` is `Any` where there is none."""

    name: str
    annotation: Any
    default: Any = REQUIRED


@dataclass(frozen=True)
class Output:
    """A named result of a step."""

    name: str
    annotation: Any

    @functools.cached_property
    def classes(self) -> tuple[type, ...]:
        """Classes one of which its value is of; none if that cannot be asked."""
        return classes_of(self.annotation)


@dataclass(frozen=True)
class Signature:
    """Arguments and outputs of a step.

    One result is called `output`, or as in `-> Annotated[Model, "model"]`. `-> tuple[Annotated[A, "a"], Annotated[B, "b"]]` gives
    several; `-> None` gives none.
    """

    inputs: Mapping[str, Input]
    outputs: tuple[Output, ...]
    unpacked: bool = False
    """Whether the outputs are the items of a tuple that the function returns."""


def signature_of(function: Callable[..., Any], names: Mapping[str, Any] | None = None) -> Signature:
    """Return a function's signature; `names` helps to resolve annotations that are local to another function.

    Raises `ConfigError` for annotations that cannot be resolved and for arguments that cannot be given by name.
    """
    hints = _hints(function, names)
    inputs = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ConfigError(
                f"'{function.__qualname__}' takes {parameter}, and steps and pipelines need arguments with names",
                remedy="name every argument, or pass a list or dict",
            )
        inputs[parameter.name] = Input(parameter.name, hints.get(parameter.name, Any), parameter.default)
    returned = hints.get("return", Any)
    return Signature(inputs, _outputs(returned, function), unpacked=bool(_named_items(returned)))


def _hints(function: Callable[..., Any], names: Mapping[str, Any] | None) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, localns=dict(names or {}), include_extras=True)
    except (NameError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"an annotation of '{function.__qualname__}' cannot be resolved: {error}", remedy="import the name at module level"
        ) from error


def _outputs(annotation: Any, function: Callable[..., Any]) -> tuple[Output, ...]:
    if annotation in (None, type(None)):
        return ()
    if parts := _named_items(annotation):
        outputs = tuple(Output(_name(part), get_args(part)[0]) for part in parts)
        if len({output.name for output in outputs}) < len(outputs):
            raise ConfigError(f"two outputs of '{function.__qualname__}' have one name", remedy="give each output a name of its own")
        return outputs
    if any(map(_name, _items(annotation))):
        raise ConfigError(f"some outputs of '{function.__qualname__}' have a name and some have none", remedy="name all of them")
    if name := _name(annotation):
        return (Output(name, get_args(annotation)[0]),)
    return (Output(DEFAULT_OUTPUT, annotation),)


def _items(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) is tuple else ()


def _named_items(annotation: Any) -> tuple[Any, ...]:
    """Return the items of a tuple all of which have a name, which makes each an output; of one item as well."""
    items = _items(annotation)
    return items if all(map(_name, items)) else ()


def _name(annotation: Any) -> str:
    """Return the output's name in `Annotated[T, "name"]`, or nothing."""
    if get_origin(annotation) is not Annotated:
        return ""
    return next((extra for extra in get_args(annotation)[1:] if isinstance(extra, str)), "")

"""Options of `register` and `update`, generated from the config of the flavor that is meant."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import click

from dovetail.wiring import alternatives
from dovetail_core.errors import DovetailError
from dovetail_core.secrets import REFERENCE

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem
    from pydantic.fields import FieldInfo

    from dovetail_core import Component

    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # generic only in newer versions of click

_PREFIX = "setting_"
_TAKEN = {"flavor", "help", "output"}
"""Options that the commands have themselves; a setting called so is `--setting-flavor` and so on."""
_SIMPLE = (str, int, float, bool)


class SettingsCommand(click.Command):
    """A command with an option per setting of a flavor, which `flavor_of` finds from the words of the command line."""

    def __init__(self, *args: Any, flavor_of: Callable[[Sequence[str]], type[Component] | None], **more: Any) -> None:
        super().__init__(*args, **more)
        self._flavor_of = flavor_of

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, the flavor's own included."""
        try:
            flavor = self._flavor_of(args)
        except DovetailError:
            if not ctx.resilient_parsing and not {"--help", "-h"} & set(args):
                raise
            flavor = None
        if flavor is not None:
            self.params: list[click.Parameter] = [*self.params, *options_of(flavor)]
            self.epilog: str | None = f"\b\nSettings of the flavor '{flavor.flavor}': {_first_line(flavor)}"
        return super().parse_args(ctx, args)


def options_of(flavor: Any) -> Iterator[click.Option]:
    """Yield an option per setting of a flavor, which is a subclass of `Component`."""
    for name, field in flavor.Config.model_fields.items():
        dashed = ("setting-" if name in _TAKEN else "") + name.replace("_", "-")
        kind = _kind(field.annotation)
        names = [f"--{dashed}/--no-{dashed}" if kind is bool else f"--{dashed}", _PREFIX + name]
        value: dict[str, Any] = {} if kind is bool else {"type": SettingType(name, field.annotation), "metavar": _metavar(field.annotation)}
        yield click.Option(names, default=None, help=_help(field), **value)


def settings_in(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that were given, out of a command's arguments."""
    return {name.removeprefix(_PREFIX): value for name, value in values.items() if name.startswith(_PREFIX) and value is not None}


class SettingType(_ParamType):
    """A setting as it is typed on a command line: numbers as numbers, structures as JSON; references to secrets stay as they are."""

    name = "setting"

    def __init__(self, setting: str, annotation: Any) -> None:
        self.setting = setting
        self._annotation = annotation
        self._kind = _kind(annotation)
        self._choices = _choices(annotation)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value for the stack file; its validity is for the config to judge."""
        if not isinstance(value, str) or self._kind is str or REFERENCE.fullmatch(value):
            return value
        try:
            return self._kind(value) if self._kind is not None else json.loads(value)
        except ValueError:
            wanted = f"JSON{_as_json(value, self._annotation)}" if self._kind is None else "a number"
            self.fail(f"'{value}' is not {wanted}", param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the values that the setting can have and that begin so, if they are known."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(choice) for choice in self._choices if choice.startswith(incomplete)]


def _kind(annotation: Any) -> Any:
    """Return how a setting is typed: bool, int, float or str; None is JSON."""
    from pydantic import SecretBytes, SecretStr

    kinds: set[Any] = set()
    for arm in alternatives(annotation):
        if get_origin(arm) is Literal:
            kinds |= {type(value) for value in get_args(arm)}
        elif isinstance(arm, type) and issubclass(arm, (Enum, Path, SecretStr, SecretBytes)):
            kinds.add(str)
        elif arm in _SIMPLE:
            kinds.add(arm)
        else:
            kinds.add(_text_or_json(arm))
    if len(kinds) == 1:
        return kinds.pop()
    return str if str in kinds and None not in kinds else (float if kinds <= {int, float} else None)


def _text_or_json(arm: Any) -> type[str] | None:
    """Return str for what pydantic reads from text, such as an address or a duration."""
    from pydantic import BaseModel

    if get_origin(arm) is not None or arm is Any or not isinstance(arm, type):
        return None
    return None if issubclass(arm, (BaseModel, dict, list, tuple, set, frozenset)) else str


def _as_json(value: str, annotation: Any) -> str:
    """Return how a value is written where a list is wanted, or a mapping."""
    origins = {get_origin(arm) or arm for arm in alternatives(annotation)}
    if origins & {list, tuple, set, frozenset, Sequence}:
        items = [part.strip() for part in value.strip().strip("[]").split(",")]
        return f"; a list is written {shlex.quote(json.dumps(items))}"
    return '; a mapping is written \'{"name": "value"}\'' if origins & {dict, Mapping} else ""


def _choices(annotation: Any) -> list[str]:
    """Return the values that an annotation lists, as text."""
    choices = [str(value) for arm in alternatives(annotation) if get_origin(arm) is Literal for value in get_args(arm)]
    return choices + [
        str(member.value) for arm in alternatives(annotation) if isinstance(arm, type) and issubclass(arm, Enum) for member in arm
    ]


def _metavar(annotation: Any) -> str:
    if choices := _choices(annotation):
        return "[" + "|".join(choices) + "]"
    return {int: "INTEGER", float: "NUMBER", None: "JSON"}.get(_kind(annotation), "TEXT")


def _help(field: FieldInfo) -> str:
    from pydantic import SecretStr

    text = field.description or ""
    if field.is_required():
        return f"{text}  [required]"
    default = field.get_default(call_default_factory=False)
    shown = "" if default is None or isinstance(default, SecretStr) or "Undefined" in type(default).__name__ else _written(default)
    return f"{text}  [default: {shown}]" if shown else text


def _written(default: Any) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    return str(default.value if isinstance(default, Enum) else default)


def _first_line(flavor: type[Component]) -> str:
    return (flavor.__doc__ or "").strip().partition("\n")[0]

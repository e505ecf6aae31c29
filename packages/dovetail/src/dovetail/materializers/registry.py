"""Finds the materializer of a type, and the one that an artifact was stored with."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_origin

from dovetail.materializers.builtin import BUILTINS, PICKLE, Builtin, missing
from dovetail.materializers.materializer import Materializer, Refused
from dovetail.materializers.qualified_names import lineage, qualified_name
from dovetail_core.errors import ConfigError
from dovetail_core.hooks import Hooks, installed_hooks

if TYPE_CHECKING:
    from dovetail.materializers.source import Source
    from dovetail.materializers.target import Target

log: logging.Logger = logging.getLogger("dovetail.materializers")
_BUILTIN = {entry.name: entry for entry in (*BUILTINS, PICKLE)}


class Registry:
    """The materializers that there are: those of plugins first, then the built-in ones.

    Pickle is the last resort, for writing and for reading, and only with `allow_pickle`. May be shared by threads.
    """

    def __init__(self, *, allow_pickle: bool = False, hooks: Hooks | None = None) -> None:
        self.allow_pickle = allow_pickle
        self._hooks = hooks
        self._made: dict[str, Materializer] = {}
        self._candidates: dict[type, tuple[Materializer, ...]] = {}

    def for_type(self, kind: Any) -> Materializer:
        """Return the first materializer asked about values of a class, or of an annotation such as `list[int]`.

        Raises `ConfigError` if there is none.
        """
        kind = get_origin(kind) or kind
        if not isinstance(kind, type):
            raise ConfigError(f"{kind!r} is no class, and values are stored by their class")
        for materializer in self.candidates(kind):
            return materializer
        raise self._homeless(kind, ())

    def for_value(self, value: Any, annotation: Any = None) -> Materializer:
        """Return the first materializer asked about a value. Raises `ConfigError` if there is none."""
        return self.for_type(type(value))

    def named(self, name: str) -> Materializer:
        """Return the materializer that is recorded as `name`. Raises `ConfigError` if it is not installed, or is pickle and not allowed."""
        if name == PICKLE.name and not self.allow_pickle:
            raise ConfigError(
                "the artifact was stored with pickle, which runs code when it is loaded, and this project does not allow it",
                remedy="set `allow_pickle: true` in dovetail.yaml if you trust the project's artifact store",
            )
        if name in self._plugins:
            return self._plugins[name]
        if name in _BUILTIN:
            return self._builtin(_BUILTIN[name])
        raise ConfigError(
            f"the artifact was stored by a materializer called '{name}', which is not installed here",
            remedy="install the package that offers it under the hook dovetail_materializers",
        )

    def candidates(self, kind: type) -> tuple[Materializer, ...]:
        """Return the materializers for a class, in the order in which they are asked."""
        found = self._candidates.get(kind)
        if found is None:
            found = self._candidates[kind] = tuple(dict.fromkeys(self._matching(kind)))
        return found

    def write(self, value: Any, target: Target) -> tuple[Materializer, Mapping[str, Any]]:
        """Write a value with the first materializer that does not refuse it, and return that one and what it says of the value.

        Raises `ConfigError` if none stores it.
        """
        refusals = []
        for materializer in self.candidates(type(value)):
            try:
                return materializer, materializer.save(value, target)
            except Refused as refusal:
                refusals.append(refusal)
            except ImportError as error:
                raise missing(materializer.name, materializer.requires, error) from error
        raise self._homeless(type(value), refusals)

    def read(self, name: str, form: str, kind: str, source: Source) -> Any:
        """Return the value of class `kind` that the materializer `name` stored in the format `form`."""
        materializer = self.named(name)
        version = _version(form, materializer)
        try:
            return materializer.load(replace(source, version=version), kind)
        except ImportError as error:
            raise missing(materializer.name, materializer.requires, error) from error

    def _matching(self, kind: type) -> Iterator[Materializer]:
        names = lineage(kind)
        for name in names:
            yield from (plugin for plugin in self._plugins.values() if name in plugin.types)
        yield from (plugin for plugin in self._plugins.values() if _accepts(plugin, kind))
        yield from (self._builtin(entry) for entry in BUILTINS if names[0] in entry.exact)
        for name in names:
            yield from (self._builtin(entry) for entry in BUILTINS if name in entry.types)
        yield from (found for found in [self._builtin(_BUILTIN["json"])] if found.accepts(kind))
        if self.allow_pickle:
            yield self._builtin(PICKLE)

    def _builtin(self, entry: Builtin) -> Materializer:
        if entry.name not in self._made:
            self._made[entry.name] = entry.make()
        return self._made[entry.name]

    @cached_property
    def _plugins(self) -> dict[str, Materializer]:
        plugins: dict[str, Materializer] = {}
        hooks = self._hooks or installed_hooks()
        for kind in (kind for offered in hooks.call("dovetail_materializers") for kind in offered):
            if made := _made(kind, plugins):
                plugins[made.name] = made
        return plugins

    def _homeless(self, kind: type, refusals: Iterable[Refused]) -> ConfigError:
        name = qualified_name(kind)
        reasons = [str(refusal) for refusal in refusals]
        message = f"a {name} cannot be stored: " + ("; ".join(reasons) or "no materializer is for its class")
        ways = "give a value of a supported type, offer a materializer for it by the hook dovetail_materializers"
        if not self.allow_pickle:
            ways += ", or set `allow_pickle: true` in dovetail.yaml"
        return ConfigError(message, remedy=ways)


def _made(kind: Any, others: Mapping[str, Materializer]) -> Materializer | None:
    """Return an instance of a plugin's class, or None, with a line in the log, if it cannot be used."""
    try:
        _check(kind, others)
        made: Materializer = kind()
    except Exception as error:
        log.warning("the materializer %r of a plugin is left out: %s", kind, error)
        return None
    return made


def _check(kind: Any, others: Mapping[str, Materializer]) -> None:
    if not (isinstance(kind, type) and issubclass(kind, Materializer)):
        raise TypeError("it is no subclass of dovetail.materializers.Materializer")
    if inspect.isabstract(kind):
        raise TypeError(f"it does not implement {', '.join(sorted(kind.__abstractmethods__))}")
    for attribute in ("name", "format"):
        if not isinstance(getattr(kind, attribute, None), str):
            raise TypeError(f"it has no {attribute}")
    types: Any = kind.types
    if isinstance(types, str):
        raise TypeError("its `types` is a string and must be a tuple of strings")
    if kind.name in _BUILTIN or kind.name in others:
        raise ValueError(f"the name {kind.name!r} is taken")


def _accepts(plugin: Materializer, kind: type) -> bool:
    try:
        return plugin.accepts(kind)
    except Exception:
        log.exception("the materializer %s failed to say whether it is for %s", plugin.name, qualified_name(kind))
        return False


def _version(form: str, materializer: Materializer) -> int:
    """Return the version in a recorded format. Raises `ConfigError` for a format or version that the materializer does not read."""
    name, _, number = form.partition("/")
    if name == materializer.format and number.isdecimal() and int(number) <= materializer.version:
        return int(number)
    readable = f"{materializer.format} up to version {materializer.version}"
    raise ConfigError(
        f"the artifact was stored as {form} by the materializer '{materializer.name}', which reads {readable} here",
        remedy="install the version of the package that stored it, or a newer one",
    )

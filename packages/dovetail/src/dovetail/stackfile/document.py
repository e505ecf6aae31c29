"""What `dovetail.yaml` declares, together with what is there without it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from dovetail_core.errors import NotFound

NAME = "dovetail.yaml"
DEFAULT = "default"
"""Name of the stack, and of its components, that every project has; the file may redefine them."""

DEFAULT_FLAVORS = {"orchestrator": "local", "artifact_store": "local", "metadata_store": "sqlite"}

Types = Mapping[str, tuple[str, ...]]
"""The components of a stack: names by type."""


@dataclass(frozen=True)
class Declared:
    """A component as it is declared: settings are raw."""

    type: str
    name: str
    flavor: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """How messages call it."""
        return f"{self.type} '{self.name}'"


class StackFile:
    """The content of a `dovetail.yaml`; `data` is its round-trip form, which changes are made to. Reading it imports no pydantic."""

    def __init__(self, path: Path, data: MutableMapping[str, Any]) -> None:
        self.path = path
        self.data = data

    @property
    def active(self) -> str:
        """Name of the stack that is used unless another is asked for."""
        return str(self.data.get("active", DEFAULT))

    @property
    def allow_pickle(self) -> bool:
        """Whether values may be stored with pickle."""
        return bool(self.data.get("allow_pickle", False))

    def section(self, *keys: str, make: bool = False) -> MutableMapping[str, Any]:
        """Return the mapping below some keys, empty if it is not there; with `make` it is put there."""
        found: Any = self.data
        for key in keys:
            inner = found.get(key)
            if inner is None:
                inner = type(self.data)()
                if make:
                    found[key] = inner
            found = inner
        return found  # type: ignore[no-any-return]

    def components(self, kind: str | None = None) -> list[Declared]:
        """Return the components, of one type or of all, sorted by type and name."""
        found = {(type, DEFAULT): Declared(type, DEFAULT, flavor) for type, flavor in DEFAULT_FLAVORS.items()}
        for type_, named in (self.data.get("components") or {}).items():
            found |= {(str(type_), str(name)): _declared(str(type_), str(name), body) for name, body in (named or {}).items()}
        return [found[key] for key in sorted(found) if kind in (None, key[0])]

    def component(self, kind: str, name: str) -> Declared:
        """Return a component. Raises `NotFound` with the closest name."""
        named = {component.name: component for component in self.components(kind)}
        if name not in named:
            group = kind.replace("_", "-")
            remedy = f"there are: {', '.join(named)}" if named else f"dovetail {group} register {name} --flavor FLAVOR"
            raise NotFound(f"there is no {kind} '{name}'{closest(name, named)}", remedy=remedy)
        return named[name]

    def stacks(self) -> dict[str, Types]:
        """Return the components of every stack, sorted by name."""
        found: dict[str, Types] = {DEFAULT: {type: (DEFAULT,) for type in DEFAULT_FLAVORS}}
        found |= {str(name): _references(body or {}) for name, body in (self.data.get("stacks") or {}).items()}
        return dict(sorted(found.items()))

    def stack(self, name: str) -> Types:
        """Return the components of a stack. Raises `NotFound` with the closest name."""
        stacks = self.stacks()
        if name not in stacks:
            raise NotFound(f"there is no stack '{name}'{closest(name, stacks)}", remedy=f"there are: {', '.join(stacks)}")
        return stacks[name]

    def users(self, kind: str, name: str) -> list[str]:
        """Return the names of the stacks that use a component."""
        return [stack for stack, types in self.stacks().items() if name in types.get(kind, ())]

    def flavors(self) -> dict[str, dict[str, str]]:
        """Return the project's own flavors: type, name, and the target as `module:Class`."""
        sections = (self.data.get("flavors") or {}).items()
        return {str(kind): {str(name): str(target) for name, target in (named or {}).items()} for kind, named in sections}


def _declared(kind: str, name: str, body: Mapping[str, Any]) -> Declared:
    settings = plain(body)
    return Declared(kind, name, str(settings.pop("flavor")), settings)


def _references(body: Mapping[str, Any]) -> Types:
    return {str(kind): tuple(map(str, [names] if isinstance(names, str) else names)) for kind, names in body.items()}


def plain(value: Any) -> Any:
    """Return a value of the round-trip form as JSON-able data."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def closest(name: str, known: Iterable[str]) -> str:
    """Return `, did you mean 'x'?` for a misspelt name, or nothing; as in the core, which imports pydantic for it."""
    match = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean '{match[0]}'?" if match else ""

"""A stack in use: components are built when they are first asked for, and closed in reverse."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dovetail_core.component import Component
from dovetail_core.errors import NotFound
from dovetail_core.flavors import FlavorCatalog
from dovetail_core.secrets import references, resolve
from dovetail_core.stack import ComponentSpec, StackSpec


class Stack:
    """The components of a stack, as attributes named by type: `stack.artifact_store`.

    A type that may be there several times gives a tuple from `all(type)`. Components belong to the stack: `close()` closes those that were built.
    """

    def __init__(self, spec: StackSpec, catalog: FlavorCatalog | None = None) -> None:
        self.spec = spec
        self._catalog = catalog or FlavorCatalog()
        self._built: dict[tuple[str, str], Component] = {}
        self._lock = threading.RLock()

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.spec.name

    def __getattr__(self, kind: str) -> Any:
        if kind.startswith("_"):
            raise AttributeError(kind)
        return self.get(kind)

    def get(self, kind: str) -> Component:
        """Return the component of a type, the first if there are several. Raises `NotFound` if there is none."""
        specs = self.spec.of(kind)
        if not specs:
            raise NotFound(
                f"stack '{self.name}' has no {kind}", remedy=f"dovetail stack update {self.name} --{kind.replace('_', '-')} NAME"
            )
        return self.component(specs[0])

    def all(self, kind: str) -> tuple[Component, ...]:
        """Return every component of a type; none is an empty tuple."""
        return tuple(map(self.component, self.spec.of(kind)))

    def components(self) -> tuple[Component, ...]:
        """Return every component, built if need be."""
        return tuple(map(self.component, self.spec.components))

    def component(self, spec: ComponentSpec) -> Component:
        """Return the component that a part of the stack's description means, built if need be."""
        key = (spec.type, spec.name)
        with self._lock:
            if key not in self._built:
                self._built[key] = self._build(spec)
            return self._built[key]

    def _build(self, spec: ComponentSpec) -> Component:
        cls = self._catalog.load(spec.type, spec.flavor)
        settings = spec.settings
        if references(settings):
            settings = resolve(settings, self._secret if self.spec.of("secrets_manager") else None)
        return cls.from_settings(settings, name=spec.name, root=Path(self.spec.root) if self.spec.root else None)

    def _secret(self, name: str, key: str) -> str:
        manager: Any = self.get("secrets_manager")
        values = manager.get(name)
        if key not in values:
            raise NotFound(f"the secret '{name}' has no key '{key}'", remedy="name one of its keys, or add it")
        value = values[key]
        return value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)

    def close(self) -> None:
        """Close every component that was built, last first; all are closed even if one raises, and the first error is raised then."""
        with contextlib.ExitStack() as closing, self._lock:
            for component in self._built.values():
                closing.callback(component.close)
            self._built = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return Stack, (self.spec,)

"""What every component of a stack is."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from dovetail_core.config import ComponentConfig, validated


class Status(StrEnum):
    """State of what a component stands for."""

    NOT_PROVISIONED = "not provisioned"
    """It was never made."""
    STOPPED = "stopped"
    """It was made, and does not run."""
    RUNNING = "running"
    """It can be used."""


class Reach(StrEnum):
    """From where something can be used, or where work is done."""

    MACHINE = "machine"
    """Only this machine."""
    NETWORK = "network"
    """Every machine that has the settings."""


class Component:
    """Base of the component types. A flavor is one subclass of its type's base class, usable on its own.

    An author sets `flavor`, `interface`, `capabilities` and `Config`, and implements the type's primitives. The constructor takes the
    settings as keywords (or a ready `Config`) and does no I/O. Instances are safe to use from several threads, can be pickled (the
    config goes, connections stay), and two of them never share state.
    """

    type: ClassVar[str]
    """Name of the component type; set by the type's base class."""
    flavor: ClassVar[str]
    """Name of the flavor, as in the entry point that offers it."""
    interface: ClassVar[str] = "1.0"
    """The version of the type's interface that the flavor was written for: rules that are newer are advisories."""
    capabilities: frozenset[Any] = frozenset()
    """What the flavor declares of what its type knows; a property where it depends on the settings."""
    Config: ClassVar[builtins.type[ComponentConfig]] = ComponentConfig
    """The flavor's settings."""

    config: ComponentConfig
    name: str = ""
    """Its name in the stack; empty for one that was made by hand."""

    def __init__(self, config: ComponentConfig | None = None, /, **settings: Any) -> None:
        if config is None:
            config = validated(self.Config, settings, what=f"{self.type} flavor '{self.flavor}'")
        elif settings:
            raise TypeError(f"{type(self).__name__}: give a config or settings, not both")
        self.config = config
        """The settings of this component, validated."""
        self.setup()

    def setup(self) -> None:
        """Prepare attributes that are derived from the config; no I/O. Called at the end of construction, also when unpickled."""

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], *, name: str = "", root: Path | None = None) -> Self:
        """Return a component named `name`, with relative paths in `settings` taken from `root`. Raises `ConfigError` that names it."""
        component = cls(validated(cls.Config, settings, what=f"{cls.type} '{name or cls.flavor}' (flavor {cls.flavor})", root=root))
        component.name = name
        return component

    @property
    def label(self) -> str:
        """How messages call this component, such as `artifact_store 'prod'`."""
        return f"{self.type} '{self.name or self.flavor}'"

    @classmethod
    def reach(cls, config: ComponentConfig) -> Reach:
        """Tell from where the configured component can be used; needs no network."""
        return Reach.NETWORK

    @classmethod
    def runs_on(cls, config: ComponentConfig) -> Reach:
        """Tell where the configured component executes user code: this machine, or others, which must then reach the stack's stores."""
        return Reach.MACHINE

    @classmethod
    def containerized(cls, config: ComponentConfig) -> bool:
        """Tell whether the configured component needs images from a container registry."""
        return False

    def check(self) -> None:
        """Verify against the backend that the component can be used; the error names the field to mend."""

    def status(self) -> Status:
        """Return the state of what the component stands for; what needs no provisioning is always running."""
        return Status.RUNNING

    def provision(self) -> None:
        """Create what the component needs; nothing happens if it is there."""

    def deprovision(self) -> None:
        """Remove what `provision` made; nothing happens if there is nothing."""

    def resume(self) -> None:
        """Start what is provisioned and stopped."""

    def suspend(self) -> None:
        """Stop what is running, and keep it provisioned."""

    def close(self) -> None:
        """Release connections, threads and files; may be called again, and the component may be used again afterwards."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: builtins.type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.config, self.name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.config!r})"


def _restore(cls: type[Component], config: ComponentConfig, name: str) -> Component:
    component = cls(config)
    component.name = name
    return component

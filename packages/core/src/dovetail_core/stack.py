"""Stacks: which components they are made of, and whether those fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dovetail_core.component import Component, Reach
from dovetail_core.config import validated_unresolved
from dovetail_core.errors import ConfigError, DovetailError
from dovetail_core.flavors import FlavorCatalog
from dovetail_core.hooks import installed_hooks
from dovetail_core.secrets import references


@dataclass(frozen=True)
class ComponentSpec:
    """A component as it is declared: settings are raw, with references to secrets unresolved."""

    type: str
    name: str
    flavor: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """How messages call it."""
        return f"{self.type} '{self.name}'"


@dataclass(frozen=True)
class StackSpec:
    """A stack as it is declared. Plain data: it can be written as JSON and read on another machine."""

    name: str
    components: tuple[ComponentSpec, ...]
    root: str = ""
    """Directory that relative paths in settings are relative to."""

    def of(self, kind: str) -> tuple[ComponentSpec, ...]:
        """Return the components of one type."""
        return tuple(component for component in self.components if component.type == kind)

    def to_dict(self) -> dict[str, Any]:
        """Return the stack as JSON-able data."""
        components = [{"type": c.type, "name": c.name, "flavor": c.flavor, "settings": dict(c.settings)} for c in self.components]
        return {"name": self.name, "root": self.root, "components": components}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StackSpec:
        """Return the stack that `to_dict` described."""
        return cls(data["name"], tuple(ComponentSpec(**component) for component in data["components"]), data["root"])


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a stack."""

    subject: str
    """The component or stack that it is about."""
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.problem} ({self.remedy})"


class StackInvalid(ConfigError):
    """A stack cannot be used; `findings` holds everything that is wrong with it."""

    def __init__(self, message: str, *, findings: Iterable[Finding] = (), **details: Any) -> None:
        self.findings: tuple[Finding, ...] = tuple(findings)
        super().__init__(message, **details)
        self.details["findings"] = self.findings


def validate_stack(spec: StackSpec, catalog: FlavorCatalog) -> list[Finding]:
    """Return everything that is wrong with a stack, also what installed validators find. Changes nothing and needs no network."""
    findings = [*_missing_types(spec, catalog), *_too_many(spec, catalog)]
    usable: list[tuple[ComponentSpec, type[Component], Any]] = []
    for component in spec.components:
        try:
            cls = catalog.load(component.type, component.flavor)
            config = _config(component, cls, spec)
            if config is not None:
                usable.append((component, cls, config))
        except DovetailError as error:
            findings.append(
                Finding(component.label, error.message.removeprefix(f"{component.label} (flavor {component.flavor}): "), error.remedy)
            )
    findings += _unreachable(usable, catalog)
    findings += _unresolvable(spec, catalog)
    findings += _without_registry(usable, spec)
    for found in installed_hooks().call("dovetail_validate_stack", spec=spec):
        findings += found
    return findings


def ensure_valid(spec: StackSpec, catalog: FlavorCatalog) -> None:
    """Raise `StackInvalid` with all findings, if there are any."""
    if findings := validate_stack(spec, catalog):
        raise StackInvalid(f"stack '{spec.name}': " + "; ".join(map(str, findings)), findings=findings)


def _config(component: ComponentSpec, cls: type[Component], spec: StackSpec) -> Any:
    what = f"{component.label} (flavor {component.flavor})"
    return validated_unresolved(cls.Config, component.settings, what=what, root=Path(spec.root) if spec.root else None)


def _missing_types(spec: StackSpec, catalog: FlavorCatalog) -> Iterator[Finding]:
    present = {component.type for component in spec.components}
    for kind in catalog.types():
        if kind.required and kind.name not in present:
            command = f"dovetail stack update {spec.name} --{kind.name.replace('_', '-')} NAME"
            yield Finding(f"stack '{spec.name}'", f"it has no {kind.title}, and every stack needs one", command)


def _too_many(spec: StackSpec, catalog: FlavorCatalog) -> Iterator[Finding]:
    for kind in catalog.types():
        if len(spec.of(kind.name)) > 1 and not kind.multiple:
            names = ", ".join(component.name for component in spec.of(kind.name))
            yield Finding(f"stack '{spec.name}'", f"it has several components of type {kind.name}: {names}", "keep one of them")


def _unreachable(usable: list[tuple[ComponentSpec, type[Component], Any]], catalog: FlavorCatalog) -> Iterator[Finding]:
    """Find components that steps need and only this machine can use, in a stack that runs steps elsewhere."""
    remote = [component for component, cls, config in usable if cls.runs_on(config) is Reach.NETWORK]
    for component, cls, config in usable if remote else ():
        if catalog.type(component.type).shared and cls.reach(config) is Reach.MACHINE:
            problem = f"only this machine can use it, and {remote[0].label} runs steps elsewhere"
            yield Finding(component.label, problem, f"use a {component.type} that is reached over the network")


def _unresolvable(spec: StackSpec, catalog: FlavorCatalog) -> Iterator[Finding]:
    if spec.of("secrets_manager"):
        return
    for component in spec.components:
        for secret, key in sorted(references(component.settings)):
            problem = f"a setting refers to the secret {{{{{secret}.{key}}}}}, and the stack has no secrets manager"
            can_be = "secrets_manager" in catalog.type_names()
            yield Finding(
                component.label,
                problem,
                "add a secrets manager to the stack, or write the value"
                if can_be
                else "write the value: no installed package has secrets managers",
            )


def _without_registry(usable: list[tuple[ComponentSpec, type[Component], Any]], spec: StackSpec) -> Iterator[Finding]:
    for component, cls, config in usable:
        if cls.containerized(config) and not spec.of("container_registry"):
            yield Finding(
                component.label, "it runs images, and the stack has no container registry", "add a container registry to the stack"
            )

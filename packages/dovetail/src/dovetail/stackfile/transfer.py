"""Stacks from one project to another. An exported stack is a stack file of its own, with nothing but that stack."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dovetail.stackfile.document import Declared, StackFile
from dovetail.stackfile.naming import fresh
from dovetail.stackfile.reading import parse, round_trip
from dovetail.stackfile.secret_settings import secret_paths, without
from dovetail.stackfile.writing import editing
from dovetail_core.errors import AlreadyExists, InvalidArgument

if TYPE_CHECKING:
    from dovetail.project import Project
    from dovetail_core.stack import Finding


def exported(project: Project, name: str, *, with_secrets: bool = False) -> str:
    """Return a stack with its components as YAML; the literal values of secrets are left out, and named in a comment."""
    types = project.file.stack(name)
    components: dict[str, dict[str, Any]] = {}
    flavors: dict[str, dict[str, str]] = {}
    left_out: list[str] = []
    for component in (project.file.component(kind, one) for kind, names in types.items() for one in names):
        paths = set() if with_secrets else secret_paths(project, component)
        left_out += sorted(".".join(map(str, (component.type, component.name, *path))) for path in paths)
        settings = without(component.settings, paths)
        components.setdefault(component.type, {})[component.name] = {"flavor": component.flavor, **settings}
        if target := project.local_flavors().get(component.type, {}).get(component.flavor):
            flavors.setdefault(component.type, {})[component.flavor] = target
    stack = {kind: names[0] if len(names) == 1 else list(names) for kind, names in types.items()}
    data = {"components": components, "stacks": {name: stack}, **({"flavors": flavors} if flavors else {})}
    note = f"# left out, being secret: {', '.join(left_out)}\n" if left_out else ""
    stream = io.StringIO()
    round_trip("").dump(data, stream)
    return note + stream.getvalue()


@dataclass(frozen=True)
class Imported:
    """What came of an import: the stack's name, the components that were added, and what the stack lacks here."""

    stack: str
    added: tuple[str, ...]
    findings: tuple[Finding, ...]


def import_stack(project: Project, text: str, source: Path, name: str | None = None) -> Imported:
    """Add an exported stack and its components, also where flavors are missing; return what was added and what is missing.

    Raises `AlreadyExists`, with nothing written, if the stack, or another component of the same name, is there.
    """
    from dovetail.project import Project as Here

    incoming = parse(source, text)
    stack = _only_stack(incoming, source)
    new = name or stack
    with editing(project.path) as file:
        fresh(new, file.stacks(), "stack", "give it another name with --name")
        declared = [incoming.component(kind, one) for kind, names in incoming.stack(stack).items() for one in names]
        if clashes := list(_clashes(file, incoming, declared)):
            raise AlreadyExists(f"the project has other {' and '.join(clashes)}", remedy="rename them here or there, and import again")
        added = [one for one in declared if not _same(file, one)]
        for component in added:
            file.section("components", component.type, make=True)[component.name] = {"flavor": component.flavor, **component.settings}
        for kind, own in incoming.flavors().items():
            file.section("flavors", kind, make=True).update(own)
        file.section("stacks", make=True)[new] = incoming.data["stacks"][stack]
    return Imported(new, tuple(one.label for one in added), tuple(Here(project.root).findings(new)))


def _only_stack(incoming: StackFile, source: Path) -> str:
    names = list(incoming.section("stacks"))
    if len(names) != 1:
        remedy = "export each by itself, with dovetail stack export"
        raise InvalidArgument(f"{source} holds {len(names)} stacks, and one is imported at a time", remedy=remedy)
    return str(names[0])


def _clashes(file: StackFile, incoming: StackFile, declared: list[Declared]) -> Iterator[str]:
    for component in declared:
        if not _same(file, component) and component.name in {one.name for one in file.components(component.type)}:
            yield component.label
    for kind, own in incoming.flavors().items():
        for name, target in own.items():
            if file.flavors().get(kind, {}).get(name, target) != target:
                yield f"{kind} flavor '{name}'"


def _same(file: StackFile, component: Declared) -> bool:
    return component in file.components(component.type)

"""Flavors that a project offers itself, by the path of their class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dovetail.stackfile.document import closest
from dovetail.stackfile.naming import checked, remove_key
from dovetail.stackfile.writing import editing
from dovetail_core.errors import AlreadyExists, BrokenFlavor, Conflict, NotFound

if TYPE_CHECKING:
    from dovetail.project import Project


def register(project: Project, kind: str, name: str | None, target: str) -> str:
    """Offer the class at `module:Class` as a flavor of the project, once it is found to be one, and return the flavor's name.

    Without `name` it is the one that the class says. Raises `BrokenFlavor`, `AlreadyExists`.
    """
    from dovetail_core.flavors import FlavorCatalog

    project.catalog().type(kind)
    name = checked(name or FlavorCatalog(root=project.root).name_at(target), f"{kind} flavor")
    offered = [row for row in project.catalog().rows(kind) if row.name == name]
    if offered:
        raise AlreadyExists(f"{kind} flavor '{name}' is offered already, by {offered[0].source}", remedy="take another name")
    catalog = FlavorCatalog({kind: {name: target}}, project.root)
    row = catalog.verified(catalog.find(kind, name))
    if row.problem is not None:
        remedy = f"mend {target}, then register it again"
        raise BrokenFlavor(f"{kind} flavor '{name}' cannot be registered: {row.problem.reason}", remedy=remedy)
    with editing(project.path) as file:
        file.section("flavors", kind, make=True)[name] = target
    return name


def unregister(project: Project, kind: str, name: str) -> None:
    """Offer a flavor of the project no more. Raises `Conflict` while a component is of it, naming the components."""
    with editing(project.path) as file:
        own = file.flavors().get(kind, {})
        if name not in own:
            known = ", ".join(own) or "none"
            raise NotFound(f"the project has no {kind} flavor '{name}' of its own{closest(name, own)}", remedy=f"its own: {known}")
        users = [component.name for component in file.components(kind) if component.flavor == name]
        if users:
            group = kind.replace("_", "-")
            raise Conflict(f"{kind} flavor '{name}' is used by {', '.join(users)}", remedy=f"dovetail {group} delete {users[0]} first")
        remove_key(file.data, "flavors", kind, name)

"""Changes to the declared stacks of a project. A stack is validated, and refused with all findings, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dovetail.stackfile.document import DEFAULT, StackFile, closest
from dovetail.stackfile.naming import fresh, remove_key, rename_key
from dovetail.stackfile.validation import ensure_valid
from dovetail.stackfile.writing import editing
from dovetail_core.errors import Conflict, InvalidArgument, NotFound

if TYPE_CHECKING:
    from dovetail.project import Project

Chosen = Mapping[str, Sequence[str]]
"""Names of components by type."""


def register(project: Project, name: str, components: Chosen) -> None:
    """Declare a stack. Raises `AlreadyExists`, or `StackInvalid` with everything that is wrong with it."""
    with editing(project.path) as file:
        fresh(name, file.stacks(), "stack", f"dovetail stack update {name}, or take another name")
        file.section("stacks", make=True)[name] = {kind: _written(names) for kind, names in components.items()}
        ensure_valid(project, file, name, new=True)


def update(project: Project, name: str, components: Chosen) -> None:
    """Replace components of a stack, by type; the other types stay. Raises `StackInvalid` with everything that is wrong then."""
    with editing(project.path) as file:
        body = _body(file, name)
        for kind, names in components.items():
            body[kind] = _written(names)
        ensure_valid(project, file, name)


def remove_component(project: Project, name: str, kind: str, component: str | None = None) -> None:
    """Take a component out of a stack, or all of a type. Refused if a stack that could be used could not be used then."""
    with editing(project.path) as file:
        names = file.stack(name).get(kind, ())
        if not names or (component is not None and component not in names):
            what = f"{kind} '{component}'" if component and names else kind
            known = names or tuple(file.stack(name))
            raise NotFound(f"stack '{name}' has no {what}{closest(component or kind, known)}", remedy=f"it has: {', '.join(known)}")
        usable = not project.findings(name)
        rest = [one for one in names if component is not None and one != component]
        body = _body(file, name)
        if rest:
            body[kind] = _written(rest)
        else:
            del body[kind]
        if usable:
            ensure_valid(project, file, name)


def activate(project: Project, name: str) -> None:
    """Make a stack the one that is used unless another is asked for."""
    with editing(project.path) as file:
        file.stack(name)
        if file.active != name:
            _set_active(file, name)


def rename(project: Project, name: str, new: str) -> None:
    """Give a stack another name; the active one stays active."""
    with editing(project.path) as file:
        file.stack(name)
        if name == DEFAULT:
            remedy = f"dovetail stack copy default {new}"
            raise InvalidArgument("stack 'default' cannot be renamed, since every project has it", remedy=remedy)
        fresh(new, file.stacks(), "stack", "take another name")
        active = file.active == name
        rename_key(file.section("stacks"), name, new)
        if active:
            _set_active(file, new)


def copied(project: Project, name: str, new: str) -> None:
    """Declare a stack of the same components as another."""
    with editing(project.path) as file:
        types = file.stack(name)
        fresh(new, file.stacks(), "stack", "take another name")
        file.section("stacks", make=True)[new] = {kind: _written(names) for kind, names in types.items()}


def delete(project: Project, name: str) -> None:
    """Remove a stack; its components stay. Raises `Conflict` for the active one, `InvalidArgument` for `default`."""
    with editing(project.path) as file:
        file.stack(name)
        if name == DEFAULT:
            raise InvalidArgument("stack 'default' cannot be deleted, since every project has it", remedy="leave it")
        if name == file.active:
            raise Conflict(f"stack '{name}' is the active one", remedy="dovetail stack set OTHER first")
        remove_key(file.data, "stacks", name)


def _set_active(file: StackFile, name: str) -> None:
    if "active" in file.data:
        file.data["active"] = name
    else:
        file.data.insert(0, "active", name)  # type: ignore[attr-defined]


def _body(file: StackFile, name: str) -> Any:
    """Return the stack's mapping in the file, put there if it is the built-in one."""
    types = file.stack(name)
    section = file.section("stacks", make=True)
    if section.get(name) is None:
        section[name] = {kind: _written(names) for kind, names in types.items()}
    return section[name]


def _written(names: Sequence[str]) -> str | list[str]:
    return names[0] if len(names) == 1 else list(names)

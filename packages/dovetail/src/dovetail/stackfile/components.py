"""Changes to the declared components of a project. What is wrong is refused before anything is written."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dovetail.stackfile.document import DEFAULT, DEFAULT_FLAVORS, Declared, StackFile, closest, plain
from dovetail.stackfile.naming import checked, fresh, remove_key, rename_key
from dovetail.stackfile.writing import editing
from dovetail_core.errors import Conflict, DovetailError, InvalidArgument, NotFound

if TYPE_CHECKING:
    from dovetail.project import Project


def register(project: Project, kind: str, name: str, flavor: str, settings: Mapping[str, Any]) -> Declared:
    """Declare a component. Raises `AlreadyExists`, or `ConfigError` with everything that is wrong with the settings."""
    declared = Declared(kind, checked(name, kind), flavor, dict(settings))
    ensure_fits(project, declared)
    with editing(project.path) as file:
        fresh(name, _names(file, kind), kind, f"dovetail {_group(kind)} update {name}, or take another name")
        file.section("components", kind, make=True)[name] = {"flavor": flavor, **settings}
    return declared


def update(project: Project, kind: str, name: str, settings: Mapping[str, Any]) -> Declared:
    """Change settings of a component; the others stay. Raises `ConfigError` with everything that is wrong then."""
    with editing(project.path) as file:
        before = file.component(kind, name)
        changed = Declared(kind, name, before.flavor, {**before.settings, **settings})
        ensure_fits(project, changed)
        body = _body(file, before)
        for key, value in settings.items():
            if key not in body or plain(body[key]) != value:
                body[key] = value
    return changed


def remove_attributes(project: Project, kind: str, name: str, attributes: Sequence[str]) -> Declared:
    """Remove settings of a component, so that their defaults hold. Refused if it spoils a component that could be used."""
    with editing(project.path) as file:
        before = file.component(kind, name)
        for attribute in attributes:
            if attribute not in before.settings:
                known = ", ".join(before.settings) or "none"
                raise NotFound(f"{before.label} sets no '{attribute}'{closest(attribute, before.settings)}", remedy=f"it sets: {known}")
        after = Declared(kind, name, before.flavor, {key: value for key, value in before.settings.items() if key not in attributes})
        if _fits(project, before):
            ensure_fits(project, after)
        for attribute in dict.fromkeys(attributes):
            del _body(file, before)[attribute]
    return after


def rename(project: Project, kind: str, name: str, new: str) -> list[str]:
    """Give a component another name, also in the stacks that use it; return these."""
    with editing(project.path) as file:
        _ensure_own(file, file.component(kind, name), "be renamed", f"dovetail {_group(kind)} copy {name} {new}")
        if (kind, name) in _built_in():
            remedy = f"dovetail {_group(kind)} copy {name} {new}"
            raise InvalidArgument(f"{kind} '{name}' cannot be renamed, since every project has it", remedy=remedy)
        fresh(new, _names(file, kind), kind, "take another name")
        users = file.users(kind, name)
        rename_key(file.section("components", kind), name, new)
        for stack in users:
            _refer(file.section("stacks", stack), kind, name, new)
    return users


def copied(project: Project, kind: str, name: str, new: str) -> Declared:
    """Declare a component with the settings of another."""
    with editing(project.path) as file:
        source = file.component(kind, name)
        fresh(new, _names(file, kind), kind, "take another name")
        body = file.section("components", kind).get(name)
        file.section("components", kind, make=True)[new] = copy.deepcopy(body) if body is not None else {"flavor": source.flavor}
    return Declared(kind, new, source.flavor, source.settings)


def delete(project: Project, kind: str, name: str) -> None:
    """Remove a component; a redefined `default` is the built-in one again. Raises `Conflict` while a stack uses it, naming the stacks."""
    with editing(project.path) as file:
        component = file.component(kind, name)
        _ensure_own(file, component, "be deleted", "leave it out of the stacks that need no such component")
        users = file.users(kind, name)
        if users and (kind, name) not in _built_in():
            stacks = " and ".join(f"'{user}'" for user in users)
            remedy = f"dovetail stack update {users[0]} --{_group(kind)} OTHER, or dovetail stack remove-component {users[0]} {kind}"
            raise Conflict(f"{component.label} is used by stack {stacks}", remedy=remedy, stacks=users)
        remove_key(file.data, "components", kind, name)


def ensure_fits(project: Project, declared: Declared) -> None:
    """Raise what is wrong with a component: its type, its flavor, or all of its settings that are."""
    from dovetail_core.config import validated_unresolved

    catalog = project.catalog()
    catalog.type(declared.type)
    cls: Any = catalog.load(declared.type, declared.flavor)
    validated_unresolved(cls.Config, declared.settings, what=f"{declared.label} (flavor {declared.flavor})", root=project.root)


def _fits(project: Project, declared: Declared) -> bool:
    try:
        ensure_fits(project, declared)
    except DovetailError:
        return False
    return True


def _body(file: StackFile, component: Declared) -> Any:
    """Return the component's mapping in the file, put there if it is a built-in one."""
    section = file.section("components", component.type, make=True)
    if component.name not in section:
        section[component.name] = {"flavor": component.flavor}
    return section[component.name]


def _refer(stack: Any, kind: str, name: str, new: str) -> None:
    if isinstance(stack[kind], str):
        stack[kind] = new
    else:
        for index, one in enumerate(stack[kind]):
            if one == name:
                stack[kind][index] = new


def _ensure_own(file: StackFile, component: Declared, what: str, remedy: str) -> None:
    if component.name not in file.section("components", component.type):
        raise InvalidArgument(f"{component.label} is built in and cannot {what}", remedy=remedy)


def _names(file: StackFile, kind: str) -> set[str]:
    return {component.name for component in file.components(kind)}


def _built_in() -> set[tuple[str, str]]:
    return {(kind, DEFAULT) for kind in DEFAULT_FLAVORS}


def _group(kind: str) -> str:
    return kind.replace("_", "-")

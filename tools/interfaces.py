"""What changed between two versions of a package, by what it demands of the next version's number.

Both are read, never imported, with griffe, which also compares the public API: the names that the package's facades offer. On top of
that is what only this repository knows:

- the base class of a component type is implemented by packages of other people. A new abstract method breaks them, and so does any new
  parameter of a method that they implement, even one with a default: they do not take it. A new method that the base class implements,
  or a new capability, breaks nobody, and is a new minor of the interface.
- a flavor's settings are in people's stack files. A field that is gone, or a new one without a default, breaks these.
"""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import griffe

COMPONENT = "dovetail_core.component.Component"
"""The base of every component type's base class, and so an interface itself."""
SETTINGS = "settings"
_BREAKING = {
    griffe.BreakageKind.CLASS_REMOVED_BASE, griffe.BreakageKind.OBJECT_CHANGED_KIND, griffe.BreakageKind.OBJECT_REMOVED,
    griffe.BreakageKind.PARAMETER_ADDED_REQUIRED, griffe.BreakageKind.PARAMETER_CHANGED_KIND, griffe.BreakageKind.PARAMETER_CHANGED_REQUIRED,
    griffe.BreakageKind.PARAMETER_MOVED, griffe.BreakageKind.PARAMETER_REMOVED,
}  # fmt: skip
"""What breaks a caller; the other kinds, such as a changed default, are for a person to judge."""

logging.getLogger("griffe").setLevel(logging.ERROR)  # names of other packages are not resolved, which it would warn of


class Level(IntEnum):
    """The least step of a version number that a change demands."""

    PATCH = 0
    MINOR = 1
    MAJOR = 2


@dataclass(frozen=True, order=True)
class Finding:
    """One change."""

    level: Level
    path: str
    what: str
    interface: str = ""
    """The component type whose interface changed, `component` for all of them, `settings`; empty for the rest of the public API."""

    def __str__(self) -> str:
        about = f" [interface: {self.interface}]" if self.interface else ""
        return f"{self.level.name.lower()}: {self.path}: {self.what}{about}"


@dataclass(frozen=True)
class ComponentTypeInfo:
    """What a package says of a component type that it defines."""

    name: str
    base: str
    """Path of the base class."""
    interface: tuple[int, int]


def load(import_name: str, source: Path) -> griffe.Module:
    """Read a package below a `src` folder; nothing of it is executed."""
    module = griffe.load(import_name, search_paths=[source], allow_inspection=False, resolve_aliases=True, resolve_external=False)
    assert isinstance(module, griffe.Module)
    return module


def component_types(package: griffe.Module, points: Iterable[str]) -> Iterator[ComponentTypeInfo]:
    """Yield the component types that entry points (`module:NAME`) lead to."""
    for point in points:
        value = package[point.replace(":", ".").partition(".")[2]].value
        words = {argument.name: ast.literal_eval(str(argument.value)) for argument in value.arguments}
        major, minor = map(int, words.get("interface", "1.0").split("."))
        yield ComponentTypeInfo(words["name"], words["base"].replace(":", "."), (major, minor))


def compare(old: griffe.Module, new: griffe.Module, types: Iterable[ComponentTypeInfo]) -> list[Finding]:
    """Return what changed, the gravest first. `types` are those that the old version defines."""
    bases = {kind.base: kind.name for kind in types}
    if old.path == COMPONENT.partition(".")[0]:
        bases[COMPONENT] = "component"
    found = {each for path, name in bases.items() for each in _interface(old, new, path, name)}
    found |= set(_capabilities(old, new, next(iter(bases.values()), "")))
    found |= set(_settings(old, new))
    told = {each.path for each in found if each.level is Level.MAJOR}
    found |= {each for each in _public(old, new) if not any(each.path == path or each.path.startswith(f"{path}.") for path in told)}
    return sorted(found, reverse=True)


def _interface(old: griffe.Module, new: griffe.Module, path: str, name: str) -> Iterator[Finding]:
    before, after = _class(old, path), _class(new, path)
    if before is None:
        return
    if after is None:
        yield Finding(Level.MAJOR, path, "the interface is gone", name)
        return
    theirs, ours = _methods(before), _methods(after)
    for method in sorted(theirs.keys() | ours.keys()):
        where = f"{path}.{method}"
        if method not in ours:
            yield Finding(Level.MAJOR, where, "the method is gone", name)
        elif method not in theirs:
            yield _new_method(where, ours[method], name)
        else:
            yield from (Finding(level, where, what, name) for level, what in _changed(theirs[method], ours[method]))


def _new_method(where: str, method: griffe.Function, name: str) -> Finding:
    if _abstract(method):
        return Finding(Level.MAJOR, where, "a new abstract method: no released flavor implements it", name)
    return Finding(Level.MINOR, where, "a new method that the base class implements", name)


def _methods(cls: griffe.Class) -> dict[str, griffe.Function]:
    """Return the methods that make an interface: public, abstract, or documented for authors; the rest is the class's own business."""
    methods = {name: member for name, member in _members(cls) if isinstance(member, griffe.Function) and not name.startswith("__")}
    return {name: method for name, method in methods.items() if name[0] != "_" or _abstract(method) or method.docstring}


def _members(cls: griffe.Class) -> Iterator[tuple[str, griffe.Object]]:
    """Yield the members of a class, and those that it inherits within the package."""
    for name, member in cls.all_members.items():
        yield name, member.final_target if isinstance(member, griffe.Alias) else member


def _abstract(method: griffe.Function) -> bool:
    return any(str(decorator.value).rpartition(".")[2] == "abstractmethod" for decorator in method.decorators)


def _needs(method: griffe.Function) -> set[str]:
    return {str(decorator.value) for decorator in method.decorators if str(decorator.value).startswith("needs(")}


def _changed(old: griffe.Function, new: griffe.Function) -> Iterator[tuple[Level, str]]:
    if _abstract(new) and not _abstract(old):
        yield Level.MAJOR, "it became abstract: no released flavor need implement it"
    for word in sorted(_needs(new) - _needs(old)):
        yield Level.MAJOR, f"it now {word}: flavors that do not declare that refuse the call"
    for breakage in _parameters(old, new):
        yield Level.MAJOR if breakage.kind in _BREAKING else Level.PATCH, _told(breakage)
    implemented = _abstract(old) or old.name.startswith("_")
    known = {parameter.name for parameter in old.parameters}
    for parameter in new.parameters:
        if parameter.name not in known and not parameter.required:
            level = Level.MAJOR if implemented else Level.MINOR
            yield level, f"parameter {parameter.name} is new" + (": released flavors do not take it" if implemented else "")


def _parameters(old: griffe.Function, new: griffe.Function) -> Iterator[griffe.Breakage]:
    """Yield what griffe says of one function: it compares the members of two objects, so that each gets a module of its own."""
    modules = []
    for method in (old, new):
        module = griffe.Module(method.path)
        copy = griffe.Function(
            "it", parameters=method.parameters, returns=method.returns, decorators=method.decorators, lineno=method.lineno, parent=module
        )
        copy.public = True
        module.members["it"] = copy
        modules.append(module)
    yield from griffe.find_breaking_changes(*modules)


def _told(breakage: griffe.Breakage) -> str:
    kind = breakage.kind.value[0].lower() + breakage.kind.value[1:]
    subject = breakage.old_value if breakage.old_value is not None else breakage.new_value
    if isinstance(subject, griffe.Parameter):
        return f"{kind}: {subject.name}"
    return kind


def _capabilities(old: griffe.Module, new: griffe.Module, name: str) -> Iterator[Finding]:
    for path, cls in _classes(old):
        after = _class(new, path)
        if "Capability" not in {str(base) for base in cls.bases} or after is None:
            continue
        for member in sorted(cls.attributes.keys() | after.attributes.keys()):
            if member not in after.attributes:
                yield Finding(Level.MAJOR, f"{path}.{member}", "the capability is gone", name)
            elif member not in cls.attributes:
                yield Finding(Level.MINOR, f"{path}.{member}", "a new optional capability", name)


def _settings(old: griffe.Module, new: griffe.Module) -> Iterator[Finding]:
    for path, cls in _classes(old):
        if not any(str(base).rpartition(".")[2].endswith(("Config", "Settings")) for base in cls.bases):
            continue
        after = _class(new, path)
        if after is None:
            yield Finding(Level.MAJOR, path, "the settings are gone, or have another name", SETTINGS)
            continue
        theirs, ours = _fields(cls), _fields(after)
        for field in sorted(theirs.keys() | ours.keys()):
            yield from (Finding(level, f"{path}.{field}", what, SETTINGS) for level, what in _field(theirs.get(field), ours.get(field)))


def _field(old: griffe.Attribute | None, new: griffe.Attribute | None) -> Iterator[tuple[Level, str]]:
    if new is None:
        yield Level.MAJOR, "the setting is gone: stack files that have it are refused"
    elif old is None:
        yield (Level.MAJOR, "a new setting without a default") if _required(new) else (Level.MINOR, "a new setting")
    elif _required(new) and not _required(old):
        yield Level.MAJOR, "the setting lost its default"
    elif str(old.annotation) != str(new.annotation):
        yield Level.PATCH, f"its type was {old.annotation} and is {new.annotation}: judge whether values of old still pass"


def _fields(cls: griffe.Class) -> dict[str, griffe.Attribute]:
    stated = {name: member for name, member in _members(cls) if isinstance(member, griffe.Attribute) and member.annotation is not None}
    return {name: field for name, field in stated.items() if name[0] != "_" and "ClassVar" not in str(field.annotation)}


def _required(field: griffe.Attribute) -> bool:
    if not isinstance(field.value, griffe.ExprCall):
        return field.value is None
    arguments = field.value.arguments
    names = {argument.name for argument in arguments if isinstance(argument, griffe.ExprKeyword)}
    positional = [str(argument) for argument in arguments if not isinstance(argument, griffe.ExprKeyword)]
    return not names & {"default", "default_factory"} and positional in ([], ["..."])


def _public(old: griffe.Module, new: griffe.Module) -> Iterator[Finding]:
    """Yield what griffe says of the names that the facades offer, and which of these are new."""
    facades = {module.path: module for module in _modules(new)}
    for before in _modules(old):
        after = facades.get(before.path)
        if before.exports is None:
            continue
        if after is None or after.exports is None:
            yield Finding(Level.MAJOR, before.path, "the facade is gone")
            continue
        for module in (before, after):
            for child in module.modules.values():
                child.public = False  # a module is public only if a facade says so
        for breakage in griffe.find_breaking_changes(before, after):
            level = Level.MAJOR if breakage.kind in _BREAKING else Level.PATCH
            yield Finding(level, breakage.obj.path, _told(breakage))
        for name in sorted(set(map(str, after.exports)) - set(map(str, before.exports))):
            yield Finding(Level.MINOR, f"{before.path}.{name}", "a new public name")


def _modules(package: griffe.Module) -> Iterator[griffe.Module]:
    yield package
    for module in package.modules.values():
        if not module.is_alias:
            yield from _modules(module)


def _classes(package: griffe.Module) -> Iterator[tuple[str, griffe.Class]]:
    ahead: list[griffe.Module | griffe.Class] = list(_modules(package))
    while ahead:
        for member in ahead.pop().members.values():
            if isinstance(member, griffe.Class):
                yield member.path, member
                ahead.append(member)


def _class(package: griffe.Module, path: str) -> griffe.Class | None:
    try:
        found = package[path.partition(".")[2]]
    except KeyError:
        return None
    target = found.final_target if isinstance(found, griffe.Alias) else found
    return target if isinstance(target, griffe.Class) else None

"""What changed between two versions of a package, by what it demands of the next version's number.

Both are read, never imported, with griffe, which also compares the public API: the names that the package's facades offer. On top of
that is what only this repository knows:

- the base class of a component type is implemented by packages of other people. A new abstract method or property breaks them, and so does
  any new parameter of a method that they implement, even one with a default: they do not take it. So does a default that changed: a flavor
  that overrides the method has the old one. A new method that the base class implements, or a new capability, breaks nobody, and is a new
  minor of the interface. Whether a type that changed breaks somebody is for a person to judge.
- a flavor's settings are in people's stack files. A field that is gone, or a new one without a default, breaks these.
"""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import griffe
import members
from members import Level

COMPONENT = "dovetail_core.component.Component"
"""The base of every component type's base class, and so an interface itself."""
SETTINGS = "settings"
logging.getLogger("griffe").setLevel(logging.ERROR)  # names of other packages are not resolved, which it would warn of


@dataclass(frozen=True, order=True)
class Finding:
    """One change."""

    level: Level
    path: str
    what: str
    interface: str = ""
    """The component type whose interface changed, `component` for all of them, `settings`; empty for the rest of the public API."""
    judge: bool = False
    """Whether a person has to say if a larger step is needed."""

    def __str__(self) -> str:
        about = f" [interface: {self.interface}]" if self.interface else ""
        return f"{'judge' if self.judge else self.level.name.lower()}: {self.path}: {self.what}{about}"


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
    found |= {each for path in _offered(old) - bases.keys() for each in _derived(old, new, path, next(iter(bases.values()), ""))}
    found |= set(_capabilities(old, new, next(iter(bases.values()), "")))
    found |= set(_settings(old, new))
    told = {each.path for each in found}
    gone = tuple(f"{each.path}." for each in found if each.level is Level.MAJOR)
    found |= {each for each in _public(old, new) if each.path not in told and not each.path.startswith(gone)}
    return sorted(found, reverse=True)


def _interface(old: griffe.Module, new: griffe.Module, path: str, name: str) -> Iterator[Finding]:
    before, after = _class(old, path), _class(new, path)
    if before is None:
        return
    if after is None:
        yield Finding(Level.MAJOR, path, "the interface is gone", name)
        return
    theirs, ours = _own(before), _own(after)
    for member in sorted(theirs.keys() | ours.keys()):
        for change in _member(theirs.get(member), ours.get(member)):
            yield Finding(change.level, f"{path}.{member}", change.what, name, change.judge)


def _member(old: members.Member | None, new: members.Member | None) -> Iterable[members.Change]:
    if new is None:
        return [members.removed(old)] if old is not None else []
    return members.changes(old, new) if old is not None else [members.added(new)]


def _offered(package: griffe.Module) -> set[str]:
    """Return the paths of the classes that the facades offer: others may derive from them."""
    found = [module.members.get(str(name)) for module in _modules(package) for name in module.exports or ()]
    targets = [each.final_target if isinstance(each, griffe.Alias) else each for each in found if each is not None and _known(each)]
    return {each.path for each in targets if isinstance(each, griffe.Class)}


def _known(member: griffe.Object | griffe.Alias) -> bool:
    """Tell whether what a facade offers is the package's own: what it has from elsewhere is not read."""
    try:
        return not isinstance(member, griffe.Alias) or member.final_target is not None
    except griffe.AliasResolutionError:
        return False


def _derived(old: griffe.Module, new: griffe.Module, path: str, name: str) -> Iterator[Finding]:
    """Yield what a class that is offered newly demands of those that derive from it; what callers see of it is told with the rest."""
    before, after = _class(old, path), _class(new, path)
    if before is None or after is None:
        return
    theirs, ours = dict(_members(before)), dict(_members(after))
    for member, now in ours.items():
        was = theirs.get(member)
        if isinstance(now, members.Member) and members.abstract(now) and not (isinstance(was, members.Member) and members.abstract(was)):
            yield Finding(Level.MAJOR, f"{path}.{member}", "newly abstract: no class that is released need implement it", name)


def _own(cls: griffe.Class) -> dict[str, members.Member]:
    """Return the members that make an interface: public, abstract, or methods documented for authors; the rest is the class's own business."""
    found = {name: member for name, member in _members(cls) if isinstance(member, members.Member) and not name.startswith("__")}
    return {name: member for name, member in found.items() if name[0] != "_" or members.abstract(member) or _documented(member)}


def _documented(member: members.Member) -> bool:
    return isinstance(member, griffe.Function) and member.docstring is not None


def _members(cls: griffe.Class) -> Iterator[tuple[str, griffe.Object]]:
    """Yield the members of a class, and those that it inherits within the package."""
    for name, member in cls.all_members.items():
        yield name, member.final_target if isinstance(member, griffe.Alias) else member


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
            elif (was := str(cls.attributes[member].value)) != (now := str(after.attributes[member].value)):
                yield Finding(Level.MAJOR, f"{path}.{member}", f"the capability was {was} and is {now}: it is known by that", name)


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
            for change in _field(theirs.get(field), ours.get(field)):
                yield Finding(change.level, f"{path}.{field}", change.what, SETTINGS, change.judge)


def _field(old: griffe.Attribute | None, new: griffe.Attribute | None) -> Iterator[members.Change]:
    if new is None:
        yield members.Change(Level.MAJOR, "the setting is gone: stack files that have it are refused")
    elif old is None:
        required = _required(new)
        yield members.Change(Level.MAJOR if required else Level.MINOR, f"a new setting{' without a default' if required else ''}")
    elif _required(new) and not _required(old):
        yield members.Change(Level.MAJOR, "the setting lost its default")
    elif str(old.annotation) != str(new.annotation):
        said = f"its type was {old.annotation} and is {new.annotation}: major, if values of old no longer pass"
        yield members.Change(Level.PATCH, said, judge=True)


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
            breaks = breakage.kind in members.BREAKING
            yield Finding(Level.MAJOR if breaks else Level.PATCH, breakage.obj.path, members.told(breakage), judge=not breaks)
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

"""What changed in one member of an interface, and what that demands of the next version.

Members are methods, properties and attributes of a base class that packages of other people derive from: they are called, and they are
overridden. What a program cannot tell, such as whether a type that changed still takes what it took, is for a person to judge.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import griffe

Member = griffe.Function | griffe.Attribute
BREAKING = {
    griffe.BreakageKind.CLASS_REMOVED_BASE, griffe.BreakageKind.OBJECT_CHANGED_KIND, griffe.BreakageKind.OBJECT_REMOVED,
    griffe.BreakageKind.PARAMETER_ADDED_REQUIRED, griffe.BreakageKind.PARAMETER_CHANGED_KIND, griffe.BreakageKind.PARAMETER_CHANGED_REQUIRED,
    griffe.BreakageKind.PARAMETER_MOVED, griffe.BreakageKind.PARAMETER_REMOVED,
}  # fmt: skip
"""What breaks a caller; the other kinds, such as a changed default, are for a person to judge."""
_CALLS = ("async", "classmethod", "staticmethod")
"""Labels of a method that say how it is called."""


class Level(IntEnum):
    """The least step of a version number that a change demands."""

    PATCH = 0
    MINOR = 1
    MAJOR = 2


@dataclass(frozen=True)
class Change:
    """A change of a member."""

    level: Level
    what: str
    judge: bool = False
    """Whether a person has to say if a larger step is needed."""


def abstract(member: Member) -> bool:
    """Tell whether a flavor has to implement a member."""
    return "abstractmethod" in member.labels


def added(member: Member) -> Change:
    """Return what a new member is."""
    kind = _kind(member).rpartition(" ")[2]
    if abstract(member):
        return Change(Level.MAJOR, f"a new abstract {kind}: no released flavor implements it")
    if kind == "attribute" and isinstance(member, griffe.Attribute) and member.value is None:
        return Change(Level.MINOR, "a new attribute without a value: major, if flavors are to give it", judge=True)
    return Change(Level.MINOR, f"a new {kind} that the base class {'gives' if kind == 'attribute' else 'implements'}")


def removed(member: Member) -> Change:
    """Return what a member that is gone is."""
    return Change(Level.MAJOR, f"the {_kind(member).rpartition(' ')[2]} is gone")


def changes(old: Member, new: Member) -> Iterator[Change]:
    """Yield what changed in a member."""
    if abstract(new) and not abstract(old):
        yield Change(Level.MAJOR, "it became abstract: no released flavor need implement it")
    if (before := _kind(old)) != (after := _kind(new)):
        alike = not isinstance(old, griffe.Function) and not isinstance(new, griffe.Function)
        yield Change(Level.PATCH if alike else Level.MAJOR, f"it was {_article(before)} and is {_article(after)}", judge=alike)
    if isinstance(old, griffe.Function) and isinstance(new, griffe.Function):
        yield from _method(old, new)
    elif isinstance(old, griffe.Attribute) and isinstance(new, griffe.Attribute):
        yield from _attribute(old, new)


def _kind(member: Member) -> str:
    if isinstance(member, griffe.Function):
        return " ".join([*(label for label in _CALLS if label in member.labels), "method"])
    return "property" if "property" in member.labels else "attribute"


def _article(kind: str) -> str:
    return f"{'an' if kind[0] == 'a' else 'a'} {kind}"


def _attribute(old: griffe.Attribute, new: griffe.Attribute) -> Iterator[Change]:
    if _kind(old) == _kind(new) == "attribute" and old.value is not None and new.value is None:
        yield Change(Level.MAJOR, "it lost its value: released flavors need not give one")
    yield from _retyped("its type", old.annotation, new.annotation)


def _method(old: griffe.Function, new: griffe.Function) -> Iterator[Change]:
    yield from _needed(old, new)
    for breakage in _breakages(old, new):
        if breakage.kind is not griffe.BreakageKind.RETURN_CHANGED_TYPE:
            yield Change(Level.MAJOR, told(breakage) + _overridden(breakage.kind))
    yield from _retyped("the type of what it returns", old.returns, new.returns)
    before = {parameter.name: parameter for parameter in old.parameters}
    for parameter in new.parameters:
        if parameter.name not in before:
            yield from _added_parameter(parameter, implemented=abstract(old) or old.name.startswith("_"))
        else:
            if before[parameter.name].required and not parameter.required:
                yield Change(Level.MAJOR, f"parameter may now be left out: {parameter.name}: flavors that override the method demand it")
            yield from _retyped(f"the type of {parameter.name}", before[parameter.name].annotation, parameter.annotation)


def _needed(old: griffe.Function, new: griffe.Function) -> Iterator[Change]:
    before, after = _needs(old), _needs(new)
    for word in sorted(after - before):
        yield Change(Level.MAJOR, f"it now needs {word}: flavors that do not declare that refuse the call")
    for word in sorted(before - after):
        yield Change(Level.MAJOR, f"it no longer needs {word}: flavors that do not declare that are called, and need not implement it")


def _needs(method: griffe.Function) -> set[str]:
    """Return the capabilities that a method needs, without the modules that they were named by."""
    decorators = (str(decorator.value).partition("(") for decorator in method.decorators)
    return {".".join(rest.rstrip(")").split(".")[-2:]) for name, _, rest in decorators if name.rpartition(".")[2] == "needs"}


def _added_parameter(parameter: griffe.Parameter, *, implemented: bool) -> Iterator[Change]:
    """Yield what a new parameter with a default is; one without is told with what breaks callers."""
    if parameter.required:
        return
    if implemented:
        yield Change(Level.MAJOR, f"parameter {parameter.name} is new: released flavors do not take it")
    else:
        yield Change(
            Level.MINOR, f"parameter {parameter.name} is new: major, if flavors override the method: they do not take it", judge=True
        )


def _retyped(what: str, old: object, new: object) -> Iterator[Change]:
    if str(old) != str(new):
        before, after = ("not said" if each is None else str(each) for each in (old, new))
        yield Change(Level.PATCH, f"{what} was {before} and is {after}: major, if what flavors take or return no longer fits", judge=True)


def _overridden(kind: griffe.BreakageKind) -> str:
    if kind is griffe.BreakageKind.PARAMETER_CHANGED_DEFAULT:
        return ": flavors that override the method have the old one, which is not what the type says (XC-13)"
    return ""


def _breakages(old: griffe.Function, new: griffe.Function) -> Iterator[griffe.Breakage]:
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


def told(breakage: griffe.Breakage) -> str:
    """Return what griffe found, in words."""
    kind = breakage.kind.value[0].lower() + breakage.kind.value[1:]
    subject = breakage.old_value if breakage.old_value is not None else breakage.new_value
    if isinstance(subject, griffe.Parameter):
        return f"{kind}: {subject.name}"
    return kind

"""What a flavor's class looks like, and what constructing it does."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from dovetail_conformance.audit import audited
from dovetail_conformance.checking import check
from dovetail_conformance.crosscutting.base import Asked
from dovetail_conformance.harness import Harness
from dovetail_conformance.rule_zero import zero_problem
from dovetail_conformance.rules import rule
from dovetail_core.component import Component

_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class ShapeRules(Asked):
    """Rules about the class, its config and its construction."""

    @rule("XC-00", severity=1, kind="metadata")
    def test_the_flavor_can_be_asked(self, harness: Harness) -> None:
        """The class has the shape of its type, every setting is described, and the harness makes a component.

        Rule zero: where it does not hold, every other rule is blocked.
        """
        problem = zero_problem(self.component_type, harness)
        check(not problem, did="looked at the class, its config, and what the harness makes", came=problem, mend="mend what is named")

    @rule("XC-12", severity=2, kind="metadata")
    def test_construction_does_no_io(self, harness: Harness) -> None:
        """Constructing a component connects to nothing, writes nothing and starts nothing.

        A stack is built from its description before anybody knows which of its components a command needs, and where the backend of
        one is away. `check()` is what talks to it.
        """
        with harness.make() as component:
            config = component.config
        with audited("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.mkdir", "os.remove", "os.rename", "open") as events:
            type(component)(config)
        seen = [text for event, text in events if event != "open" or _writes(text)]
        check(not seen, did="constructed the component from a config", came="; ".join(seen), mend="do it at first use, or in check()")

    @rule("XC-13", severity=3, kind="metadata")
    def test_methods_take_what_the_type_says(self, harness: Harness) -> None:
        """Every public method takes exactly the parameters of the type's base class: names, kinds and defaults."""
        problems = list(_differences(harness.flavor))
        mend = "give the method the signature of the base class; a parameter of your own belongs into the config"
        check(not problems, did="compared the signatures of public methods", came="; ".join(problems), mend=mend)


def _writes(opened: str) -> bool:
    """Tell whether an `open` event, as text, is one for writing: reading a file may be an import."""
    mode = opened.partition("mode ")[2]
    return any(letter in mode for letter in "wax+")


def _differences(flavor: type[Component]) -> Iterator[str]:
    for name, method in inspect.getmembers(flavor, callable):
        if name.startswith("_") or inspect.isclass(method):
            continue
        base = next((vars(parent)[name] for parent in reversed(flavor.__mro__) if name in vars(parent)), None)
        base = _most_specific(flavor, name) or base
        if base is not None and base is not method and (problem := _difference(method, base)):
            yield f"{name} {problem}"


def _most_specific(flavor: type[Component], name: str) -> Any:
    """Return the method of the class that is the flavor's interface: the last base with abstract methods, or `Component`."""
    interfaces = [parent for parent in flavor.__mro__[1:] if parent is Component or inspect.isabstract(parent)]
    return next((getattr(parent, name) for parent in interfaces if hasattr(parent, name)), None)


def _difference(method: Any, base: Any) -> str:
    try:
        ours, theirs = inspect.signature(method).parameters, inspect.signature(base).parameters
    except (TypeError, ValueError):
        return ""
    if {parameter.kind for parameter in ours.values()} >= set(_VARIABLE):
        return ""  # passes on whatever it is given
    if list(ours) != list(theirs):
        return f"takes ({', '.join(ours)}), and the type says ({', '.join(theirs)})"
    changed = [name for name in theirs if (ours[name].kind, ours[name].default) != (theirs[name].kind, theirs[name].default)]
    return f"has another kind or default of {', '.join(changed)}" if changed else ""

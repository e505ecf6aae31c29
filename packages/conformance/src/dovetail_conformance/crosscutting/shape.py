"""What a flavor's class looks like, and what constructing it does."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from dovetail_conformance.audit import THREAD_STARTS, audited
from dovetail_conformance.checking import check
from dovetail_conformance.crosscutting.base import Asked
from dovetail_conformance.harness import Harness
from dovetail_conformance.rule_zero import zero_problem
from dovetail_conformance.rules import rule
from dovetail_core.component import Component

_ACTS = (
    "socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname", "sqlite3.connect", "open", "os.mkdir",
    "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown", "os.utime", *THREAD_STARTS,
    "subprocess.Popen", "os.system", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.exec",
)  # fmt: skip
"""What connects, writes or starts, by the names that the interpreter gives it."""
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
        one is away. `check()` is what talks to it. Seen is what the interpreter reports of the thread that constructs: sockets, names that
        are looked up, files that are opened for writing, changed or removed, SQLite databases but for those in memory, threads and processes.
        """
        with harness.make() as component:
            config = component.config
        with audited(*_ACTS) as events:
            type(component)(config)
        seen = [text for event, text in events if _acts(event, text)]
        check(not seen, did="constructed the component from a config", came="; ".join(seen), mend="do it at first use, or in check()")

    @rule("XC-13", severity=3, kind="metadata")
    def test_methods_take_what_the_type_says(self, harness: Harness) -> None:
        """Every public method takes exactly the parameters of the type's base class: names, kinds and defaults."""
        problems = list(_differences(harness.flavor))
        mend = "give the method the signature of the base class; a parameter of your own belongs into the config"
        check(not problems, did="compared the signatures of public methods", came="; ".join(problems), mend=mend)


def _acts(event: str, text: str) -> bool:
    """Tell whether an event does something to the world: reading a file may be an import, and a database in memory is none of it."""
    if event == "open":
        return any(letter in text.partition("mode ")[2] for letter in "wax+")
    return event != "sqlite3.connect" or "':memory:'" not in text


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

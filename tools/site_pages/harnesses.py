"""What a harness of a component type can supply, hook by hook, and the rules that are untested without it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Any

from dovetail_conformance.harness import Harness
from dovetail_conformance.offers import target_names
from dovetail_conformance.rules import Rule, rules_of
from dovetail_conformance.targets import contract, target
from site_pages.contracts import attribute_docs, signature
from site_pages.markup import plain
from site_pages.uses_of_hooks import Uses

_OF_THE_SUITE = frozenset({"has", "capabilities", "settings"})
"""What the suite itself asks a harness."""


def harness(kind: str) -> str:
    """Return what a harness of a type supplies: what is the type's own, and what every harness has."""
    asked, bases = contract(kind), harness_bases(kind)
    rules, uses = rules_of(asked), Uses(asked)
    parts = [
        "A hook that a harness leaves out, or that raises `Untested`, makes the rules that cannot do without it `untested`; "
        "a rule that uses it only where it is there asks less without it, or takes another one.\n"
    ]
    shown: set[str] = set()
    for each in bases:
        title = "What every harness has" if each is Harness else f"Of `{each.__module__.rpartition('.')[0]}.{each.__name__}`"
        parts.append(f"### {title}\n")
        parts += [_hook(each, name, text, rules, uses) for name, text in _documented(each) if name not in shown]
        shown |= {name for name, _ in _documented(each)}
    return "\n".join(parts)


def harness_bases(kind: str) -> list[type[Harness]]:
    """Return the base classes of a type's harnesses, the most special one first."""
    name = next(name for name in target_names() if name == f"{kind}/memory")
    return [
        each for each in target(name).harness.__mro__ if issubclass(each, Harness) and (each is Harness or ".contract." in each.__module__)
    ]


def _documented(owner: type[Harness]) -> list[tuple[str, str]]:
    """Return the public members of a class that say what they are, each with its whole docstring, in the order of the class."""
    docs = dict(attribute_docs(owner))
    for name, member in vars(owner).items():
        text = inspect.getdoc(member.fget if isinstance(member, property) else member) if _is_callable(member) else None
        if text:
            docs[name] = text
    lines = {name: line for line, name in enumerate([*vars(owner).get("__annotations__", {}), *vars(owner)])}
    return sorted(
        ((name, text) for name, text in docs.items() if not name.startswith("_") and name not in _OF_THE_SUITE),
        key=lambda each: lines.get(each[0], 0),
    )


def _is_callable(member: Any) -> bool:
    return isinstance(member, property) or inspect.isfunction(member)


def _hook(owner: type[Harness], name: str, text: str, rules: dict[str, Rule], uses: Uses) -> str:
    member = vars(owner).get(name)
    written = f"{name}{signature(member)}" if inspect.isfunction(member) else name
    said = [" ".join(plain(part) for part in text.split("\n\n")), *_rules(name, member, rules, uses)]
    return f"- `{written}`  \n  {' '.join(said)}\n"


def _rules(name: str, member: Any, rules: dict[str, Rule], uses: Uses) -> Iterator[str]:
    """Yield what is asked by means of a hook, and what is untested without it."""
    if name == "processes":
        yield f"Untested where none does: {_links(id for id, rule in rules.items() if {'kill', 'second'} & set(rule.hooks))}."
    if not _is_callable(member) or name == "make":
        return
    needed = {id for id, rule in rules.items() if name in rule.hooks or name in uses.needed(id)}
    more = {id for id in rules if name in uses.all(id)} - needed
    if needed:
        is_missing = "raise Untested" in inspect.getsource(getattr(member, "fget", member))
        yield f"{'Untested without it' if is_missing else 'Used by'}: {_links(needed)}."
    if more:
        yield f"Used where it is there: {_links(more)}."


def _links(ids: Iterable[str]) -> str:
    return ", ".join(f"[{id}](../rules/{id}.md)" for id in sorted(ids))

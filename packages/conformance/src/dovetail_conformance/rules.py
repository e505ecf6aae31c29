"""Rules: numbered sentences, each with the method that shows whether it holds."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from dovetail_conformance.effort import Effort
from dovetail_core.capabilities import Capability

F = TypeVar("F", bound=Callable[..., None])
KINDS = frozenset({"metadata", "semantics", "fault", "disk", "race", "machine", "leak", "security", "budget"})
WIRE_HOOKS = frozenset({"proxy", "syscalls", "credentials"})
"""Hooks for what only some backends have: a wire, an operating system's calls, credentials. Rules that need one are about a wire."""
HOOKS = frozenset({"second", "raw", "proxy", "syscalls", "credentials", "census", "kill"})
_ID = re.compile(r"[A-Z]{2}-\d{2,3}")
LEAVES_NOTHING = "XC-09"
"""The rule that a leak belongs to, whichever rule it was found around."""
SHOWS_NO_SECRET = "XC-01"
"""The rule that a secret belongs to that was seen, whichever rule it was seen around."""
AROUND_EVERY_RULE = frozenset({LEAVES_NOTHING, SHOWS_NO_SECRET})
"""Rules that more than their own body can show to be broken: that the body holds does not mean that they are kept."""
_ATTRIBUTE = "__dovetail_rule__"


@dataclass(frozen=True)
class Rule:
    """A rule of a contract."""

    id: str
    """Number in the catalogue of behaviour, such as `AS-09`; never used again for anything else."""
    text: str
    """The rule, in one sentence."""
    explanation: str
    """What follows it: why, and what is done to show it."""
    severity: int
    """1: data loss, silent wrong result, security; 2: hang, leak, lost work, stuck state; 3: usability."""
    needs: tuple[Capability, ...]
    since: str
    """Version of the interface that brought it."""
    hooks: tuple[str, ...]
    kind: str
    advisory: bool
    effort: Effort
    method: str
    budget: int | None = None
    """Requests that may go through the proxy from when its component is made to when its body ends; more is an advisory."""
    wire: bool = False
    """Whether it is about what a wire to a backend can do, or its credentials, which a flavor that is embedded need not have."""

    @property
    def is_zero(self) -> bool:
        """Whether it is the rule without which no other can be asked."""
        return self.id.endswith("-00")


def rule(
    id: str,
    *,
    severity: int,
    needs: Capability | Iterable[Capability] = (),
    since: str = "1.0",
    hooks: Iterable[str] = (),
    kind: str = "semantics",
    advisory: bool = False,
    effort: Effort = Effort.QUICK,
    budget: int | None = None,
    wire: bool = False,
) -> Callable[[F], F]:
    """Make a method of a contract a rule; the first sentence of its docstring is the rule's text.

    `needs` are capabilities: where one is not declared, the same body must end in `Unsupported`. `hooks` are what it needs of the
    harness: without them it is untested. `wire` says that it is about a wire though none of its hooks tells. `budget` is how many
    requests it may take, where there is a proxy to count them. Raises TypeError for a rule that is not well formed.
    """

    def decorate(method: F) -> F:
        text, explanation = _texts(method)
        capabilities = (needs,) if isinstance(needs, Capability) else tuple(needs)
        named = tuple(hooks)
        made = Rule(
            id, text, explanation, severity, capabilities, since, named, kind, advisory, effort, method.__name__, budget,
            wire or not WIRE_HOOKS.isdisjoint(named),
        )  # fmt: skip
        if problem := _problem(made):
            raise TypeError(f"rule {id}, {method.__qualname__}: {problem}")
        setattr(method, _ATTRIBUTE, made)
        return method

    return decorate


def rule_of(method: object) -> Rule | None:
    """Return the rule that a function or method is, if it is one."""
    found = getattr(method, _ATTRIBUTE, None)
    return found if isinstance(found, Rule) else None


def rules_of(contract: type[Any]) -> dict[str, Rule]:
    """Return the rules of a contract by id, in the order of ids. Raises TypeError if two methods have one id."""
    found: dict[str, Rule] = {}
    for name, member in inspect.getmembers(contract):
        made = rule_of(member)
        if made is None:
            continue
        if made.id in found:
            raise TypeError(f"{contract.__name__} has two rules {made.id}: {found[made.id].method} and {name}")
        found[made.id] = made
    return dict(sorted(found.items()))


def _texts(method: Callable[..., None]) -> tuple[str, str]:
    lines = inspect.getdoc(method) or ""
    sentence, _, rest = lines.partition("\n\n")
    return " ".join(sentence.split()), rest.strip()


def _problem(made: Rule) -> str:
    if not _ID.fullmatch(made.id):
        return "its id is not of the form AB-12"
    if not made.text.endswith("."):
        return "its docstring does not begin with a sentence"
    if made.severity not in (1, 2, 3):
        return f"its severity is {made.severity}, and not 1, 2 or 3"
    if made.kind not in KINDS:
        return f"its kind '{made.kind}' is none of {', '.join(sorted(KINDS))}"
    if made.budget is not None and made.budget < 0:
        return f"its budget is {made.budget}"
    if unknown := set(made.hooks) - HOOKS:
        return f"it needs '{min(unknown)}', which no harness has"
    return "" if made.method.startswith("test_") else "its name does not begin with test_"

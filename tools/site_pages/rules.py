"""A page per rule, and the list of all."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dovetail_conformance.contract import Contract
from dovetail_conformance.crosscutting import CrossCutting
from dovetail_conformance.effort import Effort
from dovetail_conformance.explaining import SEVERITIES, steps_of
from dovetail_conformance.mutants import Variant
from dovetail_conformance.offers import contract_names
from dovetail_conformance.reasons import reason
from dovetail_conformance.rules import Rule
from dovetail_conformance.targets import contract
from site_pages.component_pages import COMPONENT_PAGES
from site_pages.markup import code, folded, plain, sentence, table
from site_pages.variants_of_rules import Sample, mutants, sample

EVERY_TYPE = "every type"
HOOKS = {
    "second": "gives no second client of the namespace, in another process",
    "raw": "has no side door into the backend",
    "proxy": "has no proxy between flavor and backend",
    "syscalls": "does not say which operations of `os` the flavor goes through",
    "credentials": "has no credentials of other kinds",
    "census": "cannot count what is left in the backend",
    "kill": "cannot have a process killed",
}
"""Hook of a harness -> what is said of a harness that lacks it."""
KINDS = {
    "metadata": "looks at the class and its config",
    "semantics": "calls the component and looks at what comes of it",
    "fault": "makes a fault, and proves that it happened",
    "disk": "makes the disk fail, and proves that it happened",
    "race": "holds one call while another passes",
    "machine": "makes sequences of calls and compares with a model (Hypothesis)",
    "leak": "counts what is left behind",
    "security": "looks for what must not be seen or reached",
    "budget": "counts requests",
}
"""Kind of a rule -> its instrument."""


@dataclass(frozen=True)
class Asked:
    """A rule, with the contract that has it."""

    rule: Rule
    contract: type[Contract]

    @property
    def method(self) -> Callable[..., object]:
        """Its body."""
        body: Callable[..., object] = getattr(self.contract, self.rule.method)
        return body

    @property
    def of(self) -> str:
        """The component type that it is about."""
        return EVERY_TYPE if self.rule.id in CrossCutting.rules else self.contract.component_type


def asked() -> list[Asked]:
    """Return every rule of every installed contract, once, in the order of types and ids."""
    found = {rule.id: Asked(rule, kind) for kind in map(contract, contract_names()) for rule in kind.rules.values()}
    return sorted(found.values(), key=lambda each: (each.of == EVERY_TYPE, each.rule.id))


def rule_pages(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each page. Raises `ValueError` for a rule that no mutant fails: it has no sample."""
    caught, every = mutants(root), asked()
    yield "index.md", _index(every)
    for each in every:
        if each.rule.id not in caught:
            raise ValueError(f"no mutant fails {each.rule.id}, so its page has no sample: write one")
        yield f"{each.rule.id}.md", _page(each, caught[each.rule.id])


def rules_table(kind: str, folder: str) -> str:
    """Return the table of the rules of a type, or of every type, with links to their pages below a folder."""
    return _table((each for each in asked() if each.of == kind), folder)


def _table(rules: Iterable[Asked], folder: str) -> str:
    rows = [(f"[{each.rule.id}]({folder}{each.rule.id}.md)", plain(each.rule.text) + _needs(each.rule)) for each in rules]
    return table(("rule", "what it says"), rows)


def _needs(rule: Rule) -> str:
    return f" *Where {' and '.join(f'`{need.name}`' for need in rule.needs)} is declared.*" if rule.needs else ""


def _index(every: list[Asked]) -> str:
    """Return the page that lists the rules."""
    kinds = [kind for kind in COMPONENT_PAGES if any(each.of == kind for each in every)]
    others = sorted({each.of for each in every} - {*kinds, EVERY_TYPE})
    parts = [
        "# Rules\n",
        f"The {len(every)} rules that the suite asks. Each has a page: what it says, why, who is hurt where it does not hold, code that",
        "keeps it and code that fails it, and when a flavor need not keep it. A number is never used again for another rule.\n",
    ]
    for kind in [*kinds, *others, EVERY_TYPE]:
        title = kind if kind == EVERY_TYPE else contract(kind).component_type.replace("_", " ")
        parts.append(f"## {title.capitalize()}\n\n{_table((each for each in every if each.of == kind), '')}")
    return "\n".join(parts)


def _page(each: Asked, caught: list[Variant]) -> str:
    rule = each.rule
    parts = [
        f"# {rule.id}\n",
        f"**{plain(rule.text)}**\n",
        f"A rule of {_about(each)}, since interface {rule.since}.{_needs(rule)} [All rules](index.md).\n",
        "## Why\n",
        *_why(each),
        "## How it is asked\n",
        *_body(each),
        *_samples(rule, sample(caught[0])),
        *_others(caught[1:]),
        "## When it does not count\n",
        "".join(f"- {line}\n" for line in _exemptions(rule)),
        f"In a terminal: `dovetail conformance explain {rule.id}`.",
    ]
    return "\n".join(parts) + "\n"


def _about(each: Asked) -> str:
    if each.of == EVERY_TYPE:
        return "every component type"
    name = each.of.replace("_", " ")
    page = COMPONENT_PAGES.get(each.of)
    return f"[{name}s](../components/{page}.md)" if page else f"{name}s"


def _why(each: Asked) -> Iterator[str]:
    why = reason(each.rule, each.method)
    if why is not None:
        yield f"Who is hurt where it does not hold: {plain(why.hurts)}\n"
        if why.seen:
            links = ", ".join(f"[{report}]({_address(report)})" for report in why.seen)
            yield f"Reports of that, or of the like, in other systems of the field: {links}.\n"
    meaning = SEVERITIES[each.rule.severity]
    yield f"Severity {meaning}.\n"


def _address(report: str) -> str:
    repository, _, number = report.partition("#")
    return f"https://github.com/{repository}/issues/{number}"


def _body(each: Asked) -> Iterator[str]:
    rule = each.rule
    if rule.explanation:
        yield "\n".join(plain(part) + "\n" for part in rule.explanation.split("\n\n"))
    yield f"The rule {KINDS[rule.kind]}.\n"
    if steps := steps_of(each.method):
        yield "Where it fails, the message names what was done, which is one of:\n"
        yield "".join(f"- {plain(step)}\n" for step in steps)
    file = Path(inspect.getsourcefile(each.method) or "").name
    yield folded(f"The body of the rule, in {file}", code(textwrap.dedent(inspect.getsource(each.method)), searched=False))


def _samples(rule: Rule, made: Sample) -> Iterator[str]:
    yield "## A flavor that fails it\n"
    yield f"`{made.variant.name}` is `{made.reference}` with one bug. {_bug(made.variant)}\n"
    yield code(made.failing)
    if others := sorted(made.variant.kills - {rule.id}):
        yield f"It fails {', '.join(f'[{other}]({other}.md)' for other in others)}, too.\n"
    yield "## A flavor that keeps it\n"
    if made.passing:
        yield f"`{made.reference}`, as it is. In place of what is above it has\n"
        yield code(made.passing)
    else:
        yield f"`{made.reference}`, without what is added above.\n"


def _others(caught: list[Variant]) -> Iterator[str]:
    if caught:
        yield "Others that fail it:\n"
        yield "".join(f"- `{variant.name}`: {_bug(variant)}\n" for variant in caught)


def _bug(variant: Variant) -> str:
    return sentence(variant.flavor.__doc__)


def _exemptions(rule: Rule) -> Iterator[str]:
    if rule.is_zero:
        yield "Never. Where it does not hold, every other rule is `blocked`."
        return
    if rule.needs:
        names = " or ".join(f"`{need.name}`" for need in rule.needs)
        yield f"`absent` where {names} is not declared; the same calls must then raise `Unsupported`, or the rule fails."
    else:
        yield "No capability leaves it out: every flavor is asked."
    for hook in rule.hooks:
        yield f"`untested` where the harness {HOOKS[hook]}."
    yield "`untested` where the harness says, with a reason, that its environment (such as a stand-in for a service) cannot show it."
    if rule.effort is not Effort.QUICK:
        yield f"`untested` below the effort `{rule.effort.label}`."
    if rule.advisory:
        yield "It is an advisory: it never fails a run."
    yield f"`advisory` for a flavor whose `interface` is older than {rule.since}, the version that brought it."
    if rule.budget is not None:
        yield f"More than {rule.budget} requests are an advisory."
    yield "`deviation` where the flavor's author has declared it, with a reason and an owner; it must then really not hold."


def missing_reasons() -> list[str]:
    """Return the ids of the rules of which nobody has written why they are there."""
    return [each.rule.id for each in asked() if reason(each.rule, each.method) is None]

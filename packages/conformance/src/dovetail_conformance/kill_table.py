"""The kill table: which rule catches which mutant, and what has no cover."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dovetail_conformance.crosscutting import CrossCutting
from dovetail_conformance.judging import newer
from dovetail_conformance.mutants import Variant, module_at, variants
from dovetail_conformance.outcomes import Outcome
from dovetail_conformance.recording import Record
from dovetail_conformance.running import records
from dovetail_conformance.targets import contract


@dataclass(frozen=True)
class Kill:
    """What the rules said of one variant."""

    variant: Variant
    failed: frozenset[str]
    crashed: frozenset[str]
    """Rules that failed by a crash, which proves nothing."""
    errors: frozenset[str]
    advisory: frozenset[str] = frozenset()
    """Advisories that say something against an equivalent: not those of rules that its interface does not have yet."""
    unasked: frozenset[str] = frozenset()
    """Rules of which nothing was said."""
    silent: bool = False
    """Whether nothing at all was said."""
    details: tuple[str, ...] = ()
    """What was said by rules that should have said nothing, or that crashed."""

    @property
    def problem(self) -> str:
        """Why it is not as it is said to be, or nothing."""
        found = {
            "not caught by": self.variant.kills - self.failed,
            "also fails": self.failed - self.variant.kills,
            "crashes": self.crashed,
            "errors in": self.errors,
            "advisory in": self.advisory,
            "was not asked": self.unasked,
        }
        said = [f"{words} {', '.join(sorted(ids))}" for words, ids in found.items() if ids]
        return "; ".join(said or (["was asked nothing"] if self.silent else []))


def kills(variants: Iterable[Variant], records: Iterable[Record], rules: Collection[str] = ()) -> list[Kill]:
    """Return what the rules said of each variant, which was to be asked all of some `rules`."""
    said: dict[str, list[Record]] = {}
    for record in records:
        said.setdefault(record.contract.removeprefix("Test"), []).append(record)
    return [_kill(variant, said.get(variant.name, []), rules) for variant in variants]


def _kill(variant: Variant, records: list[Record], rules: Collection[str]) -> Kill:
    def ids(*outcomes: Outcome, crashed: bool = False) -> frozenset[str]:
        return frozenset(item.rule.id for item in records if item.outcome in outcomes and (item.crashed or not crashed))

    failed = ids(Outcome.FAILED) | (ids(Outcome.ADVISORY) & variant.kills)
    blocked: frozenset[str] = frozenset() if any(rule.endswith("-00") for rule in variant.kills) else ids(Outcome.BLOCKED)
    new = {item.rule.id for item in records if newer(item.rule.since, item.interface)}
    crashed = ids(Outcome.FAILED, Outcome.ADVISORY, crashed=True) & failed
    errors = ids(Outcome.ERROR) | blocked
    advisory = frozenset() if variant.kills else ids(Outcome.ADVISORY) - new
    wrong = (failed - variant.kills) | crashed | errors | advisory
    return Kill(
        variant,
        failed,
        crashed,
        errors,
        advisory,
        unasked=frozenset(rules) - {item.rule.id for item in records},
        silent=not records,
        details=tuple(f"{item.rule.id}: {item.detail}" for item in records if item.rule.id in wrong and item.detail),
    )


def holes(rules: Iterable[str], table: Iterable[Kill]) -> list[str]:
    """Return the rules that no mutant is caught by."""
    caught = {rule for kill in table for rule in kill.failed & kill.variant.kills}
    return sorted(set(rules) - caught)


def lines(table: list[Kill], uncovered: list[str]) -> Iterator[str]:
    """Yield the table for a terminal."""
    width = max((len(kill.variant.name) for kill in table), default=0)
    for kill in table:
        caught = ", ".join(sorted(kill.failed)) or "(equivalent: nothing fails)"
        yield f"{'ok ' if not kill.problem else 'BAD'} {kill.variant.name:{width}}  {caught}{'  <- ' + kill.problem if kill.problem else ''}"
        yield from (textwrap.indent(detail, "      ") for detail in kill.details)
    yield from (f"BAD no mutant is caught by {rule}" for rule in uncovered)


def report_on(component_type: str, files: list[Path], workers: int, say: Callable[[str], object], every: bool = False) -> bool:
    """Try the rules of a type on the variants in some files, say the table, and return whether there is nothing wrong.

    The cross-cutting rules have mutants in the suite's own tests, and need none here unless `every` says so.
    """
    asked = contract(component_type)
    wanted = asked.rules.keys() - (set() if every else CrossCutting.rules.keys())
    table: list[Kill] = []
    for file in files:
        words = [
            f"--conformance-mutants={file}",
            f"--conformance-type={component_type}",
            "--conformance-effort=quick",
            "--conformance-seed=1",
        ]
        found, printed, ended = records("mutants_under_test", words, workers)
        if not found or not ended:
            say(f"{printed}\nthe run broke off; run it again" if found else printed)
            return False
        table += kills(variants(module_at(file)), found, asked.rules)
    uncovered = holes(wanted, table)
    for line in lines(table, uncovered):
        say(line)
    wrong = sum(bool(kill.problem) for kill in table)
    say(f"{len(table)} variants, {len(wanted)} rules; {wrong} variants are not as they are said to be, {len(uncovered)} rules catch none")
    return not wrong and not uncovered

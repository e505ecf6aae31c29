"""Tiers, computed from a report and from nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dovetail_conformance.outcomes import Outcome
from dovetail_conformance.report.lowest import lowest_problems
from dovetail_conformance.report.model import Report, RuleResult

TIERS = ("none", "bronze", "silver", "gold")
_MOST_DEVIATIONS = 3
_KEPT = (Outcome.PASSED, Outcome.ABSENT)


@dataclass(frozen=True)
class Grade:
    """A tier, and what is missing for the next one."""

    tier: str
    missing: tuple[str, ...]


def grade(report: Report, lowest: Report | None = None) -> Grade:
    """Return the tier that a report earns; `lowest` is one of a run with the lowest versions that the package allows."""
    for earned, (_, missing) in zip(TIERS, lacking(report, lowest).items(), strict=False):
        if missing:
            return Grade(earned, missing)
    return Grade(TIERS[-1], ())


def lacking(report: Report, lowest: Report | None = None) -> dict[str, tuple[str, ...]]:
    """Return what is missing for each tier, from bronze to gold, beyond what is for the tiers below it; arguments as of `grade`."""
    problems = tuple(lowest_problems(report, lowest)) if lowest is not None else ()
    if lowest is not None:
        report = report.model_copy(update={"lowest": not problems})
    return {"bronze": tuple(_for_bronze(report)), "silver": (*_for_silver(report), *problems), "gold": tuple(_for_gold(report))}


def _for_bronze(report: Report) -> Iterator[str]:
    if not report.rules:
        yield "no rule was run"
    yield from (f"the run was refused: {reason}" for reason in report.refusals)
    yield from _each(report.of(Outcome.FAILED, Outcome.ERROR), "is to be kept")
    if blocked := [rule.id for rule in report.of(Outcome.BLOCKED)]:
        yield f"{', '.join(blocked)} {'is' if len(blocked) == 1 else 'are'} to be kept, once what blocks them holds"
    yield from _each((rule for rule in report.rules if rule.kind == "metadata" and rule.outcome is Outcome.UNTESTED), "is to be shown")
    yield from _of_package(report, "bronze")
    if len(report.deviations) > _MOST_DEVIATIONS:
        yield f"there are {len(report.deviations)} deviations: at most {_MOST_DEVIATIONS}"
    yield from (f"the deviation from {item.rule} has no link" for item in report.deviations if not item.link)


def _for_silver(report: Report) -> Iterator[str]:
    yield from (f"the deviation from {item.rule} is the flavor's own" for item in report.deviations if item.owner == "flavor")
    yield from _unshown(report, ("fault", "disk", "machine", "leak"))
    yield from _each(filter(_is_grave, _untested(report, ("semantics", "security"))), "is to be shown")
    if report.lowest is None:
        yield "the lowest versions of the dependencies are not known to pass (--lowest with the report of a run with them)"
    elif not report.lowest:
        yield "the lowest versions of the dependencies are not shown to pass"


def _for_gold(report: Report) -> Iterator[str]:
    if not report.certified:
        yield "the run is not certified (--certify)"
    if report.environment == "emulated":
        yield "the run was before an emulator, and not the service itself (--config)"
    if report.effort != "full":
        yield f"the effort was {report.effort} (--effort full)"
    yield from _of_package(report, "gold")
    yield from _unshown(report, ("race",))
    yield from _each(report.of(Outcome.ADVISORY), "is to be kept")


def _of_package(report: Report, tier: str) -> Iterator[str]:
    if report.package is None:
        yield "the flavor's package was not looked at: run the suite again"
        return
    yield from (f"{check.name}: {check.detail}" for check in report.package if check.tier == tier and not check.holds)


def _unshown(report: Report, kinds: Iterable[str]) -> Iterator[str]:
    """Yield the rules of some kinds that are not shown to be kept, and could be."""
    kinds = tuple(kinds)
    open = [rule for rule in report.rules if rule.kind in kinds and rule.outcome not in (*_KEPT, Outcome.UNTESTED)]
    yield from _each(sorted([*open, *_untested(report, kinds)], key=lambda rule: rule.id), "is to be shown")


def _untested(report: Report, kinds: Iterable[str]) -> Iterator[RuleResult]:
    """Yield the rules of some kinds that are untested, and could be shown."""
    yield from (rule for rule in report.of(Outcome.UNTESTED) if rule.kind in kinds and not _is_excused(report, rule))


def _is_excused(report: Report, rule: RuleResult) -> bool:
    """Tell whether a rule cannot be shown: one about a wire where there is none, or about disks of this machine where there is one.

    A rule that the harness names is not excused by the want of a wire: whoever knows it has decided about it.
    """
    if report.environment != "embedded":
        return rule.kind == "disk"
    return rule.wire is None or (rule.wire and rule.id not in report.lacks)


def _is_grave(rule: RuleResult) -> bool:
    """Tell whether data, a result or a secret is lost where a rule does not hold."""
    return rule.severity == 1


def _each(rules: Iterable[RuleResult], what: str) -> Iterator[str]:
    yield from (f"{rule.id} {what} ({rule.outcome}): {rule.text}" for rule in rules)

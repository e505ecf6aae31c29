"""Whether a second report shows that the rules pass with the lowest versions that a flavor's package allows."""

from __future__ import annotations

from collections.abc import Iterator

from dovetail_conformance.outcomes import Outcome
from dovetail_conformance.report.model import Report
from dovetail_conformance.report.package import above_lowest

_HELD = (Outcome.PASSED, Outcome.ABSENT)


def lowest_problems(report: Report, lowest: Report) -> Iterator[str]:
    """Yield why the report `lowest` does not show that the rules which `report` shows are kept with the lowest versions, too."""
    if report.flavor != lowest.flavor:
        yield f"the report on the lowest versions is of {_named(lowest)}, and not of {_named(report)}"
        return
    if not lowest.requirements:
        yield "the report on the lowest versions names no requirement of the package"
    yield from (problem for requirement in lowest.requirements if (problem := above_lowest(requirement)))
    if not lowest.good:
        yield "the rules do not pass with the lowest versions"
    held = {rule.id for rule in lowest.of(*_HELD)}
    yield from (f"{rule.id} is not shown with the lowest versions" for rule in report.of(*_HELD) if rule.id not in held)


def _named(report: Report) -> str:
    flavor = report.flavor
    return f"{flavor.type}/{flavor.name} of {flavor.distribution or 'no package'} {flavor.version}".rstrip()

"""A tier in lines of text: what a report has earned, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator

from dovetail_conformance.report.grading import TIERS, grade, lacking
from dovetail_conformance.report.model import Report


def earned(report: Report, lowest: Report | None = None) -> Iterator[str]:
    """Yield the tier of a report, and each thing that is missing for the next one."""
    graded = grade(report, lowest)
    yield f"tier: {graded.tier}"
    yield from (f"  missing: {line}" for line in graded.missing)


def all_missing(report: Report, lowest: Report | None = None) -> Iterator[str]:
    """Yield the tier of a report, and each thing that is missing for every tier up to gold."""
    yield f"tier: {grade(report, lowest).tier}"
    for tier, missing in lacking(report, lowest).items():
        yield from (f"  missing for {tier}: {line}" for line in missing)


def further(report: Report) -> Iterator[str]:
    """Yield in a line for each tier after the next one what is missing for it: rules by their ids."""
    after_next = TIERS.index(grade(report).tier) + 2
    for tier, missing in lacking(report).items():
        if TIERS.index(tier) >= after_next and missing:
            yield f"  and for {tier}: {'; '.join(line.partition(': ')[0] for line in missing)}"

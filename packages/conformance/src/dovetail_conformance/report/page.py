"""The report as one HTML file that needs no server and no network."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

from jinja2 import Environment, StrictUndefined

from dovetail_conformance.outcomes import Outcome
from dovetail_conformance.report.grading import TIERS, grade
from dovetail_conformance.report.model import Report, RuleResult

_ORDER = (
    Outcome.FAILED, Outcome.ERROR, Outcome.BLOCKED, Outcome.DEVIATION, Outcome.ADVISORY, Outcome.UNTESTED, Outcome.ABSENT, Outcome.PASSED,
)  # fmt: skip
_MEANINGS = {
    Outcome.FAILED: "not kept",
    Outcome.ERROR: "the suite or its environment failed",
    Outcome.BLOCKED: "rule zero failed, so nothing else could be asked",
    Outcome.DEVIATION: "not kept, as the author says",
    Outcome.ADVISORY: "not kept, and need not be yet",
    Outcome.UNTESTED: "this environment cannot show it",
    Outcome.ABSENT: "not declared, and properly refused",
    Outcome.PASSED: "kept",
}


def page(report: Report, lowest: Report | None = None) -> str:
    """Return a report as HTML; everything in it is escaped. Arguments as of `grade`."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(resources.files(__package__).joinpath("page.html").read_text("utf-8"))
    graded = grade(report, lowest)
    following = TIERS[min(TIERS.index(graded.tier) + 1, len(TIERS) - 1)]
    return template.render(report=report, grade=graded, following=following, groups=list(_groups(report)))


def _groups(report: Report) -> Iterator[tuple[str, str, list[RuleResult]]]:
    for outcome in _ORDER:
        rules = sorted(report.of(outcome), key=lambda rule: rule.id)
        if rules:
            yield str(outcome), _MEANINGS[outcome], rules

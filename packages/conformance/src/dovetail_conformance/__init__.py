"""The shared conformance suite of Dovetail: whether a flavor keeps its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dovetail_core._facade import lazy

if TYPE_CHECKING:
    from dovetail_conformance.checking import attempt as attempt
    from dovetail_conformance.checking import check as check
    from dovetail_conformance.checking import raises as raises
    from dovetail_conformance.contract import Contract as Contract
    from dovetail_conformance.crosscutting import CrossCutting as CrossCutting
    from dovetail_conformance.effort import Effort as Effort
    from dovetail_conformance.harness import Harness as Harness
    from dovetail_conformance.machines import run_machine as run_machine
    from dovetail_conformance.operations import Operation as Operation
    from dovetail_conformance.outcomes import Deviation as Deviation
    from dovetail_conformance.outcomes import HarnessError as HarnessError
    from dovetail_conformance.outcomes import Outcome as Outcome
    from dovetail_conformance.outcomes import RuleFailure as RuleFailure
    from dovetail_conformance.outcomes import Untested as Untested
    from dovetail_conformance.rules import Rule as Rule
    from dovetail_conformance.rules import rule as rule
    from dovetail_conformance.rules import rules_of as rules_of
    from dovetail_conformance.waiting import until as until
    from dovetail_conformance.waiting import within as within

__all__ = [
    "Contract",
    "CrossCutting",
    "Deviation",
    "Effort",
    "Harness",
    "HarnessError",
    "Operation",
    "Outcome",
    "Rule",
    "RuleFailure",
    "Untested",
    "attempt",
    "check",
    "raises",
    "rule",
    "rules_of",
    "run_machine",
    "until",
    "within",
]

_EXPORTS = {
    "Contract": "contract",
    "CrossCutting": "crosscutting",
    "Deviation": "outcomes",
    "Effort": "effort",
    "Harness": "harness",
    "HarnessError": "outcomes",
    "Operation": "operations",
    "Outcome": "outcomes",
    "Rule": "rules",
    "RuleFailure": "outcomes",
    "Untested": "outcomes",
    "attempt": "checking",
    "check": "checking",
    "raises": "checking",
    "rule": "rules",
    "rules_of": "rules",
    "run_machine": "machines",
    "until": "waiting",
    "within": "waiting",
}
if not TYPE_CHECKING:  # a checker is to find the names above, and no others
    __getattr__, __dir__ = lazy(__name__, _EXPORTS)

"""The shared conformance suite of Dovetail: whether a flavor keeps its contract."""

import pytest

pytest.register_assert_rewrite("dovetail_conformance.crosscutting", "dovetail_conformance.machines")

from dovetail_conformance.checking import attempt, check, raises  # noqa: E402
from dovetail_conformance.contract import Contract  # noqa: E402
from dovetail_conformance.crosscutting import CrossCutting  # noqa: E402
from dovetail_conformance.effort import Effort  # noqa: E402
from dovetail_conformance.harness import Harness  # noqa: E402
from dovetail_conformance.machines import run_machine  # noqa: E402
from dovetail_conformance.operations import Operation  # noqa: E402
from dovetail_conformance.outcomes import Deviation, HarnessError, Outcome, RuleFailure, Untested  # noqa: E402
from dovetail_conformance.rules import Rule, rule, rules_of  # noqa: E402
from dovetail_conformance.waiting import until, within  # noqa: E402

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

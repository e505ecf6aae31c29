"""What was said of a rule, in the form that travels from the process that ran it to the one that writes the report."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

import pytest

from dovetail_conformance.harness import Harness
from dovetail_conformance.outcomes import Deviation, Outcome, Verdict
from dovetail_conformance.rules import Rule

PROPERTY = "dovetail-conformance"
BAD = (Outcome.FAILED, Outcome.ERROR)
_WEIGHTS = (
    Outcome.PASSED, Outcome.ABSENT, Outcome.UNTESTED, Outcome.ADVISORY, Outcome.DEVIATION, Outcome.BLOCKED, Outcome.FAILED, Outcome.ERROR,
)  # fmt: skip
"""From good to bad."""


@dataclass(frozen=True)
class RuleFacts:
    """What a report says of a rule itself."""

    id: str
    text: str
    severity: int
    since: str
    needs: tuple[str, ...]
    kind: str
    location: str
    budget: int | None


@dataclass(frozen=True)
class Record:
    """What was said of one rule of one contract."""

    rule: RuleFacts
    contract: str
    component_type: str
    flavor: str
    target: str
    """The flavor's class, as `module:Class`."""
    interface: str
    environment: str
    outcome: Outcome
    detail: str
    crashed: bool
    seconds: float
    requests: int | None
    """Requests that went through the proxy; None if there is none."""
    deviation: Deviation | None

    @classmethod
    def of(cls, rule: Rule, verdict: Verdict, contract: type[Any], harness: Harness | None, seconds: float, requests: int | None) -> Record:
        """Return the record of a verdict."""
        deviations = {**(harness.deviations if harness else {}), **contract.deviations}
        flavor = getattr(harness, "flavor", None)
        return cls(
            rule=facts(rule, contract),
            contract=contract.__name__,
            component_type=contract.component_type,
            flavor=flavor.flavor if flavor else "",
            target=f"{flavor.__module__}:{flavor.__qualname__}" if flavor else "",
            interface=contract.interface or (flavor.interface if flavor else ""),
            environment=harness.environment if harness else "",
            outcome=verdict.outcome,
            detail=verdict.detail,
            crashed=verdict.crashed,
            seconds=seconds,
            requests=requests,
            deviation=deviations.get(rule.id),
        )


def facts(rule: Rule, contract: type[Any]) -> RuleFacts:
    """Return what a report says of a rule."""
    method = getattr(contract, rule.method)
    location = f"{method.__module__}:{method.__qualname__}"
    return RuleFacts(
        rule.id, rule.text, rule.severity, rule.since, tuple(need.name for need in rule.needs), rule.kind, location, rule.budget
    )


def described(record: Record) -> dict[str, Any]:
    """Return a record as plain data, which JSON can hold."""
    data: dict[str, Any] = json.loads(json.dumps(asdict(record)))
    return data


def records_of(report: object) -> list[Record]:
    """Return the records that a pytest report carries: of the rule that was run, or of those that something around it belongs to."""
    if not isinstance(report, pytest.TestReport):
        return []
    return [restored(dict(value)) for name, value in report.user_properties if name == PROPERTY and isinstance(value, dict)]


def merged(before: Record | None, record: Record) -> Record:
    """Return what is said of a rule of which something was said before: the worse, and both if both are bad."""
    if before is None:
        return record
    if (_WEIGHTS.index(record.outcome), record.crashed) > (_WEIGHTS.index(before.outcome), before.crashed):
        before, record = record, before
    both = record.outcome in BAD and record.detail not in before.detail
    seconds, requests = max(before.seconds, record.seconds), before.requests if record.requests is None else record.requests
    return replace(before, detail=f"{before.detail}\n{record.detail}" if both else before.detail, seconds=seconds, requests=requests)


def restored(described: dict[str, Any]) -> Record:
    """Return the record that plain data describe."""
    data = dict(described)
    data["rule"] = RuleFacts(**{**data["rule"], "needs": tuple(data["rule"]["needs"])})
    data["outcome"] = Outcome(data["outcome"])
    data["deviation"] = Deviation(**data["deviation"]) if data["deviation"] else None
    return Record(**data)

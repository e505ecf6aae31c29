"""What was said of a rule, in the form that travels from the process that ran it to the one that writes the report."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import pytest

from dovetail_conformance.harness import Harness
from dovetail_conformance.outcomes import Deviation, Outcome, Verdict
from dovetail_conformance.rules import Rule

PROPERTY = "dovetail-conformance"


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
    deviation: Deviation | None

    @classmethod
    def of(
        cls, rule: Rule, verdict: Verdict, contract: type[Any], seconds: float, harness: Harness | None, deviations: dict[str, Deviation]
    ) -> Record:
        """Return the record of a verdict."""
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
            deviation=deviations.get(rule.id),
        )


def facts(rule: Rule, contract: type[Any]) -> RuleFacts:
    """Return what a report says of a rule."""
    method = getattr(contract, rule.method)
    location = f"{method.__module__}:{method.__qualname__}"
    return RuleFacts(rule.id, rule.text, rule.severity, rule.since, tuple(need.name for need in rule.needs), rule.kind, location)


def described(record: Record) -> dict[str, Any]:
    """Return a record as plain data, which JSON can hold."""
    data: dict[str, Any] = json.loads(json.dumps(asdict(record)))
    return data


def record_of(report: object) -> Record | None:
    """Return the record that a pytest report carries, if it is of a rule."""
    found = [value for name, value in getattr(report, "user_properties", ()) if name == PROPERTY]
    if not isinstance(report, pytest.TestReport) or not found:
        return None
    return restored(found[-1])


def restored(described: dict[str, Any]) -> Record:
    """Return the record that plain data describe."""
    data = dict(described)
    data["rule"] = RuleFacts(**{**data["rule"], "needs": tuple(data["rule"]["needs"])})
    data["outcome"] = Outcome(data["outcome"])
    data["deviation"] = Deviation(**data["deviation"]) if data["deviation"] else None
    return Record(**data)

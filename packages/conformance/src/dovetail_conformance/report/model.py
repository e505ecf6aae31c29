"""The report as data. Its JSON Schema is published as `report.schema.json` beside this module."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from pydantic import AwareDatetime, Field, computed_field

from dovetail_conformance.outcomes import Outcome
from dovetail_conformance.report.base import Model
from dovetail_conformance.report.package import PackageCheck, RequirementInfo

SCHEMA_VERSION: Literal[2] = 2


class FlavorInfo(Model):
    """The flavor that was asked."""

    type: str
    """Component type, such as `artifact_store`."""
    name: str
    distribution: str
    """Package that offers it; empty if none does."""
    version: str


class RuleResult(Model):
    """What was said of one rule."""

    id: str
    text: str
    severity: int
    since: str
    """Version of the interface that brought the rule."""
    needs: list[str]
    """Capabilities."""
    kind: str
    outcome: Outcome
    detail: str
    """The failure's message, or the reason."""
    seconds: float
    requests: int | None = None
    """Requests that went through the proxy, if there was one."""
    budget: int | None = None
    """Requests that it should take at most, if it says so."""
    crashed: bool = False
    """Whether it failed by an exception that no check expected."""
    wire: bool | None = None
    """Whether it is about a wire or credentials, which an embedded flavor need not have; null: not known, as in older reports."""
    location: str
    """Where the rule's body is, as `module:Class.method`."""


class DeviationInfo(Model):
    """A rule that the flavor says it does not keep."""

    rule: str
    reason: str
    owner: Literal["flavor", "backend"]
    link: str


class Report(Model):
    """A run of a contract."""

    schema_version: Literal[2] = SCHEMA_VERSION
    suite: str
    """Version of the conformance suite."""
    interface: str
    """Version of the interface that the flavor is written for."""
    flavor: FlavorInfo
    environment: Literal["embedded", "emulated", "live"]
    python: str
    platform: str
    effort: Literal["quick", "standard", "full"]
    seed: int
    certified: bool
    refusals: list[str]
    """Why the run was refused, if it was."""
    lowest: bool | None = None
    """Whether the rules pass with the lowest versions that the package allows; null: not known."""
    started: AwareDatetime
    seconds: float
    reproduce: str
    """The command that repeats the run."""
    rules: list[RuleResult]
    lacks: list[str] = Field(default_factory=list)
    """Rules of which the harness says in advance that its environment cannot show them."""
    deviations: list[DeviationInfo] = Field(default_factory=list)
    package: list[PackageCheck] | None = None
    """What is asked of the flavor's package; null: not looked at, as in reports of version 1."""
    requirements: list[RequirementInfo] = Field(default_factory=list)
    """What the flavor's package requires, and what was installed."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def summary(self) -> dict[str, int]:
        """How often there was each outcome."""
        counts = Counter(rule.outcome for rule in self.rules)
        return {str(outcome): counts[outcome] for outcome in Outcome}

    @property
    def good(self) -> bool:
        """Whether nothing failed, and something was asked."""
        bad = (Outcome.FAILED, Outcome.ERROR, Outcome.BLOCKED)
        return bool(self.rules) and not self.refusals and not any(rule.outcome in bad for rule in self.rules)

    def of(self, *outcomes: Outcome) -> list[RuleResult]:
        """Return the rules with one of some outcomes."""
        return [rule for rule in self.rules if rule.outcome in outcomes]


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of `report.json`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Report.model_json_schema(mode="serialization")}

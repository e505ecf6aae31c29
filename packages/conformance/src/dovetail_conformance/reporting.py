"""Makes the report of a run from what was said of each rule."""

from __future__ import annotations

import platform
import time
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from importlib import metadata

import pytest

from dovetail_conformance.contract import SEED
from dovetail_conformance.outcomes import Outcome
from dovetail_conformance.package_facts import package_checks, requirements
from dovetail_conformance.recording import Record, RuleFacts, facts
from dovetail_conformance.report import DeviationInfo, FlavorInfo, Report, RuleResult, lowest_problems, read, write
from dovetail_conformance.targets import Target, settings, target

_NOT_RUN = "it was not run: deselected, or the run ended before"


def write_report(config: pytest.Config, records: Collection[Record], refusals: list[str], began: float) -> None:
    """Write the report of a run into the directory that the options name."""
    found = target(config.getoption("conformance_target"), config.getoption("conformance_harness"))
    report = made(config, found, records, refusals, began)
    if given := config.getoption("conformance_lowest"):
        report = report.model_copy(update={"lowest": not list(lowest_problems(report, read(given)))})
    write(report, config.getoption("conformance_report"))


def made(config: pytest.Config, found: Target, records: Collection[Record], refusals: list[str], began: float) -> Report:
    """Return the report of a run. A rule of the contract that was not run is in it too."""
    certified = bool(config.getoption("conformance_certify")) and not refusals
    said = {record.rule.id: record for record in records}
    missing = [facts(rule, found.contract) for id, rule in found.contract.rules.items() if id not in said]
    wires = {id: rule.wire for id, rule in found.contract.rules.items()}
    results = [_result(record, wires.get(record.rule.id)) for record in said.values()]
    results += [_not_run(rule, wires.get(rule.id)) for rule in missing]
    first = next(iter(records))
    return Report(
        suite=metadata.version("dovetail-conformance"),
        interface=first.interface,
        flavor=FlavorInfo(type=found.component_type, name=found.flavor, distribution=found.distribution, version=found.version),
        environment=next((record.environment for record in records if record.environment), "embedded"),
        python=platform.python_version(),
        platform=platform.platform(),
        effort=config.getoption("conformance_effort"),
        seed=config.stash[SEED],
        certified=certified,
        refusals=refusals,
        started=datetime.fromtimestamp(began, UTC),
        seconds=time.time() - began,
        reproduce=_command(config),
        rules=sorted(results, key=lambda result: result.id),
        lacks=sorted(found.harness(settings(config.getoption("conformance_config"))).lacks),
        deviations=list(_deviations(records)),
        package=package_checks(found.harness.flavor, found.distribution),
        requirements=requirements(found.distribution) if found.distribution else [],
    )


def _result(record: Record, wire: bool | None) -> RuleResult:
    return _row(record.rule, record.outcome, record.detail, record.seconds, record.requests, record.crashed, wire)


def _not_run(rule: RuleFacts, wire: bool | None) -> RuleResult:
    return _row(rule, Outcome.UNTESTED, _NOT_RUN, 0.0, None, False, wire)


def _row(
    rule: RuleFacts, outcome: Outcome, detail: str, seconds: float, requests: int | None, crashed: bool, wire: bool | None
) -> RuleResult:
    return RuleResult(
        id=rule.id,
        text=rule.text,
        severity=rule.severity,
        since=rule.since,
        needs=list(rule.needs),
        kind=rule.kind,
        outcome=str(outcome),
        detail=detail,
        seconds=seconds,
        requests=requests,
        budget=rule.budget,
        crashed=crashed,
        location=rule.location,
        wire=wire,
    )


def _deviations(records: Iterable[Record]) -> Iterable[DeviationInfo]:
    for record in records:
        if record.outcome is Outcome.DEVIATION and record.deviation is not None:
            deviation = record.deviation
            yield DeviationInfo(rule=record.rule.id, reason=deviation.reason, owner=deviation.owner, link=deviation.link)


def _command(config: pytest.Config) -> str:
    words = ["dovetail conformance run", config.getoption("conformance_target"), "--effort", config.getoption("conformance_effort")]
    words += ["--seed", str(config.stash[SEED])]
    for option in ("harness", "config"):
        if value := config.getoption(f"conformance_{option}"):
            words += [f"--{option}", str(value)]
    return " ".join(words + (["--certify"] if config.getoption("conformance_certify") else []))

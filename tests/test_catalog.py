"""The table of flavors is true, and a certificate is accepted only for good reasons."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import catalog
import pytest
from certificates import Certificate, certificates, faults, outdated, refusals
from workspace import ROOT, Workspace

from dovetail_artifact_store import InMemoryArtifactStore
from dovetail_conformance import targets
from dovetail_conformance.outcomes import Outcome
from dovetail_conformance.recording import facts
from dovetail_conformance.report import FlavorInfo, Report, RuleResult

COMMITTED = certificates(ROOT)
Edit = Callable[[dict[str, Any]], object]


def test_the_tables_are_up_to_date() -> None:
    """If this fails: nox -s catalog."""
    assert {file.relative_to(ROOT): text for file, text in catalog.pages(Workspace()).items() if text != file.read_text("utf-8")} == {}


@pytest.mark.parametrize("certificate", COMMITTED, ids=lambda certificate: "/".join(certificate.target))
def test_every_certificate_of_the_repository_may_stand(certificate: Certificate) -> None:
    """One that is out of date may: the table says so."""
    assert faults(certificate, Workspace()) == []


def test_every_flavor_of_the_repository_has_a_row() -> None:
    offered = {flavor for package in Workspace().packages.values() for flavor in package.flavors()}
    assert {(row.type, row.flavor) for row in catalog.rows(Workspace())} >= offered


def reported() -> Report:
    """What a certified run of the artifact store in memory would say if it kept every rule of the contract."""
    contract, declared = targets.contract("artifact_store"), InMemoryArtifactStore.capabilities
    results = []
    for rule in contract.rules.values():
        told = {name: value for name, value in asdict(facts(rule, contract)).items() if name != "needs"}
        outcome = Outcome.PASSED if declared.issuperset(rule.needs) else Outcome.ABSENT
        results.append(RuleResult(**told, needs=[need.name for need in rule.needs], outcome=outcome, detail="", seconds=0.0))
    flavor = FlavorInfo(type="artifact_store", name="memory", distribution="dovetail-artifact-store", version="0.1.0")
    return Report(
        suite="0.1.0", interface="1.0", flavor=flavor, environment="embedded", python="3.11", platform="any", effort="full", seed=1,
        certified=True, refusals=[], started=datetime(2026, 1, 31, tzinfo=UTC), seconds=1.0, reproduce="", rules=results, package=[],
    )  # fmt: skip


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    """A certificate of the artifact store in memory, in a folder of its own."""
    folder = tmp_path / "docs/site/certificates/artifact_store/memory"
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(reported().model_dump_json())
    return Certificate(folder)


def edited(certificate: Certificate, edit: Edit) -> Certificate:
    """Change a report, and make its summary agree."""
    file = certificate.folder / "report.json"
    data = json.loads(file.read_text())
    edit(data)
    outcomes = [rule["outcome"] for rule in data["rules"]]
    data["summary"] = {outcome: outcomes.count(outcome) for outcome in data["summary"]}
    file.write_text(json.dumps(data))
    return certificate


def not_there(data: dict[str, Any]) -> None:
    data["flavor"].update(name="blobs", distribution="dovetail-artifact-store")


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda data: data.update(certified=False), "not certified"),
        (lambda data: data.update(refusals=["3 rules were deselected"]), "3 rules were deselected"),
        (lambda data: data["rules"][0].update(outcome="failed"), "earns no tier: AS-01"),
        (lambda data: data["rules"].pop(), "rules that it does not speak of"),
        (lambda data: data["rules"][0].update(id="AS-999"), "has no rule AS-999"),
        (lambda data: data["flavor"].update(name="other"), "its folder is artifact_store/memory"),
        (lambda data: data["flavor"].update(distribution=""), "no package offers the flavor"),
        (lambda data: data["flavor"].update(distribution="somebody-s"), "offered by dovetail-artifact-store"),
        (not_there, "offers no artifact_store/blobs"),
        (lambda data: data["flavor"].update(version="7.0"), "about dovetail-artifact-store 7.0"),
        (lambda data: data["flavor"].update(type="kitchen_store"), "no contract of 'kitchen_store'"),
        (lambda data: data.update(started=(datetime.now(UTC) + timedelta(days=2)).isoformat()), "in the future"),
        (lambda data: data.update(schema_version=9), "version 9"),
        (lambda data: data.update(effort="heroic"), "is no report: effort"),
    ],
)
def test_a_certificate_is_refused_with_the_reason(certificate: Certificate, edit: Edit, reason: str) -> None:
    assert refusals(certificate, Workspace()) == []
    found = refusals(edited(certificate, edit), Workspace())
    assert [each for each in found if reason in each], found


def test_a_report_whose_summary_was_edited_is_refused(certificate: Certificate) -> None:
    file = certificate.folder / "report.json"
    data = json.loads(file.read_text())
    data["summary"]["passed"] += 1
    file.write_text(json.dumps(data))
    assert refusals(certificate, Workspace()) == ["its summary is not what its rules add up to: it was edited"]


def test_other_files_are_refused_and_what_is_made_is_not(certificate: Certificate) -> None:
    certificate.publish()
    assert json.loads((certificate.folder / "badge.json").read_text())["message"] == "bronze"
    assert "dovetail-artifact-store" in (certificate.folder / "report.html").read_text()
    assert refusals(certificate, Workspace()) == []
    (certificate.folder / "run.sh").touch()
    (reason,) = refusals(certificate, Workspace())
    assert "remove run.sh" in reason


def test_a_rule_that_a_later_interface_brought_is_not_missed(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = targets.contract("artifact_store").rules
    newer = {**rules, "AS-998": replace(rules["AS-01"], id="AS-998", since="1.1")}
    monkeypatch.setattr(targets.contract("artifact_store"), "rules", newer)
    assert refusals(certificate, Workspace()) == []


def test_a_flavor_of_somebody_else_gets_a_row_from_its_report(certificate: Certificate) -> None:
    theirs = certificate.folder.with_name("blobs")
    certificate.folder.rename(theirs)
    edited(Certificate(theirs), lambda data: data["flavor"].update(name="blobs", distribution="blobs-of-somebody", version="3.1"))
    assert refusals(Certificate(theirs), Workspace()) == []
    row = catalog._other(Certificate(theirs))
    assert list(row.cells("./", "{}/{}.json")) == [
        "`blobs`", "`artifact_store`", "blobs-of-somebody", "3.1", "[bronze](artifact_store/blobs.json)", "1.0",
        "ATOMIC_MOVE, CONDITIONAL_PUT, CONDITIONAL_REPLACE, USER_METADATA",
    ]  # fmt: skip


def test_the_command_accepts_and_refuses(certificate: Certificate, capsys: pytest.CaptureFixture[str]) -> None:
    assert catalog.main(["--accept", str(certificate.folder)]) == 0
    assert capsys.readouterr().out == "accepted: artifact_store/memory of dovetail-artifact-store 0.1.0: bronze\n"
    edited(certificate, lambda data: data.update(certified=False))
    assert catalog.main(["--accept", str(certificate.folder)]) == 1
    assert capsys.readouterr().out.startswith("refused: artifact_store/memory: the run is not certified")


def test_a_certificate_that_leaves_out_a_new_rule_is_out_of_date_and_may_stand(certificate: Certificate) -> None:
    edited(certificate, lambda data: data["rules"].pop())
    assert len(outdated(certificate)) == 1
    assert faults(certificate, Workspace()) == []
    assert catalog._other(certificate).tier == "out of date"


def test_the_report_on_the_lowest_versions_lifts_the_tier(certificate: Certificate) -> None:
    assert certificate.grade().tier == "bronze"
    requirement = {"name": "blake3", "specifier": ">=1.0", "installed": "1.0.0"}
    (certificate.folder / "lowest.json").write_text(json.dumps({**json.loads(reported().model_dump_json()), "requirements": [requirement]}))
    assert refusals(certificate, Workspace()) == []
    assert certificate.grade().tier == "gold"
    certificate.publish()
    assert json.loads((certificate.folder / "badge.json").read_text())["message"] == "gold"
    assert "Tier: <strong>gold</strong>" in (certificate.folder / "report.html").read_text()

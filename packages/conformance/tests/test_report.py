"""Reports: forms for programs and people, and tiers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail_conformance import Outcome
from dovetail_conformance.report import (
    DeviationInfo,
    FlavorInfo,
    PackageCheck,
    Report,
    RequirementInfo,
    RuleResult,
    grade,
    json_schema,
    lacking,
    read,
    write,
)  # fmt: skip
from dovetail_conformance.report.junit import junit
from dovetail_conformance.report.page import page
from dovetail_conformance.report.saying import all_missing, further
from dovetail_core import ConfigError


def result(id: str = "AS-01", outcome: str = "passed", kind: str = "semantics", **more: Any) -> RuleResult:
    values = {"text": "A sentence.", "severity": 1, "since": "1.0", "needs": [], "detail": "", "seconds": 0.1, "location": "a:B.c"}
    return RuleResult(**{"id": id, "outcome": Outcome(outcome), "kind": kind, **values, **more})


def report(*rules: RuleResult, **more: Any) -> Report:
    values: dict[str, Any] = {
        "suite": "0.1.0", "interface": "1.0", "environment": "live", "python": "3.11.7", "platform": "Linux", "effort": "full", "seed": 1,
        "flavor": FlavorInfo(type="artifact_store", name="mine", distribution="dovetail-artifact-store-mine", version="0.3"),
        "certified": True, "refusals": [], "lowest": True, "started": datetime(2026, 1, 2, tzinfo=UTC), "seconds": 3.5, "reproduce": "again",
        "rules": list(rules) or [result()], "package": [], "requirements": [],
    }  # fmt: skip
    return Report(**{**values, **more})


def check(tier: Any, detail: str = "") -> PackageCheck:
    return PackageCheck(name="its name", tier=tier, holds=not detail, detail=detail)


def test_every_outcome_is_counted() -> None:
    made = report(*(result(f"AS-{number:02}", outcome) for number, outcome in enumerate(Outcome)))
    assert made.summary == dict.fromkeys(map(str, Outcome), 1)
    assert json.loads(made.model_dump_json())["summary"]["untested"] == 1


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    made = report(result(detail="<b>&amp; \x00 \u2028"), deviations=[DeviationInfo(rule="AS-01", reason="r", owner="backend", link="l")])
    write(made, tmp_path / "deep" / "out")
    assert read(tmp_path / "deep" / "out" / "report.json") == made
    assert sorted(path.name for path in (tmp_path / "deep" / "out").iterdir()) == ["badge.json", "junit.xml", "report.html", "report.json"]


def test_the_published_schema_is_the_model_s() -> None:
    import dovetail_conformance.report as package

    published = Path(str(package.__file__)).with_name("report.schema.json")
    assert json.loads(published.read_text()) == json_schema()


@pytest.mark.parametrize(("content", "said"), [("{", "cannot be read"), ("[]", "version None"), ('{"schema_version": 3}', "version 3")])
def test_what_is_no_report_is_said_with_its_path(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=said) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_report_that_lacks_something_is_said_to(tmp_path: Path) -> None:
    write(report(), tmp_path)
    data = json.loads((tmp_path / "report.json").read_text())
    del data["flavor"]["name"]
    (tmp_path / "report.json").write_text(json.dumps(data))
    with pytest.raises(ConfigError, match=r"flavor\.name"):
        read(tmp_path / "report.json")


@settings(deadline=None)  # how long a form takes is no matter here
@given(st.text(max_size=60))
def test_any_text_survives_in_every_form(text: str) -> None:
    made = report(result(outcome="failed", text=text, detail=text))
    ElementTree.fromstring(junit(made))
    shown = page(made)
    assert "<script>alert" not in shown and shown.startswith("<!doctype html>")


def test_the_page_escapes_what_flavors_say() -> None:
    shown = page(report(result(outcome="failed", detail="<script>alert(1)</script>")))
    assert "&lt;script&gt;alert(1)" in shown and "<script>alert(1)" not in shown
    assert "http://" not in shown and "https://" not in shown  # nothing is fetched


def test_junit_counts_what_failed() -> None:
    made = report(result("AS-01", "failed", detail="no"), result("AS-02", "error"), result("AS-03", "untested"), result("AS-04"))
    (suite,) = ElementTree.fromstring(junit(made))
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["4", "1", "1", "1"]


DEVIATION = {"rule": "AS-01", "reason": "r", "owner": "backend", "link": "l"}


@pytest.mark.parametrize(
    ("made", "tier", "missing"),
    [
        (report(), "gold", ""),
        (report(certified=False), "silver", "not certified"),
        (report(environment="emulated"), "silver", "emulator"),
        (report(effort="standard"), "silver", "effort"),
        (report(result("AS-03", "untested", "race")), "silver", "AS-03 is to be shown"),
        (report(result("AS-03", "advisory", "budget")), "silver", "AS-03 is to be kept"),
        (report(lowest=None), "bronze", "not known to pass (--lowest"),
        (report(lowest=False), "bronze", "not shown to pass"),
        (report(package=None), "none", "was not looked at"),
        (report(package=[check("bronze", "no")]), "none", "its name: no"),
        (report(package=[check("gold", "no")]), "silver", "its name: no"),
        (report(result("AS-03", "untested", "fault")), "bronze", "AS-03 is to be shown"),
        (report(result("AS-03", "untested", "machine")), "bronze", "AS-03"),
        (report(deviations=[DeviationInfo(**{**DEVIATION, "owner": "flavor"})]), "bronze", "the flavor's own"),
        (report(deviations=[DeviationInfo(**{**DEVIATION, "link": ""})]), "none", "has no link"),
        (report(deviations=[DeviationInfo(**DEVIATION)] * 4), "none", "4 deviations"),
        (report(result("AS-03", "failed")), "none", "AS-03 is to be kept"),
        (
            report(result("AS-03", "blocked"), result("AS-04", "blocked")),
            "none",
            "AS-03, AS-04 are to be kept, once what blocks them holds",
        ),
        (report(result("XC-12", "untested", "metadata")), "none", "XC-12"),
        (report(refusals=["2 rules were deselected"]), "none", "deselected"),
        (report(rules=[]), "none", "no rule"),
    ],
)
def test_a_tier_is_computed_with_what_is_missing_for_the_next(made: Report, tier: str, missing: str) -> None:
    found = grade(made)
    assert found.tier == tier
    assert any(missing in line for line in found.missing) or not missing


def test_what_is_missing_is_said_for_every_tier_and_shortly_for_those_after_the_next() -> None:
    made = report(result("AS-01", "failed"), result("AS-03", "untested", "fault"), certified=False, lowest=None)
    assert {tier: len(missing) for tier, missing in lacking(made).items()} == {"bronze": 1, "silver": 2, "gold": 1}
    assert list(all_missing(made))[:3] == [
        "tier: none",
        "  missing for bronze: AS-01 is to be kept (failed): A sentence.",
        "  missing for silver: AS-03 is to be shown (untested): A sentence.",
    ]
    short = list(further(made))
    assert len(short) == 2 and short[0].startswith("  and for silver: AS-03 is to be shown (untested); the lowest versions")
    assert short[1] == "  and for gold: the run is not certified (--certify)"
    assert list(further(report(lowest=None))) == []


@pytest.mark.parametrize("kind", ["fault", "leak", "machine", "security", "semantics"])
def test_without_a_wire_the_rules_about_wires_and_no_others_are_not_asked_of_silver(kind: str) -> None:
    def tier(**more: Any) -> str:
        wire, lacks = more.pop("wire"), more.pop("lacks", [])
        return grade(
            report(result("AS-31", "untested", kind, wire=wire, **more), environment="embedded", lacks=lacks, certified=False)
        ).tier

    assert tier(wire=True) == "silver"
    assert tier(wire=False) == "bronze", "a harness that leaves out another hook is as good as one that has it"
    assert tier(wire=True, lacks=["AS-31"]) == "bronze", "what a harness declares away is excused"
    assert tier(wire=None) == "silver"  # an older report does not know
    assert tier(wire=False, severity=2) == ("silver" if kind in ("security", "semantics") else "bronze")


def test_grave_rules_must_have_been_asked_for_silver_before_a_server() -> None:
    assert grade(report(result("XC-02", "untested", "security", wire=True))).tier == "bronze"
    assert grade(report(result("AS-01", "untested", "semantics", wire=False))).tier == "bronze"
    assert grade(report(result("AS-01", "deviation", "semantics", wire=False))).tier == "gold"  # the backend's
    assert grade(report(result("AS-01", "untested", "semantics", severity=2))).tier == "gold"


def test_races_of_a_wire_and_no_others_are_not_asked_of_gold() -> None:
    made = [report(result("AS-03", "untested", "race", wire=wire), environment="embedded") for wire in (True, False)]
    assert [grade(one).tier for one in made] == ["gold", "silver"]


def test_behind_a_wire_the_rules_about_disks_are_not_asked_of_silver() -> None:
    assert grade(report(result("AS-46", "untested", "disk"), lacks=["AS-46"])).tier == "gold"
    assert grade(report(result("AS-46", "untested", "disk"))).tier == "gold"
    assert grade(report(result("AS-46", "deviation", "disk"))).tier == "bronze"


def requirement(specifier: str, installed: str) -> RequirementInfo:
    return RequirementInfo(name="sdk", specifier=specifier, installed=installed)


LOWEST = [requirement(">=1.37,<2", "1.37.0")]


@pytest.mark.parametrize(
    ("lowest", "said"),
    [
        (report(requirements=LOWEST), ""),
        (report(requirements=[requirement("~=1.4", "1.4")]), ""),
        (report(requirements=[requirement(">=1.37", "1.38")]), "sdk 1.38 is installed, and the lowest that is allowed is 1.37"),
        (report(requirements=[requirement("<2", "1.0")]), "sdk has no lower bound"),
        (report(requirements=[requirement(">1.0", "1.0.1")]), "sdk >1.0 leaves out its own bound: state the lowest version with >="),
        (report(requirements=[requirement("!=1.0,>=1.0", "1.1")]), "sdk !=1.0,>=1.0 leaves out its own bound: state the lowest version"),
        (report(requirements=[requirement(">=1.0rc1", "1.0rc1")]), ""),
        (report(requirements=[requirement(">=1", "")]), "sdk is not installed"),
        (report(requirements=[]), "names no requirement"),
        (report(result(outcome="failed"), requirements=LOWEST), "do not pass with the lowest"),
        (report(result(outcome="untested"), requirements=LOWEST), "AS-01 is not shown with the lowest"),
        (report(requirements=LOWEST, flavor=FlavorInfo(type="artifact_store", name="other", distribution="", version="")), "other of no package"),
    ],
)  # fmt: skip
def test_a_second_report_shows_the_lowest_versions_or_why_it_does_not(lowest: Report, said: str) -> None:
    found = grade(report(lowest=None, certified=False), lowest)
    assert found.tier == ("bronze" if said else "silver")
    assert any(said in line for line in found.missing)


def test_a_report_of_the_first_version_is_read_and_earns_nothing_that_it_does_not_show(tmp_path: Path) -> None:
    write(report(), tmp_path)
    path = tmp_path / "report.json"
    data = json.loads(path.read_text())
    for name in ("package", "requirements"):
        del data[name]
    for row in data["rules"]:
        del row["budget"]
    path.write_text(json.dumps({**data, "schema_version": 1}))
    old = read(path)
    assert old.schema_version == 2 and old.package is None and "was not looked at" in grade(old).missing[0]


def test_requests_and_budgets_are_in_every_form() -> None:
    made = report(result(requests=41, budget=43))
    (suite,) = ElementTree.fromstring(junit(made))
    found = suite.find("testcase/properties/property")
    assert found is not None and found.attrib == {"name": "requests", "value": "41"}
    assert "<td>41 of 43</td>" in page(made) and json.loads(made.model_dump_json())["rules"][0]["requests"] == 41
    assert ElementTree.fromstring(junit(report())).find(".//property") is None


def test_the_page_shows_the_package_and_its_requirements() -> None:
    shown = page(report(package=[check("bronze", "<no>")], requirements=LOWEST))
    assert "&lt;no&gt;" in shown and "1.37.0" in shown

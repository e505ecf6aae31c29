"""The report as JUnit XML, which continuous integration services read."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from dovetail_conformance.outcomes import Outcome
from dovetail_conformance.report.model import Report, RuleResult

_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold (its section 2.2)."""
_ELEMENTS = {
    Outcome.FAILED: "failure", Outcome.ERROR: "error", Outcome.BLOCKED: "skipped", Outcome.UNTESTED: "skipped", Outcome.DEVIATION: "skipped",
}  # fmt: skip


def junit(report: Report) -> str:
    """Return a report as XML."""
    name = f"{report.flavor.type}/{report.flavor.name}"
    counted = {element: sum(_ELEMENTS.get(rule.outcome) == element for rule in report.rules) for element in ("failure", "error", "skipped")}
    numbers = {"tests": len(report.rules), "failures": counted["failure"], "errors": counted["error"], "skipped": counted["skipped"]}
    attributes = {"name": name, "time": f"{report.seconds:.3f}", "timestamp": report.started.isoformat()}
    suite = ElementTree.Element("testsuite", {**attributes, **{key: str(value) for key, value in numbers.items()}})
    for rule in report.rules:
        _add(suite, rule, name)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add(suite: ElementTree.Element, rule: RuleResult, name: str) -> None:
    title = _clean(f"{rule.id} {rule.text}")
    case = ElementTree.SubElement(suite, "testcase", {"classname": name, "name": title, "time": f"{rule.seconds:.3f}"})
    if rule.requests is not None:
        properties = ElementTree.SubElement(case, "properties")
        ElementTree.SubElement(properties, "property", {"name": "requests", "value": str(rule.requests)})
    element = _ELEMENTS.get(rule.outcome)
    if element:
        first = (rule.detail.splitlines() or [""])[0]
        ElementTree.SubElement(case, element, {"message": _clean(f"{rule.outcome}: {first}")}).text = _clean(rule.detail)
    elif rule.outcome is not Outcome.PASSED:
        ElementTree.SubElement(case, "system-out").text = _clean(f"{rule.outcome}: {rule.detail}")


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)

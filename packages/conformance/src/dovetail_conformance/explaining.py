"""Rules for people."""

from __future__ import annotations

import inspect

from dovetail_conformance.contract import Contract
from dovetail_conformance.rules import Rule

_SEVERITIES = {
    1: "1 (data loss, a silent wrong result, or security)",
    2: "2 (a hang, a leak, lost work, or a stuck state)",
    3: "3 (usability)",
}


def explanation(contract: type[Contract], rule: Rule) -> str:
    """Return what a rule says, why, what it needs, and where its body is."""
    method = getattr(contract, rule.method)
    lines = [f"{rule.id} ({contract.component_type}): {rule.text}", ""]
    lines += [rule.explanation, ""] if rule.explanation else []
    lines += [f"severity: {_SEVERITIES[rule.severity]}", f"kind: {rule.kind}", f"since: interface {rule.since}"]
    if rule.needs:
        names = ", ".join(need.name for need in rule.needs)
        lines.append(f"needs: {names}; where that is not declared, the same calls must raise Unsupported")
    if rule.hooks:
        lines.append(f"untested where the harness has no {' and no '.join(rule.hooks)}")
    if rule.advisory:
        lines.append("an advisory: it never fails a run")
    lines.append(f"body: {method.__module__}.{method.__qualname__}, line {inspect.getsourcelines(method)[1]}")
    return "\n".join(lines)

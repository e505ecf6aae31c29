"""Rules for people."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from dovetail_conformance.contract import Contract
from dovetail_conformance.crosscutting.contract import CrossCutting
from dovetail_conformance.reasons import reason
from dovetail_conformance.rules import Rule

SEVERITIES = {
    1: "1 (data loss, a silent wrong result, or security)",
    2: "2 (a hang, a leak, lost work, or a stuck state)",
    3: "3 (usability)",
}


def explanation(contract: type[Contract], rule: Rule) -> str:
    """Return what a rule says, why, what its body does, what it needs, and where its body is."""
    method = getattr(contract, rule.method)
    asked_of = "every type" if hasattr(CrossCutting, rule.method) else contract.component_type
    lines = [f"{rule.id} ({asked_of}): {rule.text}", ""]
    lines += [rule.explanation, ""] if rule.explanation else []
    if why := reason(rule, method):
        lines += [f"who is hurt where it does not hold: {why.hurts}", *(f"  seen in {report}" for report in why.seen)]
        lines += [f"page: rules/{rule.id}/ of the documentation", ""]
    if steps := steps_of(method):
        lines += ["what its body does:", *(f"  {step}" for step in steps), ""]
    lines += [f"severity: {SEVERITIES[rule.severity]}", f"kind: {rule.kind}", f"since: interface {rule.since}"]
    if rule.needs:
        names = ", ".join(need.name for need in rule.needs)
        lines.append(f"needs: {names}; where that is not declared, the same calls must raise Unsupported")
    if rule.hooks:
        lines.append(f"untested where the harness has no {' and no '.join(rule.hooks)}")
    if rule.advisory:
        lines.append("an advisory: it never fails a run")
    lines.append(f"body: {method.__module__}.{method.__qualname__}")
    lines.append(f"file: {inspect.getsourcefile(method)}, line {inspect.getsourcelines(method)[1]}")
    return "\n".join(lines)


def steps_of(method: Callable[..., object]) -> list[str]:
    """Return what a body says that it does, each step once."""
    return list(dict.fromkeys(_steps(method)))


def _steps(method: Callable[..., object]) -> Iterator[str]:
    """Yield what a body says that it did where it fails, in the order of its lines; what differs from case to case is in braces."""
    values: list[ast.expr] = []
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(method)))):
        match node:
            case ast.keyword(arg="did", value=value) | ast.Assign(targets=[ast.Name(id="did")], value=value):
                values.append(value)
    for value in sorted(values, key=lambda value: (value.lineno, value.col_offset)):
        if text := _text(value):
            yield text


def _text(value: Any) -> str:
    """Return a literal text with its fields as they are written, or nothing for what is no literal."""
    match value:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part) for part in parts)
        case ast.FormattedValue(value=inner):
            return f"{{{ast.unparse(inner)}}}"
    return ""

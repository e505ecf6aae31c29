"""The badge: the JSON that shields.io reads from an endpoint (its documentation, "Endpoint Badge")."""

from __future__ import annotations

from typing import Any

from dovetail_conformance.report.grading import grade
from dovetail_conformance.report.model import Report

_COLORS = {"none": "red", "bronze": "cd7f32", "silver": "silver", "gold": "gold"}


def badge(report: Report, lowest: Report | None = None) -> dict[str, Any]:
    """Return the badge of a report; arguments as of `grade`."""
    tier = grade(report, lowest).tier
    message = tier if tier != "none" else "not conformant" if not report.good else "ungraded"
    return {"schemaVersion": 1, "label": f"dovetail {report.flavor.type}", "message": message, "color": _COLORS[tier]}

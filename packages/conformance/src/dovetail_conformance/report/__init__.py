"""Reports: what a run said of every rule, in forms for programs and for people, and the tier that it earns."""

from dovetail_conformance.report.grading import Grade, grade, lacking
from dovetail_conformance.report.lowest import lowest_problems
from dovetail_conformance.report.model import DeviationInfo, FlavorInfo, Report, RuleResult, json_schema
from dovetail_conformance.report.package import PackageCheck, RequirementInfo
from dovetail_conformance.report.storing import read, write

__all__ = [
    "DeviationInfo",
    "FlavorInfo",
    "Grade",
    "PackageCheck",
    "Report",
    "RequirementInfo",
    "RuleResult",
    "grade",
    "json_schema",
    "lacking",
    "lowest_problems",
    "read",
    "write",
]

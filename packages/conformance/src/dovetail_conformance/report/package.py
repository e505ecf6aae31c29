"""What a report says of the package that offers the flavor: what is checked of it, and the versions of what it depends on."""

from __future__ import annotations

from typing import Literal

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from dovetail_conformance.report.base import Model

_LOWER = (">=", "~=", "==", "===", ">")


class PackageCheck(Model):
    """One thing that is asked of a flavor's package."""

    name: str
    tier: Literal["bronze", "gold"]
    """The tier that it is needed for."""
    holds: bool
    detail: str
    """What does not hold, or nothing."""


class RequirementInfo(Model):
    """A requirement of the flavor's package, and what is installed."""

    name: str
    specifier: str
    """As the package's metadata give it, such as `>=1.37,<2`; empty if any version will do."""
    installed: str
    """Version; empty if it is not installed."""


def lower_bound(specifier: str) -> Version | None:
    """Return the version with which what a specifier allows begins, even if it leaves out that one; None if it gives none."""
    bounds = [Version(part.version.removesuffix(".*")) for part in SpecifierSet(specifier) if part.operator in _LOWER]
    return max(bounds, default=None)


def upper_bound(specifier: str) -> bool:
    """Tell whether a specifier ends somewhere."""
    return any(part.operator in ("<", "<=", "~=", "==", "===") for part in SpecifierSet(specifier))


def above_lowest(requirement: RequirementInfo) -> str:
    """Return why what is installed is not the lowest version that is allowed, or nothing."""
    bound = lower_bound(requirement.specifier)
    if bound is None:
        return f"{requirement.name} has no lower bound"
    if not SpecifierSet(requirement.specifier).contains(bound, prereleases=True):
        return f"{requirement.name} {requirement.specifier} leaves out its own bound: state the lowest version with >="
    if not requirement.installed:
        return f"{requirement.name} is not installed"
    if Version(requirement.installed) != bound:
        return f"{requirement.name} {requirement.installed} is installed, and the lowest that is allowed is {bound}"
    return ""

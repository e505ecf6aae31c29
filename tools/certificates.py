"""Certificates: reports of the conformance suite that the catalogue shows, and why one is not accepted.

A certificate is `docs/site/certificates/<type>/<flavor>/report.json`, as a certified run wrote it, and beside it, where there is one, the
report of a run with the lowest versions of what the package requires, `lowest.json`. It stands among the pages of the site because it is
published with them; the page and the badge beside it are made from it when the site is built, and are never committed.

A contract gains rules. A certificate that was accepted and does not speak of them is out of date, and is shown to be, until it is renewed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from workspace import Workspace

from dovetail_conformance import targets
from dovetail_conformance.report import Grade, Report, grade, read
from dovetail_conformance.report.badge import badge
from dovetail_conformance.report.page import page
from dovetail_core.errors import DovetailError

PLACE = Path("docs") / "site" / "certificates"
REPORT = "report.json"
LOWEST = "lowest.json"
MADE = ("report.html", "badge.json")
"""What is made from the report."""


@dataclass(frozen=True)
class Certificate:
    """A folder with a report."""

    folder: Path

    @property
    def target(self) -> tuple[str, str]:
        """The type and flavor that the folder stands for."""
        return self.folder.parent.name, self.folder.name

    def report(self) -> Report:
        """Return the report. Raises `ConfigError` for a file that holds none."""
        return read(self.folder / REPORT)

    def lowest(self) -> Report | None:
        """Return the report of the run with the lowest versions, if it is there. Raises `ConfigError` for a file that holds none."""
        file = self.folder / LOWEST
        return read(file) if file.exists() else None

    def grade(self) -> Grade:
        """Return the tier that the report earns, with that on the lowest versions if it is there. Raises `ConfigError`."""
        return grade(self.report(), self.lowest())

    def publish(self) -> None:
        """Write the page and the badge beside the report; both tell the tier of `grade`."""
        report, lowest = self.report(), self.lowest()
        (self.folder / "report.html").write_text(page(report, lowest), "utf-8")
        (self.folder / "badge.json").write_text(json.dumps(badge(report, lowest)), "utf-8")


def certificates(root: Path) -> list[Certificate]:
    """Return the certificates of a repository, sorted by type and flavor."""
    return [Certificate(file.parent) for file in sorted((root / PLACE).glob(f"*/*/{REPORT}"))]


def refusals(certificate: Certificate, workspace: Workspace) -> list[str]:
    """Return why a new certificate is not accepted; nothing if it is.

    What cannot be told from a report is whether its run took place: its command is in it, and a reviewer repeats that.
    """
    return [*faults(certificate, workspace), *outdated(certificate)]


def faults(certificate: Certificate, workspace: Workspace) -> list[str]:
    """Return why a certificate may not stand in the repository, however old it is."""
    try:
        report, graded = certificate.report(), certificate.grade()
        data: dict[str, Any] = json.loads((certificate.folder / REPORT).read_text("utf-8"))
    except DovetailError as error:
        return [str(error)]
    found = [*_place(certificate, report), *_package(report, workspace), *_run(report, data)]
    if graded.tier == "none" and not outdated(certificate):
        found += [f"it earns no tier: {reason}" for reason in graded.missing]
    return found


def outdated(certificate: Certificate) -> list[str]:
    """Return what a certificate does not say of the contract as it is now. A rule that a later interface brought need not be there."""
    try:
        report = certificate.report()
    except DovetailError:
        return []  # a fault
    try:
        rules = targets.contract(report.flavor.type).rules
    except DovetailError as error:
        return [str(error)]
    found, asked = [], {rule.id for rule in report.rules}
    if report.package is None:
        found.append("it says nothing of the flavor's package: run it again")
    if unknown := sorted(asked - rules.keys()):
        found.append(f"the contract has no rule {', '.join(unknown)}: it was run with another version of {report.flavor.type}'s package")
    written_for = _version(report.interface)
    if missing := sorted(id for id, rule in rules.items() if id not in asked and _version(rule.since) <= written_for):
        found.append(f"interface {report.interface} has rules that it does not speak of: {', '.join(missing)}: run it again")
    return found


def _place(certificate: Certificate, report: Report) -> Iterator[str]:
    kind, flavor = certificate.target
    if (report.flavor.type, report.flavor.name) != (kind, flavor):
        yield f"the report is about {report.flavor.type}/{report.flavor.name}, and its folder is {kind}/{flavor}"
    others = sorted(path.name for path in certificate.folder.iterdir() if path.name not in (REPORT, LOWEST, *MADE))
    if others:
        yield f"a certificate is {REPORT}, and {LOWEST} where there is one: remove {', '.join(others)}"


def _package(report: Report, workspace: Workspace) -> Iterator[str]:
    flavor = report.flavor
    name = canonicalize_name(flavor.distribution)
    if not name:
        yield "no package offers the flavor (it was run with --harness): publish it, and run it as it is installed"
        return
    ours = {package.distribution: package for package in workspace.packages.values()}
    owner = next((package for package in ours.values() if (flavor.type, flavor.name) in package.flavors()), None)
    if owner is not None and owner.distribution != name:
        yield f"{flavor.type}/{flavor.name} is offered by {owner.distribution}, and this is {name}: give the flavor another name"
    if owner is None and name in ours:
        yield f"{name} is a package of this repository and offers no {flavor.type}/{flavor.name}"
    if owner is not None and _version(flavor.version) > owner.version:
        yield f"it is about {name} {flavor.version}, and this tree has {owner.version}"


def _run(report: Report, data: dict[str, Any]) -> Iterator[str]:
    if not report.certified:
        yield f"the run is not certified: dovetail conformance run {report.flavor.type}/{report.flavor.name} --certify --effort full --report DIR"
    if data.get("summary") != report.summary:
        yield "its summary is not what its rules add up to: it was edited"
    if report.started > datetime.now(UTC):
        yield f"it was run in the future, at {report.started.isoformat()}"


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")

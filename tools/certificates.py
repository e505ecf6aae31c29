"""Certificates: reports of the conformance suite that the catalogue shows, and why one is not accepted.

A certificate is `docs/site/certificates/<type>/<flavor>/report.json`, as a certified run wrote it. It stands among the pages of the site
because it is published with them; the page and the badge beside it are made from it when the site is built, and are never committed.
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
from dovetail_conformance.report import Report, grade, read
from dovetail_conformance.report.badge import badge
from dovetail_conformance.report.page import page
from dovetail_core.errors import DovetailError

PLACE = Path("docs") / "site" / "certificates"
REPORT = "report.json"
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

    def publish(self) -> None:
        """Write the page and the badge beside the report."""
        report = self.report()
        (self.folder / "report.html").write_text(page(report), "utf-8")
        (self.folder / "badge.json").write_text(json.dumps(badge(report)), "utf-8")


def certificates(root: Path) -> list[Certificate]:
    """Return the certificates of a repository, sorted by type and flavor."""
    return [Certificate(file.parent) for file in sorted((root / PLACE).glob(f"*/*/{REPORT}"))]


def refusals(certificate: Certificate, workspace: Workspace) -> list[str]:
    """Return why a certificate is not accepted; nothing if it is.

    What cannot be told from a report is whether its run took place: its command is in it, and a reviewer repeats that.
    """
    try:
        report = certificate.report()
        data: dict[str, Any] = json.loads((certificate.folder / REPORT).read_text("utf-8"))
    except DovetailError as error:
        return [str(error)]
    found = [*_place(certificate, report), *_package(report, workspace), *_run(report, data)]
    return found + list(_rules(report))


def _place(certificate: Certificate, report: Report) -> Iterator[str]:
    kind, flavor = certificate.target
    if (report.flavor.type, report.flavor.name) != (kind, flavor):
        yield f"the report is about {report.flavor.type}/{report.flavor.name}, and its folder is {kind}/{flavor}"
    others = sorted(path.name for path in certificate.folder.iterdir() if path.name not in (REPORT, *MADE))
    if others:
        yield f"a certificate is {REPORT} alone: remove {', '.join(others)}"


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
    graded = grade(report)
    if graded.tier == "none":
        yield from (f"it earns no tier: {reason}" for reason in graded.missing)


def _rules(report: Report) -> Iterator[str]:
    """Yield where the rules are not those of the contract. A rule that a later interface brought need not be there."""
    try:
        rules = targets.contract(report.flavor.type).rules
    except DovetailError as error:
        yield str(error)
        return
    asked = {rule.id for rule in report.rules}
    if unknown := sorted(asked - rules.keys()):
        yield f"the contract has no rule {', '.join(unknown)}: it was run with another version of {report.flavor.type}'s package"
    written_for = _version(report.interface)
    if missing := sorted(id for id, rule in rules.items() if id not in asked and _version(rule.since) <= written_for):
        yield f"interface {report.interface} has rules that it does not speak of: {', '.join(missing)}: run it again"


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")

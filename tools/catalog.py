"""The catalogue of flavors: a table in the README and in the documentation, from the packages and the certificates; and in the README of
each package with one flavor the table of its capabilities.

python tools/catalog.py                    write the tables
python tools/catalog.py --check            say whether they are up to date
python tools/catalog.py --accept FOLDER    say whether a certificate is accepted, or why not
python tools/catalog.py --site             make the pages and badges of the certificates, for the site
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from certificates import PLACE, Certificate, certificates, faults, outdated, refusals
from workspace import ROOT, Workspace

from dovetail_conformance import capability_table
from dovetail_conformance.outcomes import Outcome
from dovetail_core.flavors import FlavorCatalog

BEGIN = "<!-- flavors: made by nox -s catalog -->"
END = "<!-- end of flavors -->"
HEADINGS = ("flavor", "type", "package", "version", "tier", "interface", "capabilities")
_BLOCK = re.compile(rf"{BEGIN}\n.*?{END}", re.DOTALL)
_SHOWN = (Outcome.PASSED, Outcome.DEVIATION, Outcome.ADVISORY)
"""Outcomes of a rule that was asked about a capability that is declared."""


@dataclass(frozen=True, order=True)
class Row:
    """A flavor, as the table shows it."""

    type: str
    flavor: str
    package: str
    version: str
    interface: str
    capabilities: tuple[str, ...] | None
    """None: it depends on the settings."""
    folder: str = ""
    """Folder of the package below the root; empty for a package of somebody else."""
    tier: str = ""
    certified: str = ""
    """Version that the certificate is about."""

    def cells(self, root: str, report: str) -> Iterator[str]:
        """Yield the cells. `root` leads to the root of the repository, or is empty where that cannot be linked; `report` to a report."""
        yield f"`{self.flavor}`"
        yield f"`{self.type}`"
        yield f"[{self.package}]({root}{self.folder})" if self.folder and root else self.package
        yield self.version
        about = f" ({self.certified})" if self.certified != self.version else ""
        yield f"[{self.tier}]({report.format(self.type, self.flavor)}){about}" if self.tier else "not certified"
        yield self.interface
        yield "depends on the settings" if self.capabilities is None else ", ".join(self.capabilities) or "none"


def rows(workspace: Workspace) -> list[Row]:
    """Return a row per flavor of the repository, and per certificate of somebody else's, sorted by type and flavor."""
    certified = {certificate.target: certificate for certificate in certificates(workspace.root)}
    own = {(row.type, row.flavor): row for row in _own(workspace, certified)}
    others = [_other(certificate) for target, certificate in certified.items() if target not in own]
    return sorted([*own.values(), *others], key=lambda row: (row.type, row.flavor))


def _own(workspace: Workspace, certified: dict[tuple[str, str], Certificate]) -> Iterator[Row]:
    catalog = FlavorCatalog()
    for package in workspace.packages.values():
        folder = package.folder.relative_to(workspace.root).as_posix()
        for kind, name in package.flavors():
            flavor, certificate = catalog.load(kind, name), certified.get((kind, name))
            declared = flavor.capabilities
            capabilities = tuple(sorted(each.name for each in declared)) if isinstance(declared, frozenset) else None
            tier, about = (_tier(certificate), certificate.report().flavor.version) if certificate else ("", "")
            yield Row(kind, name, package.distribution, str(package.version), flavor.interface, capabilities, folder, tier, about)


def _tier(certificate: Certificate) -> str:
    return "out of date" if outdated(certificate) else certificate.grade().tier


def _other(certificate: Certificate) -> Row:
    report = certificate.report()
    flavor = report.flavor
    absent = {need for rule in report.of(Outcome.ABSENT) for need in rule.needs}
    shown = {need for rule in report.of(*_SHOWN) for need in rule.needs}
    row = Row(flavor.type, flavor.name, flavor.distribution, flavor.version, report.interface, tuple(sorted(shown - absent)))
    return replace(row, tier=_tier(certificate), certified=flavor.version)


def table(found: Iterable[Row], root: str, report: str) -> str:
    """Return a table of flavors as Markdown, with links as `Row.cells` takes them."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *(row.cells(root, report) for row in found)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def pages(workspace: Workspace) -> dict[Path, str]:
    """Return the text that each file with a table should have. Raises `ValueError` for a file without the table's place."""
    found = rows(workspace)
    tables = {
        workspace.root / "README.md": table(found, "./", f"{PLACE.as_posix()}/{{}}/{{}}/report.json"),
        workspace.root / "docs" / "site" / "flavors.md": table(found, "", "certificates/{}/{}/report.html"),
    }
    texts: dict[Path, str] = {}
    for file, made in tables.items():
        text = file.read_text("utf-8")
        if len(_BLOCK.findall(text)) != 1:
            raise ValueError(f"{file} should have one place for the table, between {BEGIN} and {END}")
        texts[file] = _BLOCK.sub(lambda _, made=made: f"{BEGIN}\n{made}{END}", text)  # type: ignore[misc]
    return {**texts, **_capabilities(workspace)}


def _capabilities(workspace: Workspace) -> dict[Path, str]:
    """Return the READMEs of packages with one flavor, with the table of its capabilities."""
    texts: dict[Path, str] = {}
    for package in workspace.packages.values():
        if len(flavors := list(package.flavors())) == 1:
            file = package.folder / "README.md"
            texts[file] = capability_table.updated(file.read_text("utf-8"), FlavorCatalog().load(*flavors[0]))
    return texts


def accept(folder: Path, workspace: Workspace) -> bool:
    """Print whether a certificate is accepted, or why not, and return it."""
    certificate = Certificate(folder.resolve())
    reasons = refusals(certificate, workspace)
    for reason in reasons:
        print(f"refused: {'/'.join(certificate.target)}: {reason}")
    if not reasons:
        flavor = certificate.report().flavor
        print(f"accepted: {'/'.join(certificate.target)} of {flavor.distribution} {flavor.version}: {certificate.grade().tier}")
    return not reasons


def stand(workspace: Workspace) -> bool:
    """Print what is wrong with the certificates of the repository, and which are out of date; return whether all may stand."""
    good = True
    for certificate in certificates(workspace.root):
        name, found = "/".join(certificate.target), faults(certificate, workspace)
        for fault in found:
            print(f"refused: {name}: {fault}")
        if not found and outdated(certificate):
            print(f"out of date: {name}: nox -s certify -- {name}")
        good = good and not found
    return good


def main(arguments: list[str] | None = None) -> int:
    """Do what is asked and return the exit code."""
    parser = argparse.ArgumentParser(description="Make the catalogue of flavors, or judge certificates.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="write nothing; say what is not up to date, and what is not accepted")
    what.add_argument("--accept", type=Path, nargs="+", metavar="FOLDER", help="say whether these certificates are accepted")
    what.add_argument("--site", action="store_true", help="make the pages and badges of the certificates")
    given = parser.parse_args(arguments)
    workspace = Workspace(ROOT)
    if given.site:
        for certificate in certificates(ROOT):
            certificate.publish()
        return 0
    if given.accept:
        return 0 if all([accept(folder, workspace) for folder in given.accept]) else 1
    if not stand(workspace):
        return 1
    stale = {file: text for file, text in pages(workspace).items() if text != file.read_text("utf-8")}
    for file, text in stale.items():
        print(f"{file.relative_to(ROOT)} {'is not up to date: nox -s catalog' if given.check else 'was written'}", file=sys.stderr)
        if not given.check:
            file.write_text(text, "utf-8")
    return 1 if stale and given.check else 0


if __name__ == "__main__":
    raise SystemExit(main())

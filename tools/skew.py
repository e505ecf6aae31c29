"""Tries packages with other versions of their siblings than those that stand beside them.

python tools/skew.py [PACKAGE ...] [--load] [--root DIR]

- released x this tree: the last release of a package, with this tree's siblings: what a user gets who upgrades the core only.
- this tree x lowest: the package of this tree, with the lowest released siblings that its bounds allow: what a user gets who upgrades it only.

In each pair the package imports, every public name of it exists, its flavors load, and keep the rules of their contract at quick effort
(`--load` asks no rules). Versions that the bounds keep apart are no fault: that is what bounds are for. Releases are told from tags, and
built from what was tagged.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import wheels
from environments import Environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from released import Releases
from workspace import ROOT, Package, Workspace

PROOF = Path(__file__).with_name("proof.py")
EXTRA = "conformance"


@dataclass(frozen=True)
class Pair:
    """A package, and the siblings that it is tried with; or why it is not."""

    title: str
    package: Package
    siblings: tuple[Package, ...] = ()
    reason: str = ""
    rules: bool = True
    """Whether the siblings include what its rules need."""


class Skew:
    """The pairs of a repository's packages."""

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self.workspace = workspace
        self.releases = Releases(workspace.root)
        self.folder = folder

    def pairs(self, package: Package) -> Iterator[Pair]:
        """Yield what is to be tried with a package."""
        if self.workspace.siblings(package):
            yield self._released_with_tree(package)
            yield self._tree_with_lowest(package)

    def _released_with_tree(self, package: Package) -> Pair:
        latest = self.releases.latest(package)
        if latest is None:
            return Pair(f"{package.distribution} released x this tree", package, reason="it was never released")
        old = self._at(package, latest)
        title = f"{package.distribution} {latest} released x this tree"
        chosen: dict[str, Package] = {}
        for requirement in _required(old, rules=True):
            sibling = self._sibling(requirement)
            if sibling and sibling.version not in requirement.specifier:
                return Pair(title, old, reason=f"kept apart: it requires {requirement}, and this is {sibling.version}")
            if sibling:
                chosen |= {each.distribution: each for each in [sibling, *self._all(sibling)]}
        return Pair(title, old, tuple(chosen.values()))

    def _tree_with_lowest(self, package: Package) -> Pair:
        title = f"{package.distribution} of this tree x lowest"
        for rules in (True, False):
            chosen, lacking = self._lowest(package, rules)
            if not lacking:
                names = ", ".join(f"{each.distribution} {each.version}" for each in chosen)
                return Pair(f"{title} ({names})", package, tuple(chosen), rules=rules)
        return Pair(title, package, reason=f"no release satisfies {lacking}")

    def _lowest(self, package: Package, rules: bool) -> tuple[list[Package], str]:
        """Return the lowest releases that satisfy a package and each other, or the requirement that none satisfies."""
        wanted: dict[str, SpecifierSet] = {}
        chosen: list[Package] = []
        _demand(wanted, _required(package, rules))
        for sibling in reversed(self.workspace.packages.values()):  # a package's dependents all come before it
            if sibling.distribution in wanted and sibling.distribution != package.distribution:
                specifier = wanted[sibling.distribution]
                versions = [each for each in self.releases.versions(sibling) if each in specifier]
                if not versions:
                    return [], f"{sibling.distribution}{specifier}"
                chosen.append(self._at(sibling, versions[0]))
                _demand(wanted, _required(chosen[-1], rules))
        return chosen, ""

    def _sibling(self, requirement: Requirement) -> Package | None:
        name = canonicalize_name(requirement.name)
        return next((each for each in self.workspace.packages.values() if each.distribution == name), None)

    def _all(self, package: Package) -> Iterator[Package]:
        for requirement in _required(package, rules=True):
            if sibling := self._sibling(requirement):
                yield sibling
                yield from self._all(sibling)

    def _at(self, package: Package, version: Version) -> Package:
        place = self.folder / "released" / f"{package.name}-{version}"
        if not place.is_dir():
            self.releases.folder(package, version, place)
        return Package(place / "packages" / package.name)

    def attempt(self, pair: Pair, *, rules: bool) -> str:
        """Try a pair, and return what was seen. Raises `CalledProcessError` with what is wrong."""
        environment = Environment(Path(tempfile.mkdtemp(dir=self.folder)) / "env")
        wheel, *others = [self._wheel(each) for each in (pair.package, *pair.siblings)]
        asked = rules and pair.rules and EXTRA in pair.package.extras
        extra = f"[{EXTRA}]" if asked else ""
        name = pair.package.distribution
        environment.install(f"{name}{extra} @ {wheel.as_uri()}", constraints=map(wheels.pinned, others))
        seen = environment.run("-I", PROOF, "-", name).strip()
        for kind, flavor in pair.package.flavors() if asked else ():
            environment.run("-m", "dovetail_conformance", "run", f"{kind}/{flavor}", "--effort=quick", "--workers=2")
            seen += f"; {kind}/{flavor} keeps its contract"
        return seen

    def _wheel(self, package: Package) -> Path:
        out = self.folder / "wheels" / ("tree" if self.workspace.root in package.folder.parents else package.folder.parents[1].name)
        made = list((out / package.name).glob("*.whl"))
        return made[0] if made else wheels.build(package.folder, out, sdist=False)


def _required(package: Package, rules: bool) -> list[Requirement]:
    return [*package.requirements, *(package.extras.get(EXTRA, []) if rules else [])]


def _demand(wanted: dict[str, SpecifierSet], requirements: list[Requirement]) -> None:
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        wanted[name] = wanted.get(name, SpecifierSet()) & requirement.specifier


def main(arguments: list[str] | None = None) -> int:
    """Try the pairs of some packages, or of all, and return the exit code."""
    parser = argparse.ArgumentParser(description="Try packages with other versions of their siblings.")
    parser.add_argument("packages", nargs="*")
    parser.add_argument("--load", action="store_true", help="ask no rules")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository; default: this one")
    given = parser.parse_args(arguments)
    workspace, broken = Workspace(given.root.resolve()), 0
    chosen = [workspace[name] for name in given.packages] or list(workspace.packages.values())
    with tempfile.TemporaryDirectory(prefix="dovetail-skew-") as folder:
        skew = Skew(workspace, Path(folder))
        for pair in (pair for package in chosen for pair in skew.pairs(package)):
            if pair.reason:
                print(f"not tried: {pair.title}: {pair.reason}", flush=True)
                continue
            try:
                print(f"fits: {pair.title}: {skew.attempt(pair, rules=not given.load)}", flush=True)
            except subprocess.CalledProcessError as error:
                broken += 1
                print(f"BROKEN: {pair.title}:\n{error.stdout}{error.stderr}".rstrip(), flush=True)
    if broken:
        print(
            "A broken pair that the bounds allow reaches users: mend it, or make the version a major and the bounds exclude it.",
            file=sys.stderr,
        )
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())

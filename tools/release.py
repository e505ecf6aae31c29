"""Prepares the release of one package: its version, its changelog, and the bounds that its dependents put on it.

python tools/release.py PACKAGE major|minor|patch [--check] [--judged] [--root DIR] [--lowest FILE]

Refuses, with all reasons at once and before anything is changed: a tree with changes, a package without a fragment in `changes/`, a
version that is too small for what changed since the last release or may be and was not judged, an interface whose own version did not rise, lower bounds that
`nox -s lowest` did not test, siblings that are not released. The release itself is a tag on the merged change; this prints its name.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import bounds
import interfaces
import lowest
from interfaces import ComponentTypeInfo, Finding
from members import Level
from packaging.utils import canonicalize_name
from packaging.version import Version
from released import Releases
from workspace import ROOT, Package, Workspace

FRAGMENT = re.compile(r"[\w.+-]+\.(added|changed|fixed|removed)\.md")


@dataclass
class Release:
    """A release that is prepared, and what speaks against it."""

    package: Package
    level: Level
    before: Version | None
    version: Version
    findings: list[Finding] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    @property
    def breaking(self) -> bool:
        """Whether it may break its dependents: before 1.0, a minor can."""
        return self.level is Level.MAJOR or any(each.level is Level.MAJOR for each in self.findings)


def prepared(workspace: Workspace, package: Package, level: Level, record: lowest.Record, *, judged: bool = False) -> Release:
    """Return the release of a package, with whatever speaks against it; nothing is changed.

    `judged` says that a person has looked at what no program can tell, and found the step large enough.
    """
    releases = Releases(workspace.root)
    before = releases.latest(package)
    release = Release(package, level, before, package.version if before is None else following(before, level))
    release.refusals += _tree(releases, package, before)
    release.refusals += _fragments(package)
    if before is not None:
        with tempfile.TemporaryDirectory() as folder:
            old = releases.folder(package, before, Path(folder))
            release.findings, refusals = _compared(package, Package(old), before, level, judged)
        release.refusals += refusals
    release.refusals += lowest.untested(package, record, {each.distribution for each in workspace.packages.values()})
    release.refusals += _siblings(workspace, releases, package)
    return release


def following(version: Version, level: Level) -> Version:
    """Return the next version. A first major of 0 is a number like any other: interfaces are promised from their first release on."""
    steps = {
        Level.MAJOR: f"{version.major + 1}.0.0",
        Level.MINOR: f"{version.major}.{version.minor + 1}.0",
        Level.PATCH: f"{version.major}.{version.minor}.{version.micro + 1}",
    }
    return Version(steps[level])


def _tree(releases: Releases, package: Package, before: Version | None) -> Iterator[str]:
    if changes := releases.git("status", "--porcelain").splitlines():
        yield f"the tree is not clean ({changes[0].strip()}{', and more' if len(changes) > 1 else ''}): commit, or put it aside"
    if before is not None and package.version != before:
        yield f"pyproject.toml says {package.version}, and the last release is {before}: this tool sets the version"


def _fragments(package: Package) -> Iterator[str]:
    names = sorted(path.name for path in (package.folder / "changes").glob("*") if path.name != ".gitkeep")
    if not names:
        yield f"packages/{package.name}/changes has no fragment: say there what users will see"
    for name in names:
        if not FRAGMENT.fullmatch(name):
            yield f"packages/{package.name}/changes/{name} is no fragment: name it <something>.<added|changed|fixed|removed>.md"


def _compared(package: Package, old: Package, before: Version, level: Level, judged: bool) -> tuple[list[Finding], list[str]]:
    """Return what changed since a release, and why that may not be released with a step of this size."""
    then = interfaces.load(package.import_name, old.folder / "src")
    now = interfaces.load(package.import_name, package.folder / "src")
    types = _types(old)
    findings = interfaces.compare(then, now, types)
    refusals = [*_too_small(findings, before, level, judged), *_numbers(types, _types(package), findings)]
    return findings, refusals


def _too_small(findings: list[Finding], before: Version, level: Level, judged: bool) -> Iterator[str]:
    for each in findings:
        if (demanded := _demanded(each, before)) > level:
            yield f"{each}: release it as {demanded.name.lower()}"
        elif each.judge and not judged and _demanded(replace(each, level=Level.MAJOR), before) > level:
            yield f"{each}: say --judged if {level.name.lower()} is enough"


def _types(package: Package) -> list[ComponentTypeInfo]:
    points = package.entry_points.get("dovetail.component_types.v1", {})
    return list(interfaces.component_types(interfaces.load(package.import_name, package.folder / "src"), points.values()))


def _demanded(finding: Finding, before: Version) -> Level:
    """Return the least step for a change. Before 1.0, what breaks callers of the rest of the API is a minor; an interface never is."""
    softened = finding.level is Level.MAJOR and not finding.interface and before.major == 0
    return Level.MINOR if softened else finding.level


def _numbers(old: list[ComponentTypeInfo], new: list[ComponentTypeInfo], findings: list[Finding]) -> Iterator[str]:
    """Yield the interfaces that changed and whose version, which flavors state, did not rise with it."""
    now = {kind.name: kind.interface for kind in new}
    for kind in old:
        changed = max((each.level for each in findings if each.interface == kind.name), default=Level.PATCH)
        major, minor = kind.interface
        least = {Level.PATCH: (major, minor), Level.MINOR: (major, minor + 1), Level.MAJOR: (major + 1, 0)}[changed]
        if kind.name not in now:
            yield f"the component type {kind.name} is gone"
        elif now[kind.name] < least:
            said = ".".join(map(str, now[kind.name]))
            yield f"the interface of {kind.name} changed and is still {said}: set `interface` of its ComponentType to {least[0]}.{least[1]}"


def _siblings(workspace: Workspace, releases: Releases, package: Package) -> Iterator[str]:
    known = {each.distribution: each for each in workspace.packages.values() if each.distribution != package.distribution}
    for requirement in [*package.requirements, *(each for extra in package.extras.values() for each in extra)]:
        if sibling := known.get(canonicalize_name(requirement.name)):
            stated = [Version(each.version) for each in requirement.specifier if each.operator == ">="]
            versions = releases.versions(sibling)
            if not versions:
                yield f"{sibling.distribution} is not released: release it first"
            elif not set(stated) & set(versions):
                yield f"{requirement}: that lowest version was not released; there are {', '.join(map(str, versions))}"


def apply(workspace: Workspace, release: Release) -> list[Path]:
    """Write the version, the changelog, and the bounds of dependents; return the files that changed."""
    package, version = release.package, release.version
    bounds.rewrite(package.folder / "pyproject.toml", version=version)
    changed = [package.folder / "pyproject.toml", package.folder / "CHANGELOG.md"]
    for each in bounds.excluding(workspace, package, version, breaking=release.breaking):
        pyproject = each.package.folder / "pyproject.toml"
        bounds.rewrite(pyproject, requirements={each.old: each.new})
        fragment = each.package.folder / "changes" / f"{package.distribution}-{version}.changed.md"
        fragment.parent.mkdir(exist_ok=True)
        fragment.write_text(f"Works with {package.distribution} {version}.\n", "utf-8")
        changed += [pyproject, fragment]
    command = [sys.executable, "-m", "towncrier", "build", "--yes", f"--version={version}", f"--dir={package.folder}"]
    subprocess.run([*command, f"--config={workspace.root / 'pyproject.toml'}"], cwd=workspace.root, check=True, capture_output=True)
    keep = package.folder / "changes" / ".gitkeep"
    keep.parent.mkdir(exist_ok=True)
    keep.touch()  # git keeps no empty folder, and every package has this one
    return list(dict.fromkeys(changed))


def main(arguments: list[str] | None = None) -> int:
    """Prepare a release, or say why not, and return the exit code."""
    parser = argparse.ArgumentParser(description="Prepare the release of a package.")
    parser.add_argument("package")
    parser.add_argument("level", choices=[level.name.lower() for level in Level])
    parser.add_argument("--check", action="store_true", help="change nothing")
    parser.add_argument("--judged", action="store_true", help="what is for a person to judge was judged: the step is large enough")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository; default: this one")
    parser.add_argument("--lowest", type=Path, help="record of nox -s lowest; default: where the session leaves it")
    given = parser.parse_args(arguments)
    root: Path = given.root.resolve()
    workspace = Workspace(root)
    try:
        package = workspace[given.package]
    except LookupError as error:
        parser.error(str(error))
    record = lowest.read(given.lowest or root / lowest.RECORD.relative_to(ROOT))
    release = prepared(workspace, package, Level[given.level.upper()], record, judged=given.judged)
    print(f"{package.distribution}: {release.before or 'never released'} -> {release.version}")
    for finding in release.findings:
        print(f"  {finding}")
    if release.refusals:
        for reason in release.refusals:
            print(f"refused: {reason}", file=sys.stderr)
        return 1
    if not given.check:
        changed = apply(workspace, release)
        print("changed:", *(str(path.relative_to(root)) for path in changed), sep="\n  ")
        print(f'now: git add --all; git commit -m "{package.distribution} {release.version}", and once that is merged:')
    print(f"tag: {package.tag(release.version)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

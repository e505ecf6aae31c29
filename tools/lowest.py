"""The record of what `nox -s lowest` installed and tested, so that a release states only lower bounds that were.

python tools/lowest.py FILE PACKAGE[EXTRA,...] ...     in the session's environment, after its tests passed
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from workspace import ROOT, Package, Workspace

RECORD = ROOT / ".nox" / "lowest" / "tmp" / "lowest.json"
"""Where the session leaves its record."""


@dataclass
class Record:
    """What was tested: the state of each package, with these extras, and the versions that were installed."""

    states: dict[str, str] = field(default_factory=dict)
    extras: dict[str, list[str]] = field(default_factory=dict)
    installed: dict[str, str] = field(default_factory=dict)


def state(package: Package) -> str:
    """Return a digest of what a package requires and runs; its prose is left out."""
    digest = hashlib.sha256()
    for file in [package.folder / "pyproject.toml", *sorted((package.folder / "src").rglob("*"))]:
        if file.is_file() and "__pycache__" not in file.parts:
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            digest.update(f"{file.relative_to(package.folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def read(file: Path) -> Record:
    """Return the record in a file; an empty one if there is none."""
    return Record(**json.loads(file.read_text("utf-8"))) if file.is_file() else Record()


def untested(package: Package, record: Record, siblings: set[str]) -> Iterator[str]:
    """Yield why the lower bounds of a package are not known to be right; those of siblings are for `tools/skew.py`."""
    if package.name not in record.states:
        yield f"the lowest versions were not tested: nox -s lowest -- {package.name}"
        return
    if record.states[package.name] != state(package):
        yield f"the lowest versions were tested with another state of the package: nox -s lowest -- {package.name}"
        return
    asked = [each for extra in record.extras.get(package.name, []) for each in package.extras.get(extra, [])]
    for requirement in [*package.requirements, *asked]:
        name = canonicalize_name(requirement.name)
        if name not in siblings and (reason := _difference(requirement, record.installed.get(name))):
            yield reason


def _difference(requirement: Requirement, installed: str | None) -> str:
    bounds = [Version(each.version) for each in requirement.specifier if each.operator in (">=", "==", "~=")]
    if installed is None:
        return "" if requirement.marker is not None else f"{requirement}: it was not installed by nox -s lowest"
    if bounds and Version(installed) in bounds:
        return ""
    return f"{requirement}: what was tested is {installed}: raise the bound to it, or find out what keeps the lower version away"


def main() -> int:
    """Write the record and return the exit code."""
    file, *specs = sys.argv[1:]
    requirements, workspace = [Requirement(spec) for spec in specs], Workspace()
    record = Record(
        {each.name: state(workspace[each.name]) for each in requirements},
        {each.name: sorted(each.extras) for each in requirements},
        {canonicalize_name(each.metadata["Name"]): each.version for each in metadata.distributions()},
    )
    Path(file).write_text(json.dumps(asdict(record), indent=1, sort_keys=True), "utf-8")
    print(f"lowest versions of {', '.join(record.states)} are recorded in {file}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

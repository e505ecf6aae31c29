"""Prints, as JSON, what a change makes necessary to run: changed files, their packages, and everything that depends on these.

python tools/affected.py BASE [--outputs FILE]

The change is what differs between the working tree and the place where its branch left BASE. Where BASE is empty or unknown, as it is
for a new branch or a scheduled run, and where a file belongs to no package, everything is affected.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workspace import ROOT, Workspace

PYTHONS = ["3.11", "3.12", "3.13"]
ALWAYS = ["lint", "types", "docs", "build"]
"""Sessions that look at the whole repository, and are quick."""
ASKING = "conformance"
"""The session that asks every flavor, before every server."""
TOGETHER = ["skew", "rehearse", "demo", ASKING, "mutants"]
"""Sessions that run packages together: whatever is affected, they may be."""
SERVERS = {"artifact-store-s3": "radosgw ceph-mon ceph-osd ceph-common"}
"""Package -> what its tests, and the session that asks its flavors, need of the distribution's packages."""
PROSE = ("README.md", "CHANGELOG.md", "LICENSE", "changes/")
"""What a package holds that no other can depend on."""
SITE = ("docs/", "README.md", "CONTRIBUTING.md", "LICENSE", ".gitignore")
"""What belongs to no package, and which no package's code depends on; `repository` tests it."""


@dataclass(frozen=True)
class Affected:
    """What a change affects, and why."""

    packages: list[str]
    reason: str


def changed_files(root: Path, base: str) -> list[str] | None:
    """Return the files that differ from where the branch left `base`, also uncommitted ones; None if `base` is not known."""
    left = subprocess.run(["git", "merge-base", base, "HEAD"], cwd=root, capture_output=True, text=True, check=False)
    if not base or left.returncode:
        return None
    listings = (["diff", "--name-only", "--no-renames", "-z", left.stdout.strip()], ["ls-files", "--others", "--exclude-standard", "-z"])
    printed = [subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout for words in listings]
    return sorted({name for text in printed for name in text.split("\0") if name})


def affected(workspace: Workspace, files: Iterable[str] | None) -> Affected:
    """Return what the change of some files affects."""
    if files is None:
        return Affected(list(workspace.packages), "the base is not known")
    roots, alone = set[str](), set[str]()
    for file in files:
        place, _, rest = file.removeprefix("packages/").partition("/")
        if file.startswith("packages/") and place in workspace.packages:
            (alone if rest.startswith(PROSE) else roots).add(place)
        elif not file.startswith(SITE):
            return Affected(list(workspace.packages), f"{file} belongs to no package")
    reached = set(workspace.dependents(roots)) | alone
    names = [name for name in workspace.packages if name in reached]
    return Affected(names, f"changed: {', '.join(sorted(roots | alone)) or 'no package'}")


def matrix(names: Iterable[str]) -> dict[str, list[dict[str, str]]]:
    """Return the rows of the one job that runs sessions, as GitHub's `strategy.matrix` takes them."""
    tested = list(names)
    rows = [_row(session) for session in ALWAYS]
    rows += [_row(f"repository-{python}", python=python) for python in PYTHONS]
    rows += [_row(f"tests-{python}", name, python) for name in tested for python in PYTHONS]
    rows += [_row("lowest", name) for name in tested]
    rows += [_row(session) for session in TOGETHER if tested]
    return {"include": rows}


def _row(session: str, package: str = "", python: str = PYTHONS[0]) -> dict[str, str]:
    servers = " ".join(SERVERS.values()) if session == ASKING else SERVERS.get(package, "")
    return {"session": session, "package": package, "python": python, "servers": servers}


def main(arguments: list[str] | None = None) -> int:
    """Print what is affected and return the exit code."""
    parser = argparse.ArgumentParser(description="Say what a change makes necessary to run.")
    parser.add_argument("base", help="commit, branch or tag that the change is compared with; empty: everything")
    parser.add_argument("--outputs", type=Path, help="file to which `matrix=...` is added, as a workflow's outputs are given")
    given = parser.parse_args(arguments)
    found = affected(Workspace(ROOT), changed_files(ROOT, given.base))
    rows = matrix(found.packages)
    if given.outputs:
        with given.outputs.open("a", encoding="utf-8") as file:
            file.write(f"matrix={json.dumps(rows)}\n")
    answer: dict[str, Any] = {"reason": found.reason, "packages": found.packages, "matrix": rows}
    json.dump(answer, sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Says which package a release's tag is about, or refuses the tag.

python tools/tagged.py TAG [--outputs FILE]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from workspace import ROOT, Package, Workspace


def tagged(workspace: Workspace, tag: str) -> Package:
    """Return the package that a tag releases. Raises `ValueError` with the reason if the tree is not the state to be released."""
    distribution, slash, version = tag.partition("/v")
    if not slash:
        raise ValueError(f"{tag!r} is not of the form <distribution>/vX.Y.Z")
    found = [package for package in workspace.packages.values() if package.distribution == distribution]
    if not found:
        raise ValueError(f"{tag!r} names no package of the repository")
    (package,) = found
    if tag != package.tag():
        raise ValueError(f"the tag says {version}, and {package.name}'s pyproject.toml says {package.version}")
    if f"\n## {version} (" not in (package.folder / "CHANGELOG.md").read_text("utf-8"):
        raise ValueError(f"{package.name}'s CHANGELOG.md has no entry for {version}: run tools/release.py")
    return package


def main(arguments: list[str] | None = None) -> int:
    """Print the package's folder and return the exit code."""
    parser = argparse.ArgumentParser(description="Say which package a tag is about.")
    parser.add_argument("tag")
    parser.add_argument("--outputs", type=Path, help="file to which `folder=...` is added, as a workflow's outputs are given")
    given = parser.parse_args(arguments)
    try:
        package = tagged(Workspace(ROOT), given.tag)
    except ValueError as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1
    folder = package.folder.relative_to(ROOT).as_posix()
    if given.outputs:
        with given.outputs.open("a", encoding="utf-8") as file:
            file.write(f"folder={folder}\n")
    print(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Checks built wheels: each installs alone, with its siblings only from the same build, and imports; says that it is typed; no two own one file.

python tools/check_wheels.py DIST [--package NAME ...]
"""

from __future__ import annotations

import argparse
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from environments import Environment
from wheels import import_name, pinned
from workspace import Workspace


def shared_files(wheels: Iterable[Path]) -> dict[str, list[str]]:
    """Return the files that several wheels own, each with the names of these wheels."""
    owners: dict[str, list[str]] = defaultdict(list)
    for wheel in wheels:
        for name in zipfile.ZipFile(wheel).namelist():
            owners[name].append(wheel.name)
    return {name: several for name, several in owners.items() if len(several) > 1}


def untyped(wheels: Iterable[Path]) -> list[str]:
    """Return the names of the wheels without the file by which type checkers know that they are typed."""
    return [wheel.name for wheel in wheels if f"{import_name(wheel)}/py.typed" not in zipfile.ZipFile(wheel).namelist()]


def install_alone(wheel: Path, folder: Path) -> None:
    """Install a wheel in a bare environment and import it. Raises CalledProcessError if either fails."""
    environment = Environment(folder)
    # A folder of wheels is one more source: a newer sibling elsewhere would win over the one just built. A constraint pins the file.
    environment.install(wheel, constraints=map(pinned, wheel.parent.glob("*.whl")))
    name = import_name(wheel)
    environment.run("-c", f"import {name} as package; [getattr(package, name) for name in package.__all__]")


def main() -> int:
    """Check the wheels in a folder and return the exit code."""
    parser = argparse.ArgumentParser(description="Check built wheels.")
    parser.add_argument("dist", type=Path)
    parser.add_argument("--package", action="append", default=[], help="name of a folder in packages/; default: all")
    given = parser.parse_args()
    wheels = sorted(given.dist.glob("*.whl"))
    workspace = Workspace()
    names = {workspace[name].import_name for name in given.package}
    if shared := shared_files(wheels):
        print("several wheels own one file:", shared)
        return 1
    if missing := untyped(wheels):
        print("wheels without py.typed:", missing)
        return 1
    for wheel in wheels:
        if not names or import_name(wheel) in names:
            with tempfile.TemporaryDirectory() as folder:
                install_alone(wheel, Path(folder) / "env")
            print(f"{wheel.name}: installs alone and imports")
    return 0 if wheels else 1


if __name__ == "__main__":
    raise SystemExit(main())

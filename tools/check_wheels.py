"""Checks built wheels: each installs alone, with its siblings only from the same build, and imports; no two own one file.

python tools/check_wheels.py DIST [--package NAME ...]
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path


def shared_files(wheels: Iterable[Path]) -> dict[str, list[str]]:
    """Return the files that several wheels own, each with the names of these wheels."""
    owners: dict[str, list[str]] = defaultdict(list)
    for wheel in wheels:
        for name in zipfile.ZipFile(wheel).namelist():
            owners[name].append(wheel.name)
    return {name: several for name, several in owners.items() if len(several) > 1}


def import_name(wheel: Path) -> str:
    """Return the name of the one package that a wheel holds. Raises ValueError if it holds another number of them."""
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    packages = {top for top in tops if not top.endswith((".dist-info", ".data"))}
    if len(packages) != 1:
        raise ValueError(f"{wheel.name} holds {sorted(packages)}, and should hold one package")
    return packages.pop()


def install_alone(wheel: Path, folder: Path) -> None:
    """Install a wheel in a bare environment and import it. Raises CalledProcessError if either fails."""
    python = folder / "bin" / "python"
    # A folder of wheels is one more source: a newer sibling elsewhere would win over the one just built. A constraint pins the file.
    built = folder.parent / "built.txt"
    built.write_text(
        "".join(f"{import_name(other).replace('_', '-')} @ {other.resolve().as_uri()}\n" for other in wheel.parent.glob("*.whl"))
    )
    if uv := shutil.which("uv"):
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
        install = [uv, "pip", "install", "--quiet", "--python", str(python)]
    else:
        subprocess.run([sys.executable, "-m", "virtualenv", "--quiet", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, "--constraint", str(built), str(wheel)], check=True)
    name = import_name(wheel)
    every = f"import {name} as package; [getattr(package, name) for name in package.__all__]"
    subprocess.run([str(python), "-c", every], check=True, cwd=folder)


def main() -> int:
    """Check the wheels in a folder and return the exit code."""
    parser = argparse.ArgumentParser(description="Check built wheels.")
    parser.add_argument("dist", type=Path)
    parser.add_argument("--package", action="append", default=[], help="name of a folder in packages/; default: all")
    given = parser.parse_args()
    wheels = sorted(given.dist.glob("*.whl"))
    names = {("dovetail_" + name.replace("-", "_")).replace("dovetail_dovetail", "dovetail") for name in given.package}
    if shared := shared_files(wheels):
        print("several wheels own one file:", shared)
        return 1
    for wheel in wheels:
        if not names or import_name(wheel) in names:
            with tempfile.TemporaryDirectory() as folder:
                install_alone(wheel, Path(folder) / "env")
            print(f"{wheel.name}: installs alone and imports")
    return 0 if wheels else 1


if __name__ == "__main__":
    raise SystemExit(main())

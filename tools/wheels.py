"""Wheels: built from a package's folder, and what they hold."""

from __future__ import annotations

import csv
import io
import sys
import zipfile
from pathlib import Path

from environments import execute
from packaging.utils import parse_wheel_filename


def build(folder: Path, out: Path, *, sdist: bool = True) -> Path:
    """Build a package with the hatchling that is installed, and return its wheel; with `sdist`, the wheel is made from that."""
    made = out / folder.name
    kinds = [] if sdist else ["--wheel"]
    execute([sys.executable, "-m", "build", "--no-isolation", "--outdir", made, *kinds, folder])
    (wheel,) = made.glob("*.whl")
    return wheel


def distribution(wheel: Path) -> str:
    """Return the name of a wheel's distribution, normalized."""
    return str(parse_wheel_filename(wheel.name)[0])


def import_name(wheel: Path) -> str:
    """Return the name of the one package that a wheel holds. Raises `ValueError` if it holds another number of them."""
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    packages = {top for top in tops if not top.endswith((".dist-info", ".data"))}
    if len(packages) != 1:
        raise ValueError(f"{wheel.name} holds {sorted(packages)}, and should hold one package")
    return packages.pop()


def digests(wheel: Path) -> dict[str, str]:
    """Return the digest of every file of a wheel, as its RECORD states them (the binary distribution format, "The .dist-info directory")."""
    with zipfile.ZipFile(wheel) as archive:
        (record,) = [name for name in archive.namelist() if name.endswith(".dist-info/RECORD")]
        rows = csv.reader(io.StringIO(archive.read(record).decode("utf-8")))
        return {path: digest for path, digest, _ in rows if digest}


def pinned(wheel: Path) -> str:
    """Return the constraint that lets a distribution come from this file only."""
    return f"{distribution(wheel)} @ {wheel.resolve().as_uri()}"


def exact(wheel: Path) -> str:
    """Return the requirement of this version, from wherever."""
    name, version, *_ = parse_wheel_filename(wheel.name)
    return f"{name}=={version}"

"""A package that `dovetail flavor new` makes is green from its first minute: for every component type, outside the repository.

Each package runs its own sessions, in environments of their own, with the wheels of this tree in place of an index.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
from environments import Environment, execute
from wheels import build
from workspace import Workspace

from dovetail_core.discovery import offered_types

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
TYPES = sorted(offered_types())
SESSIONS = ["tests", "lint", "types", "conformance", "build"]
"""What plain `nox` runs in a new package."""


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheels of this tree's packages that are not flavors, by name, in one folder as an installer finds them."""
    out, workspace = tmp_path_factory.mktemp("wheels"), Workspace()
    names = ["core", "conformance", *(kind.replace("_", "-") for kind in TYPES), "dovetail"]
    made = {name: build(workspace[name].folder, out / "made", sdist=False) for name in names}
    return {name: wheel.rename(out / wheel.name) for name, wheel in made.items()}


def nox(package: Path, wheels: dict[str, Path], *words: str) -> str:
    """Run sessions of a package and return what they printed. Raises `CalledProcessError` if one fails."""
    places = str(next(iter(wheels.values())).parent)
    variables = {"UV_FIND_LINKS": places, "PIP_FIND_LINKS": places, "UV_PYTHON_DOWNLOADS": "never"}
    return execute([sys.executable, "-m", "nox", "--no-color", "--noxfile", package / "noxfile.py", *words], package, variables)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.timeout(400)
def test_a_new_package_is_green_and_its_flavor_bronze(kind: str, tmp_path: Path, wheels: dict[str, Path]) -> None:
    dashed = kind.replace("_", "-")
    said = execute([sys.executable, "-m", "dovetail.cli", "flavor", "new", dashed, "acme", "--defaults"], tmp_path)
    package = tmp_path / f"dovetail-{dashed}-acme"
    assert f"cd {package.name}" in said and "nox" in said
    assert re.findall(r"^\* (\w+)[-\d.]* ->", nox(package, wheels, "--list"), re.MULTILINE) == _once_per_python(SESSIONS)

    nox(package, wheels, "-s", f"tests-{HERE}", "lint", "types", "build", "--", "--conformance-effort=quick")
    nox(package, wheels, "-s", "conformance", "--", "--effort=quick")
    assert (package / "conformance" / "report.json").is_file()

    installed = Environment(tmp_path / "installed")
    (wheel,) = (package / "dist").glob("*.whl")
    installed.install(wheel, *wheels.values())
    assert re.search(r"^ *acme +dovetail-", installed.run("-m", "dovetail.cli", dashed, "flavor", "list"), re.MULTILINE)
    printed = installed.run("-m", "dovetail.cli", "conformance", "run", f"{kind}/acme", "--effort=quick", "--report=out")
    assert "tier: bronze\n  missing: " in printed
    assert "  missing: the lowest versions" in printed, "of silver, whatever else a flavor in memory cannot show"


def _once_per_python(sessions: list[str]) -> list[str]:
    """Return sessions, with the tests as often as there are Pythons."""
    others = [version for version in ("3.11", "3.12", "3.13") if version != HERE and shutil.which(f"python{version}")]
    return [name for name in sessions for _ in range(len(others) + 1 if name == "tests" else 1)]

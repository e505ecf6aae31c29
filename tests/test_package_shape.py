"""Every package has the shape that the contributing guide describes."""

from __future__ import annotations

import ast
import importlib.util
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(path for path in (ROOT / "packages").iterdir() if path.is_dir())
TOP_LEVEL = {"packages", "tools", "tests", "docs", "noxfile.py", "README.md", "CONTRIBUTING.md", "LICENSE", "pyproject.toml"}
LONGEST_PYPROJECT = 60


def metadata(package: Path) -> dict[str, Any]:
    return tomllib.loads((package / "pyproject.toml").read_text())


def import_name(package: Path) -> str:
    return str(metadata(package)["project"]["name"]).replace("-", "_")


@pytest.fixture(params=PACKAGES, ids=lambda path: path.name)
def package(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_there_are_packages() -> None:
    assert {"core", "artifact-store", "metadata-store", "orchestrator", "dovetail"} <= {path.name for path in PACKAGES}


def test_the_top_level_holds_what_it_should() -> None:
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - {"__pycache__"}  # nox compiles its noxfile
    assert found <= TOP_LEVEL, f"not at the top level: {found - TOP_LEVEL}"


def test_the_root_pyproject_configures_tools_only() -> None:
    assert "project" not in tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize("name", ["pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "src", "tests", "changes"])
def test_the_package_has(package: Path, name: str) -> None:
    assert (package / name).exists()


def test_folder_distribution_and_import_names_agree(package: Path) -> None:
    name = metadata(package)["project"]["name"]
    assert name in (f"dovetail-{package.name}", package.name)
    assert [path.name for path in (package / "src").iterdir() if path.name != "__pycache__"] == [import_name(package)]


def test_the_package_is_typed_and_no_namespace(package: Path) -> None:
    source = package / "src" / import_name(package)
    assert (source / "py.typed").exists()
    assert (source / "__init__.py").exists()


def test_metadata_is_complete_short_and_static(package: Path) -> None:
    project = metadata(package)["project"]
    assert not project.get("dynamic")
    assert project["requires-python"] == ">=3.11"
    assert project["license"] == "Apache-2.0"
    assert project["description"] and project["version"]
    assert metadata(package)["build-system"]["build-backend"] == "hatchling.build"
    assert metadata(package)["tool"]["ruff"]["extend"] == "../../pyproject.toml"
    assert len((package / "pyproject.toml").read_text().splitlines()) <= LONGEST_PYPROJECT


def test_dependencies_have_lower_bounds(package: Path) -> None:
    project = metadata(package)["project"]
    listed = [*project["dependencies"], *(item for extra in project.get("optional-dependencies", {}).values() for item in extra)]
    assert [item for item in listed if ">=" not in item] == []


def defined(source: str) -> set[str]:
    """Return the names that a module binds at its top level; the module is not imported, since it may need an extra."""
    found: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            found.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found.update(target.id for target in targets if isinstance(target, ast.Name))
    return found


def test_entry_points_and_scripts_lead_to_what_exists(package: Path) -> None:
    project = metadata(package)["project"]
    for group in [*project.get("entry-points", {}).values(), project.get("scripts", {})]:
        for target in group.values():
            module, _, name = target.partition(":")
            spec = importlib.util.find_spec(module)
            assert spec is not None and spec.origin is not None, module
            assert not name or name in defined(Path(spec.origin).read_text()), target


def test_no_index_is_named(package: Path) -> None:
    """Which index is used is a matter of the machine; a pinned one breaks mirrors and leads a resolver elsewhere."""
    tools = metadata(package)["tool"]
    assert set(tools) <= {"hatch", "ruff"}, "an installer's settings do not belong in a package"
    listed = metadata(package)["project"]["dependencies"]
    assert [item for item in listed if "://" in item] == []


def test_the_license_is_the_root_s(package: Path) -> None:
    assert (package / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()

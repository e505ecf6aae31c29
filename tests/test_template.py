"""The template for new flavors, the reference flavors and the packages of this repository agree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import reference_template
from packaging.version import Version
from wheels import build
from workspace import ROOT, Workspace

from dovetail_flavor_template import Order, make
from dovetail_flavor_template.making import TEMPLATE

WORKFLOW = "package/{% if not inside %}.github{% endif %}/workflows/ci.yml.jinja"
STATUS = "Development Status"


@dataclass(frozen=True)
class Pair:
    """What the template makes inside the repository, and the package that is there, which began like it and has grown."""

    order: Order
    made: Path

    @property
    def real(self) -> Path:
        return ROOT / "packages" / self.made.name

    @property
    def projects(self) -> tuple[dict[str, Any], dict[str, Any]]:
        made, real = (tomllib.loads((folder / "pyproject.toml").read_text()) for folder in (self.made, self.real))
        return made, real


ANSWERS = {
    ("artifact_store", "s3"): {"sdk": "boto3>=1.37", "emulator": "moto[server]>=5.1"},
    ("experiment_tracker", "mlflow"): {"sdk": "mlflow>=3.10,<4", "emulator": "mlflow[auth]>=3.10,<4"},
    ("alerter", "slack"): {"sdk": "slack-sdk>=3.34,<4", "emulator": "websockets>=14"},
}


@pytest.fixture(scope="module", params=ANSWERS, ids="/".join)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    kind, name = request.param
    order = Order(kind, name, ANSWERS[kind, name], inside=True)
    folder = tmp_path_factory.mktemp("packages") / order.distribution.removeprefix("dovetail-")
    make(order, folder)
    return Pair(order, folder)


def test_what_the_template_has_of_the_reference_flavors_is_what_they_are() -> None:
    assert reference_template.main(["--check"]) == 0, "nox -s template"


def test_every_component_type_of_the_repository_is_in_the_template() -> None:
    types = {kind for package in Workspace().packages.values() for kind in package.entry_points.get("dovetail.component_types.v1", {})}
    assert types == {folder.name for folder in (TEMPLATE / "types").iterdir()}


@pytest.mark.parametrize(("version", "window"), [("0.1.0", ">=0.1,<0.2"), ("0.12.3", ">=0.12,<0.13"), ("2.4.1", ">=2.4,<3")])
def test_a_new_package_takes_the_versions_that_keep_what_todays_promise(version: str, window: str) -> None:
    assert reference_template._window(Version(version)) == window


def test_its_workflow_uses_the_actions_that_the_repositorys_does() -> None:
    used = [set(re.findall(r"uses: (.*)", file.read_text())) for file in (TEMPLATE / WORKFLOW, ROOT / ".github/workflows/ci.yml")]
    assert used[0] and used[0] <= used[1]


def test_its_rules_of_style_are_the_repositorys(tmp_path: Path) -> None:
    make(Order("alerter", "acme"), tmp_path / "acme")
    made, ours = (tomllib.loads((folder / "pyproject.toml").read_text())["tool"] for folder in (tmp_path / "acme", ROOT))
    assert made["ruff"]["line-length"] == ours["ruff"]["line-length"]
    assert made["ruff"]["lint"]["select"] == ours["ruff"]["lint"]["select"]
    assert made["ruff"]["lint"]["pycodestyle"] == ours["ruff"]["lint"]["pycodestyle"]
    assert made["mypy"]["strict"] and made["mypy"]["plugins"] == ours["mypy"]["plugins"]


def test_the_package_holds_the_whole_template_also_when_it_is_built_from_its_sdist(tmp_path: Path) -> None:
    wheel = build(Workspace()["flavor-template"].folder, tmp_path)
    held = {name.partition("/template/")[2] for name in zipfile.ZipFile(wheel).namelist() if "/template/" in name}
    assert held == {path.relative_to(TEMPLATE).as_posix() for path in TEMPLATE.rglob("*") if path.is_file()}


def shape(value: object) -> object:
    """Return the keys of nested tables, in their order, without what they hold."""
    return [(key, shape(inner)) for key, inner in value.items()] if isinstance(value, dict) else None


def without_foreign_offers(project: dict[str, Any]) -> dict[str, Any]:
    """Return a project's metadata without the entry points by which it offers something to its SDK."""
    offers = project["project"]["entry-points"]
    return {**project, "project": {**project["project"], "entry-points": {n: offers[n] for n in offers if n.startswith("dovetail.")}}}


def test_metadata_have_one_structure(pair: Pair) -> None:
    made, real = map(without_foreign_offers, pair.projects)
    extras = [project["project"].pop("optional-dependencies") for project in (made, real)]
    assert shape(made) == shape(real)
    assert set(extras[0]) <= set(extras[1])
    for name in ("requires-python", "license", "license-files", "authors", "readme", "version", "name"):
        assert made["project"][name] == real["project"][name], name
    assert made["build-system"] == real["build-system"] and made["tool"] == real["tool"]


def test_classifiers_are_the_same_but_for_the_status(pair: Pair) -> None:
    made, real = ([each for each in project["project"]["classifiers"] if not each.startswith(STATUS)] for project in pair.projects)
    assert made == real


def test_requirements_are_what_was_answered_and_what_came_later(pair: Pair) -> None:
    made, real = (project["project"] for project in pair.projects)
    assert made["dependencies"][:2] == real["dependencies"][:2]
    assert set(made["dependencies"]) <= set(real["dependencies"])
    assert set(made["optional-dependencies"]["conformance"]) <= set(real["optional-dependencies"]["conformance"])
    rest = real["dependencies"][2:]
    assert rest == sorted(rest)


def test_entry_points_lead_to_the_same_places(pair: Pair) -> None:
    made, real = (without_foreign_offers(project)["project"]["entry-points"] for project in pair.projects)
    harness = next(iter(made["dovetail.conformance.v1"]))
    module, _, name = made["dovetail.conformance.v1"].pop(harness).partition(":")
    found, _, named = real["dovetail.conformance.v1"].pop(harness).partition(":")
    assert made == real and name == named
    assert f"{found}.".startswith(f"{module}."), "a harness that has grown may be a package"


def files(folder: Path) -> set[str]:
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    return {re.sub(r"/testing(/.*|\.py)$", "/testing", name) for name in names}


def test_every_file_of_the_template_is_there(pair: Pair) -> None:
    assert sorted(files(pair.made) - files(pair.real)) == []


def test_the_changelog_begins_alike(pair: Pair) -> None:
    made, real = ((folder / "CHANGELOG.md").read_text() for folder in (pair.made, pair.real))
    assert real.startswith(made)


def test_the_readme_has_the_sections_of_the_template(pair: Pair) -> None:
    made, real = ((folder / "README.md").read_text() for folder in (pair.made, pair.real))
    assert made.splitlines()[0] == real.splitlines()[0]
    headings = [re.findall(r"^## .*$", text, re.MULTILINE) for text in (made, real)]
    assert [heading for heading in headings[0] if heading not in headings[1]] == []
    for line in made.splitlines():
        if line.startswith(("$ pip install", "<!-- ", "Settings, with their defaults")):
            assert line.partition(". ")[0] in real, line


TEST_CLASS = re.compile(
    r"class Test\w+\((?P<contract>\w+)\):\n"
    r'    interface = "1.0"\n\n'
    r'    @pytest.fixture\(scope="class"\)\n    @classmethod\n'
    r"    def harness\(cls\) -> Iterator\[(?P<harness>\w+)\]:\n"
    r"        with (?P=harness)\(\) as harness:\n            yield harness\n"
)


def test_the_conformance_test_is_written_alike(pair: Pair) -> None:
    made, real = ((folder / "tests" / "test_conformance.py").read_text() for folder in (pair.made, pair.real))
    for text in (made, real):
        head, classes = text.partition("class ")[0], text[text.index("class ") :]
        assert TEST_CLASS.sub("", classes).strip() == ""
        assert head.startswith('"""The flavor keeps the contract')
    contracts = [{found["contract"] for found in TEST_CLASS.finditer(text)} for text in (made, real)]
    assert contracts[0] == contracts[1]


def test_a_package_inside_the_repository_has_the_shape_of_its_packages(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "noxfile.py", "LICENSE", "tests/test_package_shape.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("core", "artifact-store", "metadata-store", "orchestrator", "dovetail"):
        shutil.copytree(ROOT / "packages" / name, tmp_path / "packages" / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "dovetail_flavor_template", "new", "artifact-store", "acme"]
    said = subprocess.run(command, cwd=tmp_path / "packages", capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL).stdout
    package = tmp_path / "packages" / "artifact-store-acme"
    assert 'add "artifact-store-acme" to PACKAGES' in said and str(package) in said
    assert not any((package / name).exists() for name in ("noxfile.py", ".github", ".copier-answers.yml", ".gitignore"))

    root = (tmp_path / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(
        root.replace('    "dovetail_core",\n', '    "dovetail_core",\n    "dovetail_artifact_store_acme",\n', 1)
    )
    environment = {**os.environ, "PYTHONPATH": str(package / "src")}
    for words in (
        ["pytest", "-q", "tests/test_package_shape.py", "-k", "acme"],
        ["ruff", "check", "--no-cache", package],
        ["ruff", "format", "--check", package],
    ):
        done = subprocess.run([sys.executable, "-m", *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

"""What a change makes necessary to run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import affected
import pytest
from small_repository import SmallRepository
from workspace import Workspace


@pytest.fixture
def repository(tmp_path: Path) -> SmallRepository:
    """Four packages: `core`; `store`, which needs it; `store-s3`, which needs both; `alerter`, which needs core."""
    made = SmallRepository(tmp_path)
    made.package("core")
    made.package("store", "dovetail-core>=0.1,<0.2")
    made.package("store-s3", "dovetail-core>=0.1,<0.2", "dovetail-store>=0.1,<0.2")
    made.package("alerter", "dovetail-core>=0.1,<0.2")
    made.commit("first")
    return made


def packages_after(repository: SmallRepository, *files: str) -> list[str]:
    for file in files:
        repository.write(file, "changed\n")
    return affected.affected(Workspace(repository.root), affected.changed_files(repository.root, "HEAD")).packages


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("packages/core/src/dovetail_core/new.py", {"core", "store", "store-s3", "alerter"}),
        ("packages/store/src/dovetail_store/new.py", {"store", "store-s3"}),
        ("packages/store-s3/src/dovetail_store_s3/new.py", {"store-s3"}),
        ("packages/core/README.md", {"core"}),
        ("packages/core/changes/new.added.md", {"core"}),
        ("docs/site/index.md", set()),
        ("tools/new.py", {"core", "store", "store-s3", "alerter"}),
        ("packages/gone/src/dovetail_gone/old.py", {"core", "store", "store-s3", "alerter"}),
    ],
)
def test_a_change_affects_its_package_and_what_depends_on_it(repository: SmallRepository, file: str, expected: set[str]) -> None:
    assert set(packages_after(repository, file)) == expected


def test_dependencies_come_first(repository: SmallRepository) -> None:
    names = packages_after(repository, "packages/core/src/dovetail_core/new.py")
    assert names.index("core") < names.index("store") < names.index("store-s3")


def test_an_extra_is_a_dependency_too(repository: SmallRepository) -> None:
    repository.package("suite", "dovetail-core>=0.1,<0.2")
    text = (repository.root / "packages/alerter/pyproject.toml").read_text()
    repository.write("packages/alerter/pyproject.toml", text + '[project.optional-dependencies]\nconformance = ["dovetail-suite>=0.1"]\n')
    repository.commit("an extra")
    assert set(packages_after(repository, "packages/suite/src/dovetail_suite/new.py")) == {"suite", "alerter"}


def test_tests_that_import_a_package_are_run_and_lead_no_further(repository: SmallRepository) -> None:
    repository.write("packages/core/tests/test_with_alerter.py", "from dovetail_alerter import VERSION\n")
    repository.commit("a test")
    assert set(packages_after(repository, "packages/alerter/src/dovetail_alerter/new.py")) == {"alerter", "core"}


def test_what_the_base_gained_meanwhile_is_no_change(repository: SmallRepository) -> None:
    repository.git("switch", "--quiet", "--create", "topic")
    repository.write("packages/alerter/src/dovetail_alerter/new.py", "")
    repository.commit("topic")
    repository.git("switch", "--quiet", "main")
    repository.write("packages/store/src/dovetail_store/new.py", "")
    repository.commit("meanwhile")
    repository.git("switch", "--quiet", "topic")
    assert affected.changed_files(repository.root, "main") == ["packages/alerter/src/dovetail_alerter/new.py"]


def test_a_file_that_moved_is_a_change_of_both_places(repository: SmallRepository) -> None:
    repository.git("mv", "packages/store/src/dovetail_store/__init__.py", "packages/alerter/src/dovetail_alerter/moved.py")
    assert set(packages_after(repository)) == {"store", "store-s3", "alerter"}


@pytest.mark.parametrize("base", ["", "0" * 40, "no-such-branch"])
def test_without_a_base_everything_is_affected(repository: SmallRepository, base: str) -> None:
    workspace = Workspace(repository.root)
    assert affected.affected(workspace, affected.changed_files(repository.root, base)).packages == list(workspace.packages)


def test_the_matrix_has_each_affected_package_on_each_python() -> None:
    rows = affected.matrix(["core"])["include"]
    assert {(row["session"], row["python"]) for row in rows if row["package"] == "core"} == {
        *((f"tests-{python}", python) for python in affected.PYTHONS),
        ("lowest", "3.11"),
    }
    assert {"lint", "repository-3.11", "demo"} <= {row["session"] for row in rows}


def test_a_change_of_documentation_alone_still_has_rows() -> None:
    """An empty matrix is an error to GitHub."""
    assert {row["session"] for row in affected.matrix([])["include"]} >= {"docs", "lint"}


def test_the_command_prints_json_and_gives_it_to_a_workflow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = tmp_path / "outputs"
    assert affected.main(["", f"--outputs={outputs}"]) == 0
    printed = json.loads(capsys.readouterr().out)
    name, _, text = outputs.read_text().partition("=")
    assert name == "matrix" and text.count("\n") == 1
    assert json.loads(text) == printed["matrix"]


def test_the_command_runs_as_a_script() -> None:
    done = subprocess.run([sys.executable, "tools/affected.py", "HEAD"], cwd=affected.ROOT, capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)) == {"reason", "packages", "matrix"}

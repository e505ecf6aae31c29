"""`dovetail flavor new`: what it makes, what it prints, and what it refuses."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from flavor_command import flavor, python

from dovetail_core.discovery import offered_types
from dovetail_flavor_template.command import LICENSES
from dovetail_flavor_template.making import TEMPLATE, template_types

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def project(folder: Path) -> dict[str, Any]:
    text: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())
    return text["project"]


def made(folder: Path, *words: str) -> Path:
    done = flavor(folder, "new", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    (package,) = folder.iterdir()
    return package


def test_every_installed_type_is_known() -> None:
    assert template_types() == sorted(offered_types())


@pytest.mark.parametrize("spelled", ["artifact-store", "artifact_store"])
def test_a_package_has_its_files_and_says_what_to_do_next(tmp_path: Path, spelled: str) -> None:
    done = flavor(tmp_path, "new", spelled, "acme")
    package = tmp_path / "dovetail-artifact-store-acme"
    assert done.returncode == 0, done.stderr
    for said in ("cd dovetail-artifact-store-acme", "nox", "src/dovetail_artifact_store_acme/store.py", "_client.py"):
        assert said in done.stdout
    files = {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}
    assert files == {
        ".copier-answers.yml", ".github/workflows/ci.yml", ".gitignore", "CHANGELOG.md", "LICENSE", "README.md", "noxfile.py", "pyproject.toml",
        *(f"src/dovetail_artifact_store_acme/{name}" for name in ("__init__.py", "_client.py", "py.typed", "store.py", "testing.py")),
        "tests/test_conformance.py",
    }  # fmt: skip


def test_an_sdk_is_required_and_imported_at_first_use_only(tmp_path: Path) -> None:
    package = made(tmp_path, "alerter", "acme", "--sdk", "h11>=0.14", "--emulator", "moto[server]>=5.1")
    assert "h11>=0.14" in project(package)["dependencies"]
    assert project(package)["optional-dependencies"]["conformance"][-1] == "moto[server]>=5.1"
    code = (
        "import sys; before = set(sys.modules); import dovetail_alerter_acme as acme; assert 'h11' not in set(sys.modules) - before;"
        "from dovetail_alerter_acme import _client; print(_client.sdk().__name__)"
    )
    assert python(tmp_path, "-c", code, path=package / "src").stdout == "h11\n"
    assert "Start moto[server]>=5.1" in (package / "src/dovetail_alerter_acme/testing.py").read_text()


def test_every_licence_that_can_be_chosen_has_its_text() -> None:
    assert sorted(LICENSES) == sorted(path.name.removesuffix(".jinja") for path in (TEMPLATE / "licenses").iterdir())


@pytest.mark.parametrize("license", LICENSES)
def test_a_licence_is_named_and_its_text_is_there(tmp_path: Path, license: str) -> None:
    package = made(tmp_path, "orchestrator", "acme", "--license", license, "--author", "Ada & Co")
    assert project(package)["license"] == license and project(package)["authors"] == [{"name": "Ada & Co"}]
    text = (package / "LICENSE").read_text()
    assert ("Apache License" in text) if license == "Apache-2.0" else ("Copyright (c) Ada & Co" in text)


def test_the_answers_say_which_version_of_the_template_was_used(tmp_path: Path) -> None:
    package = made(tmp_path, "orchestrator", "acme", "--description", "Acme's: a scheduler.")
    answers = (package / ".copier-answers.yml").read_text()
    assert "_template: dovetail-flavor-template==0.1.0\n" in answers and "inside" not in answers
    assert "_src_path" not in answers and "_commit" not in answers, "what leads nowhere"
    assert project(package)["description"] == "Acme's: a scheduler."


@pytest.mark.parametrize("kind", template_types())
@pytest.mark.parametrize(
    "words", [("a",), ("abcdefghijklmnop-qrstuvw", "--sdk", "h11>=0.14", "--emulator", "moto[server]>=5.1")], ids=["shortest", "longest"]
)
def test_a_package_is_formatted_whatever_its_name(tmp_path: Path, kind: str, words: tuple[str, ...]) -> None:
    package = made(tmp_path, kind, *words)
    for command in (["check"], ["format", "--check", "--diff"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."], cwd=package, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["artefact-store", "acme"],
            ["there is no component type 'artefact-store', did you mean 'artifact_store'?", "installed: alerter, "],
        ),
        (["artifact-store", "Acme_2"], ["'Acme_2' is no name for a flavor", "small letters and digits"]),
        (["artifact-store", "a" * 25], ["at most 24 characters"]),
        (["artifact-store", "acme", "--sdk", "boto3"], ["a requirement needs a lower bound, such as boto3>=1.0"]),
        (["artifact-store", "acme", "--license", "GPL"], ["--license", "'GPL' is not one of 'Apache-2.0'"]),
        (["artifact-store", "acme", "--description", 'The "best"'], ["no quotes"]),
        (["artifact-store", "acme", "--inside"], ["is not in Dovetail's repository", "leave out --inside"]),
        (["artifact-store", "acme", "--template", "nowhere"], ["nowhere"]),
        (["artifact-store"], ["NAME is missing"]),
        ([], ["TYPE is missing"]),
        (["artifact-store", "acme", "--harness", "own:Harness"], ["--harness is for --from"]),
    ],
)
def test_what_cannot_be_made_is_said_and_leaves_nothing(tmp_path: Path, words: list[str], said: list[str]) -> None:
    done = flavor(tmp_path, "new", *words)
    assert done.returncode != 0 and done.stdout == "" and "Traceback" not in done.stderr
    assert [part for part in said if part not in " ".join(done.stderr.split())] == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    done = flavor(tmp_path, "new", "alerter", "acme", "--path", "mine")
    assert done.returncode != 0 and "there is something in mine already" in done.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_a_folder_may_be_a_new_git_repository(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", "mine"], cwd=tmp_path, check=True)
    assert flavor(tmp_path, "new", "alerter", "acme", "--path", "mine").returncode == 0
    assert (tmp_path / "mine" / "pyproject.toml").is_file()


def test_the_table_of_capabilities_is_written_by_a_session_which_the_check_names(tmp_path: Path) -> None:
    package = made(tmp_path, "artifact-store", "acme")
    readme, command = package / "README.md", ("-m", "dovetail_conformance", "readme", "artifact_store/memory")
    whole = readme.read_text()
    readme.write_text(whole.replace("| yes |", "| no |"))
    checked = python(package, *command, "--check")
    assert checked.returncode == 1 and "are out of date: nox -s readme writes them" in checked.stderr
    assert python(package, *command).stdout == "the capabilities in README.md are written\n" and readme.read_text() == whole
    assert python(package, *command).stdout == "the capabilities in README.md are up to date\n"


def test_the_sessions_of_a_package_are_for_the_pythons_that_are_installed(tmp_path: Path) -> None:
    package = made(tmp_path, "artifact-store", "acme")
    listed = python(package, "-m", "nox", "--no-color", "--list").stdout
    installed = [version for version in ("3.11", "3.12", "3.13") if version == HERE or shutil.which(f"python{version}")]
    assert re.findall(r"^\* tests-([\d.]+) ->", listed, re.MULTILINE) == installed


@pytest.mark.parametrize("kind", template_types())
def test_a_harness_with_settings_is_live_and_gives_them_to_the_flavor(tmp_path: Path, kind: str) -> None:
    package = made(tmp_path, kind, "acme")
    code = (
        f"from dovetail_{kind}_acme.testing import AcmeHarness as Harness; live = Harness({{'space': 'mine'}});"
        "print(Harness().environment, live.environment, live.make().config.space != 'mine', live.make(space='mine').config.space)"
    )
    assert python(tmp_path, "-P", "-c", code, path=package / "src").stdout == "embedded live True mine\n"
    broken = code.replace("'space': 'mine'", "'spaces': 'mine'")
    assert "spaces" in python(tmp_path, "-P", "-c", broken, path=package / "src").stderr


def test_the_command_imports_no_copier_before_it_makes_something() -> None:
    code = "import sys, dovetail_flavor_template.command; print([name for name in ('copier', 'pydantic', 'pytest') if name in sys.modules])"
    assert python(Path.cwd(), "-c", code).stdout == "[]\n"

"""A class of a project, in one file, becomes a package."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from flavor_command import flavor, python

ONE_FILE = '''"""Artifacts of ours."""

from __future__ import annotations

import uuid
from typing import Any

import h11
import packaging.version

from dovetail_artifact_store import InMemoryArtifactStore
from dovetail_artifact_store.testing import MemoryHarness
from dovetail_conformance import Harness

BEFORE = "own-"


# Where everything is.
class MyStore(InMemoryArtifactStore):
    """Artifacts, with spaces of our own."""

    flavor = "own"

    def version(self) -> packaging.version.Version:
        return packaging.version.Version("1.0")


def fresh_name() -> str:
    """A space that nobody has."""
    return BEFORE + uuid.uuid4().hex + h11.PRODUCT_ID[:0]


class MyHarness(MemoryHarness):
    flavor = MyStore

    def make(self, **config: Any) -> MyStore:
        return super().make(**{"space": fresh_name(), **config})
'''
BARE = """from dovetail_artifact_store import InMemoryArtifactStore

class MyStore(InMemoryArtifactStore):
    flavor = "own"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "my_module.py").write_text(ONE_FILE)
    return folder


def grown(project: Path, *words: str) -> Path:
    done = flavor(project, "new", "--from", "my_module:MyStore", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return project / "dovetail-artifact-store-own"


def test_the_class_is_the_flavor_and_its_harness_a_module_of_its_own(project: Path) -> None:
    package = grown(project)
    source = package / "src" / "dovetail_artifact_store_own"
    own, testing = (source / "store.py").read_text(), (source / "testing.py").read_text()
    assert own.startswith('"""Artifacts of ours."""') and "# Where everything is.\nclass MyStore" in own
    assert [word for word in ("Harness", "uuid", "h11", "fresh_name", "BEFORE") if word in own] == []
    assert "from dovetail_artifact_store_own.store import MyStore\n" in testing
    assert "def fresh_name" in testing and "import packaging" not in testing and "import uuid" in testing
    assert not (source / "_client.py").exists()
    linted = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", str(package)], capture_output=True, text=True, check=False
    )
    assert linted.returncode == 0, linted.stdout
    metadata = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    assert metadata["entry-points"]["dovetail.flavors.v1.artifact_store"] == {"own": "dovetail_artifact_store_own.store:MyStore"}
    assert metadata["entry-points"]["dovetail.conformance.v1"] == {"artifact_store.own": "dovetail_artifact_store_own.testing:MyHarness"}
    assert [each.partition(">=")[0] for each in metadata["dependencies"]] == [
        "dovetail-core",
        "dovetail-artifact-store",
        "packaging",
        "pydantic",
    ]
    assert [each.partition(">=")[0] for each in metadata["optional-dependencies"]["conformance"][1:]] == ["h11"]
    assert "class TestOwn(ArtifactStoreContract)" in (package / "tests" / "test_conformance.py").read_text()


def test_what_grew_keeps_the_contract(project: Path) -> None:
    package = grown(project)
    done = python(package, "-m", "pytest", "-q", "-n", "2", "--conformance-effort=quick", path=package / "src")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


def test_a_class_that_is_registered_and_asked_by_its_path_grows_and_is_asked_by_its_name(project: Path) -> None:
    asked = ("--effort=quick", "--only=AS-01,AS-09", "-n1")
    dovetail = ("-P", "-m", "dovetail.cli")
    assert python(project, *dovetail, "artifact-store", "flavor", "register", "my_module:MyStore").returncode == 0
    done = python(project, *dovetail, "conformance", "run", "my_module:MyStore", "--harness=my_module:MyHarness", *asked)
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr
    done = python(project, *dovetail, "flavor", "new", "artifact-store", "own", "--from=my_module:MyStore", "--harness=my_module:MyHarness")
    assert done.returncode == 0 and "dovetail artifact-store flavor unregister own" in done.stdout
    package, elsewhere = project / "dovetail-artifact-store-own", project / "elsewhere"
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--no-isolation", str(package)], check=True, capture_output=True)
    (wheel,) = (package / "dist").glob("*.whl")
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(elsewhere)], check=True)
    done = python(elsewhere, "-m", "dovetail_conformance", "run", "artifact_store/own", *asked, path=elsewhere)
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr


def test_a_harness_in_a_module_of_its_own_is_carried_too(project: Path) -> None:
    (project / "my_module.py").write_text(BARE)
    (project / "my_harness.py").write_text(
        "from dovetail_artifact_store.testing import MemoryHarness\nfrom my_module import MyStore\n\nclass MyHarness(MemoryHarness):\n    flavor = MyStore\n"
    )
    package = grown(project, "--harness", "my_harness:MyHarness")
    assert (package / "src/dovetail_artifact_store_own/store.py").read_text() == BARE.replace("class", "\nclass")
    code = "from dovetail_artifact_store_own.testing import MyHarness; print(MyHarness.flavor.__module__)"
    assert python(project, "-P", "-c", code, path=package / "src").stdout == "dovetail_artifact_store_own.store\n"


def test_a_class_without_a_harness_gets_one_to_fill_in(project: Path) -> None:
    (project / "my_module.py").write_text("import os\n" + BARE)
    done = flavor(project, "new", "--from", "my_module:MyStore")
    assert done.returncode == 0 and "let `make` in src/dovetail_artifact_store_own/testing.py give" in done.stdout
    assert "strict" in done.stdout and "A deviation without `link` is tier none" in done.stdout
    assert "import os" not in (project / "dovetail-artifact-store-own/src/dovetail_artifact_store_own/store.py").read_text()
    testing = (project / "dovetail-artifact-store-own/src/dovetail_artifact_store_own/testing.py").read_text()
    assert "class OwnHarness(ArtifactStoreHarness)" in testing and "flavor = MyStore" in testing


@pytest.mark.parametrize(
    ("changed", "words", "said"),
    [
        ({"my_module": BARE + "import my_tools, my_parts.one\n"}, [], ["my_module imports my_parts.one, my_tools of its project"]),
        ({"my_module": BARE + "from . import nothing\n"}, [], ["my_module:MyStore cannot be loaded: ImportError"]),
        ({"my_module": ONE_FILE + "\nprint(MyHarness)\n"}, [], ["uses MyHarness, which belongs to its tests"]),
        ({}, ["alerter"], ["is of the type artifact_store, and not alerter"]),
        ({}, ["artifact-store", "other"], ["says that its `flavor` is 'own', and not 'other'"]),
        ({}, ["--harness", "my_module:Nobody"], ["there is no 'Nobody' in my_module"]),
        ({"my_module": BARE.replace('"own"', '"Own Store"')}, [], ["'Own Store' is no name for a flavor"]),
    ],
)
def test_what_cannot_be_carried_is_said_and_leaves_nothing(
    project: Path, changed: dict[str, str], words: list[str], said: list[str]
) -> None:
    for name, text in {"my_tools": "", "my_parts/one": "", "my_parts/__init__": "", **changed}.items():
        (project / f"{name}.py").parent.mkdir(exist_ok=True)
        (project / f"{name}.py").write_text(text)
    done = flavor(project, "new", *words, "--from", "my_module:MyStore")
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert [part for part in said if part not in " ".join(done.stderr.split())] == []
    assert not (project / "dovetail-artifact-store-own").exists()

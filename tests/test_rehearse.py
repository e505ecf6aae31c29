"""The rehearsal of a publication notices what it is there for: with a real index, a real upload and a real environment."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from environments import Environment
from loopback_index import LoopbackIndex
from rehearse import PROOF, Rehearsal, publish
from workspace import Workspace


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """The core, published."""
    folder = tmp_path_factory.mktemp("rehearsal")
    with LoopbackIndex(folder / "index") as index:
        yield publish([Workspace()["core"]], folder, index)


@pytest.fixture
def installed(rehearsal: Rehearsal) -> Environment:
    return rehearsal.install("", f"env-{len(list(rehearsal.folder.iterdir()))}", "dovetail-core")


def prove(rehearsal: Rehearsal, environment: Environment, package: str = "dovetail-core") -> str:
    return environment.run("-I", PROOF, rehearsal.folder / "digests.json", package)


def test_what_is_installed_by_name_is_what_was_built(rehearsal: Rehearsal, installed: Environment) -> None:
    assert prove(rehearsal, installed) == "siblings: none; flavors: none\n"


def test_a_file_that_differs_is_named(rehearsal: Rehearsal, installed: Environment) -> None:
    file = next(installed.folder.rglob("dovetail_core/clock.py"))
    text = file.read_text()
    file.unlink()  # the installer's cache may share it
    file.write_text(text + "# another line\n")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        prove(rehearsal, installed)
    assert caught.value.stderr == "dovetail-core dovetail_core/clock.py is not what was built\n"


def test_an_install_from_a_folder_is_no_install_from_the_index(rehearsal: Rehearsal, installed: Environment) -> None:
    installed.install("--force-reinstall", "--no-deps", rehearsal.built["dovetail-core"])
    with pytest.raises(subprocess.CalledProcessError) as caught:
        prove(rehearsal, installed)
    assert caught.value.stderr == "dovetail-core does not come from an index\n"


def test_a_package_that_is_not_there_is_not_proved(rehearsal: Rehearsal, installed: Environment) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        prove(rehearsal, installed, "dovetail-gone")
    assert caught.value.stderr == "dovetail-gone is not installed\n"


def test_the_index_takes_uploads_from_the_maintainer_only(rehearsal: Rehearsal, tmp_path: Path) -> None:
    with LoopbackIndex(tmp_path / "index") as index, pytest.raises(subprocess.CalledProcessError):
        index.publish(rehearsal.built["dovetail-core"], password="guessed")
    assert list((tmp_path / "index").iterdir()) == []


def test_a_version_is_published_once(rehearsal: Rehearsal) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        rehearsal.index.publish(rehearsal.built["dovetail-core"])

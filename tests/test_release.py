"""What a release changes, and what it refuses."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest
import release
from lowest import Record, state
from small_repository import SmallRepository
from workspace import Workspace

TYPE = """\
from dovetail_core.component_types import ComponentType

TYPE = ComponentType(name="store", base="dovetail_store.interface:Store", interface="1.0")
"""
INTERFACE = """\
from abc import abstractmethod


class Store:
    @abstractmethod
    def _read(self, key: str) -> bytes: ...
"""
POINTS = '\n[project.entry-points."dovetail.component_types.v1"]\nstore = "dovetail_store.component_type:TYPE"\n'


@pytest.fixture
def repository(tmp_path: Path) -> SmallRepository:
    """A core and a store, both released as 0.1.0; the store has changed since."""
    made = SmallRepository(tmp_path / "repository")
    made.package("core")
    made.package("store", "dovetail-core>=0.1,<0.2", "packaging>=24.2")
    made.write("packages/store/src/dovetail_store/component_type.py", TYPE)
    made.write("packages/store/src/dovetail_store/interface.py", INTERFACE)
    pyproject = made.root / "packages/store/pyproject.toml"
    pyproject.write_text(pyproject.read_text() + POINTS)
    made.commit("released")
    made.git("tag", "dovetail-core/v0.1.0")
    made.git("tag", "dovetail-store/v0.1.0")
    made.write("packages/store/changes/next.fixed.md", "It reads faster.\n")
    made.commit("changed")
    return made


def prepare(repository: SmallRepository, package: str, level: str, *flags: str, packaging: str = "24.2") -> int:
    """Prepare a release in a repository whose lowest versions are tested."""
    states = {each.name: state(each) for each in Workspace(repository.root).packages.values()}
    record = repository.root.parent / "lowest.json"
    record.write_text(json.dumps(asdict(Record(states, {}, {"packaging": packaging}))))
    return release.main([package, level, f"--root={repository.root}", f"--lowest={record}", *flags])


def project(repository: SmallRepository, package: str) -> dict[str, object]:
    text = (repository.root / "packages" / package / "pyproject.toml").read_text()
    found: dict[str, object] = tomllib.loads(text)["project"]
    return found


@pytest.mark.parametrize(("level", "version"), [("patch", "0.1.1"), ("minor", "0.2.0"), ("major", "1.0.0")])
def test_a_release_sets_version_and_changelog_and_names_the_tag(
    repository: SmallRepository, capsys: pytest.CaptureFixture[str], level: str, version: str
) -> None:
    assert prepare(repository, "store", level) == 0
    assert project(repository, "store")["version"] == version
    changelog = (repository.root / "packages/store/CHANGELOG.md").read_text()
    assert f"\n## {version} (" in changelog and "\n### Fixed\n\n- It reads faster.\n" in changelog
    assert [path.name for path in (repository.root / "packages/store/changes").iterdir()] == [".gitkeep"]
    assert capsys.readouterr().out.endswith(f"tag: dovetail-store/v{version}\n")


def test_comments_stay(repository: SmallRepository) -> None:
    prepare(repository, "store", "patch")
    assert 'version = "0.1.1"  # a comment that stays' in (repository.root / "packages/store/pyproject.toml").read_text()


def test_the_first_release_is_of_the_version_that_is_stated(repository: SmallRepository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.package("alerter", "dovetail-core>=0.1,<0.2")
    repository.commit("new")
    assert prepare(repository, "alerter", "minor") == 0
    assert capsys.readouterr().out.endswith("tag: dovetail-alerter/v0.1.0\n")


def test_dependents_that_exclude_the_new_version_are_widened_and_say_so(repository: SmallRepository) -> None:
    repository.write("packages/core/changes/next.added.md", "More.\n")
    repository.commit("more")
    assert prepare(repository, "core", "minor") == 0
    assert project(repository, "store")["dependencies"] == ["dovetail-core>=0.1,<0.3", "packaging>=24.2"]
    assert "dovetail-core 0.2.0" in (repository.root / "packages/store/changes/dovetail-core-0.2.0.changed.md").read_text()


def test_dependents_need_a_breaking_version_from_then_on(repository: SmallRepository) -> None:
    repository.write("packages/core/changes/next.removed.md", "Less.\n")
    repository.commit("less")
    assert prepare(repository, "core", "major") == 0
    assert project(repository, "store")["dependencies"] == ["dovetail-core>=1.0.0,<2", "packaging>=24.2"]


def test_dependents_need_a_breaking_minor_before_1_0_from_then_on(repository: SmallRepository) -> None:
    repository.write("packages/core/src/dovetail_core/__init__.py", "__all__: list[str] = []\n")
    repository.write("packages/core/changes/next.removed.md", "Less.\n")
    repository.commit("less")
    assert prepare(repository, "core", "minor") == 0
    assert project(repository, "store")["dependencies"] == ["dovetail-core>=0.2.0,<0.3", "packaging>=24.2"]


def test_dependents_that_admit_the_new_version_are_left_alone(repository: SmallRepository) -> None:
    repository.write("packages/core/changes/next.fixed.md", "Mended.\n")
    repository.commit("mended")
    assert prepare(repository, "core", "patch") == 0
    assert repository.git("status", "--porcelain", "packages/store") == ""


def test_a_check_changes_nothing(repository: SmallRepository) -> None:
    assert prepare(repository, "store", "patch", "--check") == 0
    assert repository.git("status", "--porcelain") == ""


def refused(repository: SmallRepository, capsys: pytest.CaptureFixture[str], level: str = "patch", packaging: str = "24.2") -> list[str]:
    """Return why the store is not released; nothing may have been changed by the refusal."""
    before = repository.git("status", "--porcelain")
    assert prepare(repository, "store", level, packaging=packaging) == 1
    assert repository.git("status", "--porcelain") == before
    return [line.removeprefix("refused: ") for line in capsys.readouterr().err.splitlines()]


def test_a_dirty_tree_is_refused(repository: SmallRepository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.write("packages/core/README.md", "changed")
    (reason,) = refused(repository, capsys)
    assert "not clean" in reason and "packages/core/README.md" in reason


def test_a_missing_fragment_is_refused(repository: SmallRepository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.git("rm", "--quiet", "-r", "packages/store/changes")
    repository.commit("no fragment")
    (reason,) = refused(repository, capsys)
    assert "packages/store/changes has no fragment" in reason


def test_a_fragment_with_another_name_would_be_lost_and_is_refused(repository: SmallRepository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.write("packages/store/changes/new.feature.md", "New.\n")
    repository.commit("misnamed")
    (reason,) = refused(repository, capsys)
    assert "new.feature.md is no fragment" in reason


def test_a_version_that_was_set_by_hand_is_refused(repository: SmallRepository, capsys: pytest.CaptureFixture[str]) -> None:
    pyproject = repository.root / "packages/store/pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('"0.1.0"', '"0.1.7"'))
    repository.commit("by hand")
    (reason,) = refused(repository, capsys)
    assert "says 0.1.7, and the last release is 0.1.0" in reason


def test_a_lower_bound_that_was_not_tested_is_refused(repository: SmallRepository, capsys: pytest.CaptureFixture[str]) -> None:
    (reason,) = refused(repository, capsys, packaging="25.0")
    assert reason.startswith("packaging>=24.2: what was tested is 25.0")


def test_a_package_that_changed_after_its_test_is_refused(repository: SmallRepository, capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare(repository, "store", "patch", "--check") == 0
    record = repository.root.parent / "lowest.json"
    repository.write("packages/store/src/dovetail_store/new.py", "")
    repository.commit("later")
    assert release.main(["store", "patch", f"--root={repository.root}", f"--lowest={record}"]) == 1
    assert "another state of the package" in capsys.readouterr().err


def test_without_a_record_the_bounds_are_not_known_to_be_right(repository: SmallRepository, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["store", "patch", f"--root={repository.root}", f"--lowest={repository.root / 'gone.json'}"]) == 1
    assert "nox -s lowest -- store" in capsys.readouterr().err


def test_a_sibling_that_is_not_released_is_refused(repository: SmallRepository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.git("tag", "--delete", "dovetail-core/v0.1.0")
    assert refused(repository, capsys) == ["dovetail-core is not released: release it first"]


def test_a_sibling_of_an_extra_that_is_not_released_is_refused(repository: SmallRepository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.package("suite")
    pyproject = repository.root / "packages/store/pyproject.toml"
    extra = '\n[project.optional-dependencies]\nconformance = ["dovetail-suite>=0.1,<0.2"]\n'
    pyproject.write_text(pyproject.read_text() + extra)
    repository.commit("an extra")
    assert refused(repository, capsys) == ["dovetail-suite is not released: release it first"]


def test_a_bound_on_a_version_that_was_never_released_is_refused(repository: SmallRepository, capsys: pytest.CaptureFixture[str]) -> None:
    pyproject = repository.root / "packages/store/pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("dovetail-core>=0.1,", "dovetail-core>=0.1.5,"))
    repository.commit("a bound")
    (reason,) = refused(repository, capsys)
    assert "that lowest version was not released; there are 0.1.0" in reason


def test_an_interface_that_changed_has_to_say_so(repository: SmallRepository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.write("packages/store/src/dovetail_store/interface.py", INTERFACE + "\n    def exists(self) -> bool:\n        return True\n")
    repository.commit("a method")
    assert refused(repository, capsys, "minor") == [
        "the interface of store changed and is still 1.0: set `interface` of its ComponentType to 1.1",
    ]
    repository.write("packages/store/src/dovetail_store/component_type.py", TYPE.replace("1.0", "1.1"))
    repository.commit("and its number")
    assert prepare(repository, "store", "minor") == 0


def test_what_a_person_has_to_judge_is_refused_until_it_is_judged(repository: SmallRepository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.write("packages/store/src/dovetail_store/interface.py", INTERFACE.replace("key: str", "key: bytes"))
    repository.commit("another type")
    (reason,) = refused(repository, capsys, "minor")
    assert reason.startswith("judge: dovetail_store.interface.Store._read: the type of key was str and is bytes")
    assert reason.endswith("say --judged if minor is enough")
    assert prepare(repository, "store", "major", "--check") == 0
    capsys.readouterr()
    assert prepare(repository, "store", "patch", "--judged") == 0
    assert "judge: dovetail_store.interface.Store._read" in capsys.readouterr().out


def test_all_reasons_are_told_at_once(repository: SmallRepository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.git("rm", "--quiet", "-r", "packages/store/changes")
    assert len(refused(repository, capsys, packaging="25.0")) == 3


def test_a_package_that_does_not_exist_is_an_error_of_usage(repository: SmallRepository) -> None:
    with pytest.raises(SystemExit, match="2"):
        prepare(repository, "stroe", "patch")

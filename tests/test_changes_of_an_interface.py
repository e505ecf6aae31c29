"""Changes of a real interface, made on purpose in a clone: the release tool and the trial of other versions say the right thing."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest
import release
import skew
from lowest import Record, state
from members import Level
from packaging.version import Version
from small_repository import SmallRepository
from workspace import ROOT, Workspace

INTERFACE = "packages/artifact-store/src/dovetail_artifact_store/interface.py"
CAPABILITIES = "packages/artifact-store/src/dovetail_artifact_store/capabilities.py"
TYPE = "packages/artifact-store/src/dovetail_artifact_store/component_type.py"
S3 = "packages/artifact-store-s3/src/dovetail_artifact_store_s3/store.py"
NEW_ABSTRACT = (
    '    @abstractmethod\n    def _touch(self, key: str) -> None:\n        """Set the time of an object to now."""\n\n    @abstractmethod\n'
)


@pytest.fixture
def clone(tmp_path: Path) -> SmallRepository:
    """This repository, with every package released as it is committed, and a fragment for the artifact store."""
    root = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--no-tags", str(ROOT), str(root)], check=True)
    made = SmallRepository(root)
    for package in Workspace(root).packages.values():
        made.git("tag", package.tag())
    made.write("packages/artifact-store/changes/scratch.changed.md", "It is not what it was.\n")
    made.commit("a fragment")
    return made


def change(clone: SmallRepository, file: str, pattern: str, new: str) -> None:
    """Replace the first match of a pattern in a file, and commit."""
    text, times = re.subn(pattern, new, (clone.root / file).read_text(), count=1)
    assert times == 1, f"{file} has no {pattern}"
    clone.write(file, text)
    clone.commit("scratch")


def raise_interface(clone: SmallRepository, version: str) -> None:
    change(clone, TYPE, r"\)\n$", f'    interface="{version}",\n)\n')


def prepare(clone: SmallRepository, level: str, package: str = "artifact-store") -> int:
    """Prepare a release, where the lower bounds of what others publish are tested."""
    workspace = Workspace(clone.root)
    bounds = [each for package in workspace.packages.values() for each in package.requirements]
    lowest = {each.name: next(iter(each.specifier)).version for each in bounds}
    record = clone.root.parent / "lowest.json"
    record.write_text(json.dumps(asdict(Record({name: state(workspace[name]) for name in workspace.packages}, {}, lowest))))
    return release.main([package, level, f"--root={clone.root}", f"--lowest={record}"])


def tried(clone: SmallRepository, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, str]]:
    """Try the S3 flavor with other versions; return the exit code, and what was said of the release and of this tree."""
    capsys.readouterr()
    code = skew.main(["artifact-store-s3", "--load", f"--root={clone.root}"])
    first, second = re.split(r"\n(?=fits|BROKEN|not tried)", capsys.readouterr().out)
    return code, {"released": first, "tree": second}


@pytest.mark.parametrize(
    ("pattern", "new", "told", "broken"),
    [
        pytest.param(r"    @abstractmethod\n", NEW_ABSTRACT, "_touch: a new abstract method", "does not implement _touch", id="abstract"),
        pytest.param(
            r"def _stat\(self, key:",
            "def _stat(self, name:",
            "_stat: parameter was removed: key",
            "`_stat` does not take name",
            id="renamed",
        ),
        pytest.param(
            r"def _stat\(self, key: str\)",
            "def _stat(self, key: str, fresh: bool = False)",
            "_stat: parameter fresh is new: released flavors do not take it",
            "`_stat` does not take fresh",
            id="optional parameter of a primitive",
        ),
    ],
)
def test_what_breaks_flavors_takes_a_major_of_package_and_interface(
    clone: SmallRepository, capsys: pytest.CaptureFixture[str], pattern: str, new: str, told: str, broken: str
) -> None:
    change(clone, INTERFACE, pattern, new)
    code, seen = tried(clone, capsys)
    assert code == 1
    assert seen["released"].startswith("BROKEN: dovetail-artifact-store-s3") and broken in seen["released"]
    assert seen["tree"].startswith("fits: ")

    assert prepare(clone, "minor") == 1
    assert told in (refused := capsys.readouterr().err) and "release it as major" in refused
    assert prepare(clone, "major") == 1
    assert "set `interface` of its ComponentType to 2.0" in capsys.readouterr().err
    raise_interface(clone, "2.0")
    assert prepare(clone, "major") == 0
    version = release.following(Version("0.1.0"), Level.MAJOR)
    assert f"tag: dovetail-artifact-store/v{version}" in capsys.readouterr().out

    code, seen = tried(clone, capsys)  # the bounds of the release keep it from the new interface
    assert code == 0
    assert "kept apart: it requires dovetail-artifact-store" in seen["released"]
    assert f"no release satisfies dovetail-artifact-store<{version.major + 1},>={version}" in seen["tree"]


def test_a_new_optional_capability_takes_a_minor_of_both_and_breaks_nobody(
    clone: SmallRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    change(clone, CAPABILITIES, r"    PRESIGN = ", '    APPEND = "append"\n    PRESIGN = ')
    raise_interface(clone, "1.1")
    code, seen = tried(clone, capsys)
    assert code == 0
    assert seen["released"].startswith("fits: ") and "artifact_store/s3" in seen["released"]
    assert prepare(clone, "patch") == 1
    assert "APPEND: a new optional capability" in (refused := capsys.readouterr().err) and "release it as minor" in refused
    assert prepare(clone, "minor") == 0
    assert "tag: dovetail-artifact-store/v0.2.0" in capsys.readouterr().out


def test_a_renamed_parameter_of_a_derived_method_breaks_callers(clone: SmallRepository, capsys: pytest.CaptureFixture[str]) -> None:
    change(clone, INTERFACE, r"def uri\(self, key: Key\)", "def uri(self, name: Key)")
    assert prepare(clone, "minor") == 1
    assert "ArtifactStore.uri: parameter was removed: key" in (refused := capsys.readouterr().err) and "release it as major" in refused


def test_a_setting_with_another_name_breaks_stack_files(clone: SmallRepository, capsys: pytest.CaptureFixture[str]) -> None:
    change(clone, "packages/artifact-store-s3/src/dovetail_artifact_store_s3/config.py", r"bucket:", "container:")
    assert prepare(clone, "minor", "artifact-store-s3") == 1
    assert "S3Config.bucket: the setting is gone" in capsys.readouterr().err


def test_a_flavor_that_uses_what_its_lowest_sibling_lacks_is_found(clone: SmallRepository, capsys: pytest.CaptureFixture[str]) -> None:
    change(clone, "packages/artifact-store/src/dovetail_artifact_store/objects.py", r"\Z", "\nNEWER = 1\n")
    change(clone, S3, r"\Z", "\nfrom dovetail_artifact_store.objects import NEWER as NEWER\n")
    code, seen = tried(clone, capsys)
    assert code == 1
    assert seen["released"].startswith("fits: ")
    assert seen["tree"].startswith("BROKEN: dovetail-artifact-store-s3 of this tree x lowest") and "NEWER" in seen["tree"]


def test_without_releases_there_is_nothing_to_try(clone: SmallRepository, capsys: pytest.CaptureFixture[str]) -> None:
    clone.git("tag", "--delete", *clone.git("tag").split())
    code, seen = tried(clone, capsys)
    assert code == 0
    assert "it was never released" in seen["released"] and "no release satisfies" in seen["tree"]

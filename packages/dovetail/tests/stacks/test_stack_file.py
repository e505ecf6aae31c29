"""The stack file keeps what people wrote, is replaced whole, and is never overwritten when it is damaged."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.project import Project
from dovetail.stackfile import DamagedFile, components, stacks

ProjectWith = Callable[..., Project]

WRITTEN = """\
# Our stacks.
active: default   # everybody's

components:
    artifact_store:
        # the big one
        prod: {flavor: local, path: "big disk", durable: yes}
        test:
            flavor: 'local'   # small
            path: ./x

stacks:
    prod:
        orchestrator: default
        metadata_store: default
        artifact_store:
          - prod
"""


def test_without_a_file_there_is_the_default_stack(project_with: ProjectWith) -> None:
    spec = project_with().stack_spec()
    found = {(one.type, one.name, one.flavor) for one in spec.components}
    expected = {("orchestrator", "default", "local"), ("artifact_store", "default", "local"), ("metadata_store", "default", "sqlite")}
    assert (spec.name, found, spec.root) == ("default", expected, str(Path.cwd()))
    assert project_with().findings() == []


def test_the_project_is_found_from_below(project_with: ProjectWith) -> None:
    root = project_with(WRITTEN).root
    below = root / "a" / "b"
    below.mkdir(parents=True)
    assert Project.find(below).root == root


def test_a_directory_outside_every_project_is_its_own(tmp_path: Path) -> None:
    assert Project.find(tmp_path / "nowhere").root == tmp_path / "nowhere"


def test_a_change_touches_nothing_else(project_with: ProjectWith) -> None:
    """Comments, order, quotes, flow style and indentation stay; only the line of the change is another."""
    components.update(project_with(WRITTEN), "artifact_store", "test", {"path": "./y"})
    assert project_with().path.read_text() == WRITTEN.replace("./x", "./y")


def test_a_change_that_changes_nothing_writes_nothing(project_with: ProjectWith) -> None:
    project = project_with(WRITTEN)
    before = project.path.stat()
    stacks.activate(project, "default")
    assert project.path.stat().st_ino == before.st_ino


def test_windows_line_ends_stay(project_with: ProjectWith) -> None:
    project = project_with()
    project.path.write_bytes(WRITTEN.replace("\n", "\r\n").encode())
    stacks.activate(project, "prod")
    assert project.path.read_bytes() == WRITTEN.replace("active: default", "active: prod   ").replace("\n", "\r\n").encode()


def test_a_file_of_comments_only_keeps_them(project_with: ProjectWith) -> None:
    stacks.copied(project_with("# to do\n# later\n"), "default", "mine")
    assert project_with().path.read_text().startswith("# to do\n# later\n")
    assert "mine" in project_with().file.stacks()


def test_the_mode_and_a_link_to_the_file_are_kept(project_with: ProjectWith, tmp_path: Path) -> None:
    real = tmp_path / "real.yaml"
    real.write_text(WRITTEN)
    real.chmod(0o640)
    project = project_with()
    project.path.symlink_to(real)
    stacks.activate(project, "prod")
    assert project.path.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert project_with().file.active == "prod"


def test_no_temporary_file_is_left(project_with: ProjectWith) -> None:
    project = project_with(WRITTEN)
    stacks.activate(project, "prod")
    assert sorted(os.listdir(project.root)) == [".dovetail", "dovetail.yaml"]


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("active: default\nstacks: {a: {b: c}\n", 3, ""),
        ("active: default\nstakcs:\n  a: {}\n", 2, "did you mean 'stacks'"),
        ("active: default\nactive: other\n", 2, "duplicate key"),
        ("components:\n  artifact_store:\n    a: {flavor: local}\n    a: {flavor: local}\n", 4, "duplicate key"),
        ("active: [x]\n", 1, "a list"),
        ("\nallow_pickle: maybe\n", 2, "true or false"),
        ("stacks:\n  - a\n", 1, "`stacks` is a mapping"),
        ("stacks:\n  a:\n    artifact_store: 5\n", 3, "`stacks.a.artifact_store`"),
        ("components:\n  artifact_store:\n    x: local\n", 3, "`components.artifact_store.x`"),
        ("components:\n  artifact_store:\n    x: {path: y}\n", 3, "no `flavor`"),
        ("components:\n  artifact_store:\n    1: {flavor: local}\n", 3, "write it in quotes"),
        ("flavors:\n  artifact_store:\n    x: {a: b}\n", 3, "module:Class"),
        ("just text\n", 1, "instead of keys"),
        ("a: \x00\n", 1, ""),
    ],
)
def test_a_damaged_file_is_told_by_line_and_left_alone(project_with: ProjectWith, text: str, line: int, part: str) -> None:
    project = project_with(text)
    with pytest.raises(DamagedFile) as caught:
        stacks.copied(project, "default", "mine")
    assert f"{project.path}, line {line}" in caught.value.message
    assert part in caught.value.message
    assert "mend the file" in caught.value.remedy
    assert project.path.read_text() == text


def test_a_file_that_is_no_text_is_told(project_with: ProjectWith) -> None:
    project = project_with()
    project.path.write_bytes(b"active: x\nstacks: \xff\xfe\n")
    with pytest.raises(DamagedFile, match="line 2: it is not UTF-8"):
        project.stack_spec()


def test_eight_writers_at_once_lose_nothing(project_with: ProjectWith) -> None:
    project = project_with(WRITTEN)
    code = "import sys; from dovetail.project import Project; from dovetail.stackfile import stacks\n"
    code += "for i in range(5): stacks.copied(Project.find(), 'prod', f'{sys.argv[1]}-{i}')"
    writers = [subprocess.Popen([sys.executable, "-c", code, f"w{number}"], cwd=project.root) for number in range(8)]
    assert [writer.wait() for writer in writers] == [0] * 8
    assert len(project_with().file.stacks()) == 2 + 40
    assert "# the big one" in project.path.read_text()


def test_reading_stacks_imports_no_pydantic(project_with: ProjectWith) -> None:
    root = project_with(WRITTEN).root
    code = "import sys; from dovetail.project import Project; Project.find().file.stack('prod'); sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0

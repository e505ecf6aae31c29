"""The commands about stacks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.project import Project

Run = Callable[..., object]
REST = ["--orchestrator", "default", "--metadata-store", "default"]


def test_a_stack_lives_through_all_commands(dovetail: Run, project_with: Callable[..., Project]) -> None:
    dovetail("artifact-store", "register", "prod", "--flavor", "local", "--path", "elsewhere")
    for words in (
        ["register", "s", "--artifact-store", "default", *REST],
        ["update", "s", "--artifact-store", "prod"],
        ["set", "s"],
        ["validate"],
        ["up"],
        ["down"],
        ["rename", "s", "t"],
        ["copy", "t", "u"],
        ["delete", "u"],
        ["export", "--file", "t.yaml"],
        ["import", "t.yaml", "--name", "v"],
    ):
        done = dovetail("stack", *words)
        assert (done.code, done.err) == (0, "")
    assert dovetail("stack", "get").out == "t\n"
    assert [row["name"] for row in dovetail("stack", "list", "-o", "json").data] == ["default", "t", "v"]
    described = dovetail("stack", "describe", "v", "-o", "json").data
    assert {one["type"]: one["name"] for one in described["components"]}["artifact_store"] == "prod"


def test_all_findings_are_told_when_a_stack_is_registered(dovetail: Run) -> None:
    done = dovetail("stack", "register", "s", "--artifact-store", "prd")
    assert done.code == 2
    for part in ("there is no artifact_store 'prd'", "no metadata store", "no orchestrator", "give --orchestrator NAME; declared: default"):
        assert part in done.err
    assert not Path("dovetail.yaml").exists()


def test_validation_of_a_wrong_stack_fails(dovetail: Run, project_with: Callable[..., Project]) -> None:
    project_with("stacks:\n  s: {artifact_store: lost}\n")
    assert dovetail("stack", "validate", "s").code == 1
    data = dovetail("stack", "validate", "s", "-o", "json").data
    assert (data["valid"], len(data["findings"])) == (False, 3)


@pytest.mark.parametrize("words", [["stack", "list"], ["artifact-store", "list"], ["run", "x:y"], ["artifact-store", "flavor", "list"]])
def test_a_damaged_file_is_told_by_line(dovetail: Run, project_with: Callable[..., Project], words: list[str]) -> None:
    project_with("active: default\nstacks: [\n")
    (Path.cwd() / "x.py").write_text("from dovetail import pipeline\n\n\n@pipeline\ndef y():\n    pass\n")
    done = dovetail(*words)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert "dovetail.yaml, line 3" in done.err


def test_the_doctor_tells_a_damaged_file_and_goes_on(dovetail: Run, project_with: Callable[..., Project]) -> None:
    project_with("stacks: 1\n")
    done = dovetail("doctor")
    assert done.code == 1
    assert "WRONG dovetail.yaml" in done.out
    assert "ok    artifact_store flavor 'local'" in done.out


def test_the_doctor_is_content_with_a_new_project(dovetail: Run) -> None:
    done = dovetail("doctor", "-o", "json")
    assert (done.code, done.data["ok"]) == (0, True)
    assert {"stack 'default'", "artifact_store 'default'"} <= {one["subject"] for one in done.data["checks"]}


def test_the_doctor_runs_the_checks_of_components(dovetail: Run, project_with: Callable[..., Project]) -> None:
    project_with("components:\n  artifact_store:\n    a: {flavor: local, path: ./a-file}\n")
    Path("a-file").write_text("")
    done = dovetail("doctor")
    assert done.code == 1
    assert "WRONG artifact_store 'a': " in done.out
    assert "a-file is no directory" in done.out


def test_a_project_is_made_once(dovetail: Run) -> None:
    assert dovetail("init").code == 0
    assert dovetail("stack", "get").out == "default\n"
    done = dovetail("init")
    assert (done.code, "exists already" in done.err) == (2, True)


def test_secrets_that_are_exported_are_for_the_owner_only(dovetail: Run) -> None:
    assert dovetail("stack", "export", "--with-secrets", "--file", "out.yaml").code == 0
    assert Path("out.yaml").stat().st_mode & 0o777 == 0o600
    assert dovetail("stack", "export", "--file", "out.yaml").code == 2

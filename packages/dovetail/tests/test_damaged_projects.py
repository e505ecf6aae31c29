"""A project that somebody damaged is told what is wrong, by the name of the file, and nothing of it is overwritten."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest
from project_directory import ProjectDirectory

from dovetail import get_run, pipeline, step
from dovetail_core import ConfigError, Conflict, IntegrityError, NotFound


@step
def text() -> str:
    return "recorded"


@pipeline
def flow() -> None:
    text()


def artifact_file(project: ProjectDirectory) -> Path:
    (file,) = (path for path in (project.path / ".dovetail" / "artifacts" / "runs").rglob("*") if path.is_file())
    return file


def test_a_stack_file_that_is_no_yaml_is_named_with_its_line_and_left_alone(project: ProjectDirectory) -> None:
    damaged = "stacks:\n  a: {orchestrator: [\n"
    project.write("dovetail.yaml", damaged)
    with pytest.raises(ConfigError, match=r"dovetail\.yaml.*line"):
        flow()
    assert (project.path / "dovetail.yaml").read_text() == damaged


def test_a_misspelt_key_of_the_stack_file_is_refused_by_name(project: ProjectDirectory) -> None:
    project.write("dovetail.yaml", "componets: {}\n")
    with pytest.raises(ConfigError, match=r"componets.*components"):
        flow()


def test_a_misspelt_setting_of_a_component_is_refused_by_name(project: ProjectDirectory) -> None:
    project.write("dovetail.yaml", "components: {artifact_store: {default: {flavor: local, durabel: true}}}\n")
    with pytest.raises(ConfigError, match="'durabel' is not a setting, did you mean 'durable'"):
        flow()


@pytest.mark.parametrize("content", [b"SQLite format 3\x00" + b"\x00" * 50, b"no database at all" * 500])
def test_a_truncated_or_foreign_database_is_named_and_left_alone(project: ProjectDirectory, content: bytes) -> None:
    database = project.path / ".dovetail" / "metadata.db"
    database.write_bytes(content)
    with pytest.raises((IntegrityError, ConfigError), match=r"metadata\.db"):
        flow()
    assert database.read_bytes() == content


def test_an_altered_artifact_is_not_loaded_and_named(project: ProjectDirectory) -> None:
    run = flow()
    file = artifact_file(project)
    file.write_bytes(file.read_bytes().replace(b"recorded", b"replaced"))
    with pytest.raises(IntegrityError, match=file.name) as caught:
        run.steps["text"].outputs["output"].load()
    assert "run" in caught.value.remedy


def test_a_deleted_artifact_is_named(project: ProjectDirectory) -> None:
    run = flow.with_options(run_name="lost")()
    file = artifact_file(project)
    file.unlink()
    with pytest.raises(NotFound, match=file.name):
        get_run("lost").steps["text"].outputs["output"].load()
    assert run.state == "succeeded"


def test_an_artifact_in_the_store_of_another_stack_is_not_said_to_be_deleted_and_not_left_over(project: ProjectDirectory) -> None:
    project.write(
        "dovetail.yaml",
        """
        active: default
        components: {artifact_store: {archive: {flavor: local, path: archive}}}
        stacks: {second: {orchestrator: default, artifact_store: archive, metadata_store: default}}
        """,
    )
    run = flow.with_options(run_name="archived", stack="second")()
    with pytest.raises(NotFound, match=r"stored elsewhere, as file:.*archive") as raised:
        get_run("archived").steps["text"].outputs["output"].load()
    assert "choose the stack of the run" in raised.value.remedy
    with pytest.raises(Conflict, match="'archived' are in another artifact store") as refused:
        get_run("archived").delete()
    assert "'second'" in refused.value.remedy
    assert run.delete() == 1


def test_a_project_that_was_moved_has_its_artifacts(project: ProjectDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    flow.with_options(run_name="before")()
    moved = project.path.rename(project.path.with_name("moved"))
    monkeypatch.chdir(moved)
    assert get_run("before").steps["text"].outputs["output"].load() == "recorded"
    assert get_run("before").delete() == 1


def test_the_delay_is_kept_between_all_attempts(project: ProjectDirectory) -> None:
    tried: list[float] = []

    @step(retry={"retries": 2, "delay": 0.3, "backoff": 1})
    def fails_twice() -> int:
        tried.append(time.monotonic())
        if len(tried) < 3:
            raise RuntimeError
        return len(tried)

    @pipeline
    def retried() -> None:
        fails_twice()

    run = retried()
    assert [later - sooner >= 0.3 for sooner, later in itertools.pairwise(tried)] == [True, True]
    assert run.steps["fails_twice"].record.attempt == 3
    assert run.steps["fails_twice"].outputs["output"].load() == 3

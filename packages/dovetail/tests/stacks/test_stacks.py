"""Stacks are validated as a whole before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.project import Project
from dovetail.stackfile import components, local_flavors, stacks
from dovetail_core import AlreadyExists, BrokenFlavor, ConfigError, Conflict, InvalidArgument, NotFound, StackInvalid

ProjectWith = Callable[..., Project]

DEFAULTS = {"orchestrator": ["default"], "artifact_store": ["default"], "metadata_store": ["default"]}


def test_a_stack_is_registered_and_used(project_with: ProjectWith) -> None:
    components.register(project_with(), "artifact_store", "prod", "local", {"path": "elsewhere"})
    stacks.register(project_with(), "prod", {**DEFAULTS, "artifact_store": ["prod"]})
    stacks.activate(project_with(), "prod")
    with project_with().stack() as stack:
        assert stack.name == "prod"
        assert stack.artifact_store.config.path == Path.cwd() / "elsewhere"


def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_written(project_with: ProjectWith) -> None:
    project = project_with("components:\n  artifact_store:\n    bad: {flavor: local, pth: x}\n    gone: {flavor: vanished}\n")
    before = project.path.read_text()
    with pytest.raises(StackInvalid) as caught:
        stacks.register(project, "s", {"artifact_store": ["bad", "gone", "nobody"], "orchestrator": ["defualt"]})
    text = caught.value.message
    for part in ("'pth' is not a setting", "'vanished'", "no artifact_store 'nobody'", "did you mean 'default'", "several"):
        assert part in text
    assert "no metadata store" in text
    assert "no orchestrator, and" not in text
    assert text.count("stack 's'") == 1
    assert project.path.read_text() == before


def test_validation_of_a_stack_repeats_what_registration_would_say(project_with: ProjectWith) -> None:
    project = project_with("stacks:\n  s: {orchestrator: default, metadata_store: default, artifact_store: lost}\n")
    assert [one.problem for one in project.findings("s")] == ["there is no artifact_store 'lost'"]
    with pytest.raises(StackInvalid):
        project.stack("s")


def test_a_misspelt_stack_is_told_the_closest(project_with: ProjectWith) -> None:
    with pytest.raises(NotFound, match="did you mean 'default'"):
        project_with().stack("defalt")


def test_an_update_replaces_types_and_keeps_the_others(project_with: ProjectWith) -> None:
    stacks.register(project_with(), "s", DEFAULTS)
    components.copied(project_with(), "artifact_store", "default", "two")
    stacks.update(project_with(), "s", {"artifact_store": ["two"]})
    assert project_with().file.stack("s")["artifact_store"] == ("two",)
    with pytest.raises(StackInvalid):
        stacks.update(project_with(), "s", {"artifact_store": ["three"]})
    assert project_with().file.stack("s") == {**{kind: tuple(names) for kind, names in DEFAULTS.items()}, "artifact_store": ("two",)}


def test_a_required_component_cannot_be_taken_out(project_with: ProjectWith) -> None:
    stacks.register(project_with(), "s", DEFAULTS)
    with pytest.raises(StackInvalid, match="no orchestrator"):
        stacks.remove_component(project_with(), "s", "orchestrator")
    with pytest.raises(NotFound, match="did you mean 'orchestrator'"):
        stacks.remove_component(project_with(), "s", "orchestrater")


def test_one_of_several_can_be_taken_out_of_a_stack_that_is_wrong(project_with: ProjectWith) -> None:
    project = project_with("stacks:\n  s: {orchestrator: default, metadata_store: default, artifact_store: [default, lost]}\n")
    stacks.remove_component(project, "s", "artifact_store", "lost")
    assert project_with().findings("s") == []


def test_a_stack_with_two_faults_is_mended_one_by_one(project_with: ProjectWith) -> None:
    text = "stacks:\n  s: {orchestrator: default, metadata_store: default, artifact_store: [default, lost], alerter: gone}\n"
    stacks.remove_component(project_with(text), "s", "artifact_store", "lost")
    assert len(project_with().findings("s")) == 1
    stacks.remove_component(project_with(), "s", "alerter")
    assert project_with().findings("s") == []


def test_renaming_the_active_stack_keeps_it_active(project_with: ProjectWith) -> None:
    stacks.register(project_with(), "s", DEFAULTS)
    stacks.activate(project_with(), "s")
    stacks.rename(project_with(), "s", "t")
    assert project_with().file.active == "t"
    assert list(project_with().file.stacks()) == ["default", "t"]


def test_the_active_stack_and_default_are_not_deleted(project_with: ProjectWith) -> None:
    stacks.copied(project_with(), "default", "s")
    stacks.activate(project_with(), "s")
    with pytest.raises(Conflict, match="active"):
        stacks.delete(project_with(), "s")
    with pytest.raises(InvalidArgument, match="default"):
        stacks.delete(project_with(), "default")
    with pytest.raises(InvalidArgument, match="default"):
        stacks.rename(project_with(), "default", "x")
    with pytest.raises(AlreadyExists):
        stacks.copied(project_with(), "s", "default")
    stacks.activate(project_with(), "default")
    stacks.delete(project_with(), "s")
    assert list(project_with().file.stacks()) == ["default"]


def test_the_default_stack_may_be_changed(project_with: ProjectWith) -> None:
    components.copied(project_with(), "artifact_store", "default", "two")
    stacks.update(project_with(), "default", {"artifact_store": ["two"]})
    assert project_with().stack_spec().of("artifact_store")[0].name == "two"


def test_a_flavor_of_the_project_is_registered_once_it_is_one(project_with: ProjectWith) -> None:
    root = project_with().root
    (root / "ownstore_a.py").write_text(
        "from dovetail_artifact_store.local import LocalArtifactStore\nclass Own(LocalArtifactStore):\n    flavor = 'own'\n"
    )
    local_flavors.register(project_with(), "artifact_store", "own", "ownstore_a:Own")
    components.register(project_with(), "artifact_store", "mine", "own", {})
    with pytest.raises(Conflict, match="used by mine"):
        local_flavors.unregister(project_with(), "artifact_store", "own")
    components.delete(project_with(), "artifact_store", "mine")
    local_flavors.unregister(project_with(), "artifact_store", "own")
    assert project_with().local_flavors() == {}


@pytest.mark.parametrize("target", ["no_such_module:Own", "json:JSONDecoder", "not a target", "os:system"])
def test_what_is_no_flavor_is_not_registered(project_with: ProjectWith, target: str) -> None:
    project = project_with()
    with pytest.raises(BrokenFlavor):
        local_flavors.register(project, "artifact_store", "own", target)
    assert not project.path.exists()


def test_a_flavor_of_the_project_does_not_shadow_an_installed_one(project_with: ProjectWith) -> None:
    with pytest.raises(AlreadyExists, match="dovetail-artifact-store"):
        local_flavors.register(project_with(), "artifact_store", "local", "x:Y")


def test_pickle_is_allowed_only_by_the_file(project_with: ProjectWith) -> None:
    assert not project_with().allow_pickle
    assert project_with("allow_pickle: true\n").allow_pickle
    with pytest.raises(ConfigError):
        _ = project_with("allow_pickle: 'yes'\n").allow_pickle

"""Components are changed only if they can be used then, and never behind the back of a stack."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.project import Project
from dovetail.stackfile import components, stacks
from dovetail.stackfile.secret_settings import masked
from dovetail_core import AlreadyExists, ConfigError, Conflict, InvalidArgument, NotFound

ProjectWith = Callable[..., Project]

GONE = """\
components:
  artifact_store:
    old: {flavor: vanished, bucket: b, password: hunter22}
    bad: {flavor: local, pth: x, durable: no}
stacks:
  old: {orchestrator: default, metadata_store: default, artifact_store: old}
"""


def test_a_component_is_registered_as_it_was_written(project_with: ProjectWith) -> None:
    components.register(project_with(), "artifact_store", "prod", "local", {"path": "./here", "durable": True})
    assert project_with().file.component("artifact_store", "prod").settings == {"path": "./here", "durable": True}
    assert "path: ./here" in project_with().path.read_text()


def test_all_wrong_settings_are_told_at_once_and_nothing_is_written(project_with: ProjectWith) -> None:
    project = project_with()
    with pytest.raises(ConfigError) as caught:
        components.register(project, "artifact_store", "prod", "local", {"pth": "x", "durable": "perhaps"})
    assert "did you mean 'path'" in caught.value.message
    assert "'durable'" in caught.value.message
    assert not project.path.exists()


def test_misspelt_types_and_flavors_are_told(project_with: ProjectWith) -> None:
    with pytest.raises(NotFound, match="did you mean 'local'"):
        components.register(project_with(), "artifact_store", "a", "locl", {})
    with pytest.raises(NotFound, match="did you mean 'artifact_store'"):
        components.register(project_with(), "artefact_store", "a", "local", {})


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "{{x.y}}"])
def test_names_that_cannot_be_typed_are_refused(project_with: ProjectWith, name: str) -> None:
    with pytest.raises(InvalidArgument):
        components.register(project_with(), "artifact_store", name, "local", {})


def test_a_name_is_given_once(project_with: ProjectWith) -> None:
    with pytest.raises(AlreadyExists, match="'default'"):
        components.register(project_with(), "artifact_store", "default", "local", {})


def test_an_update_keeps_the_other_settings(project_with: ProjectWith) -> None:
    components.register(project_with(), "artifact_store", "a", "local", {"path": "x", "durable": True})
    components.update(project_with(), "artifact_store", "a", {"path": "y"})
    assert project_with().file.component("artifact_store", "a").settings == {"path": "y", "durable": True}


def test_an_update_that_spoils_is_refused(project_with: ProjectWith) -> None:
    components.register(project_with(), "artifact_store", "a", "local", {"path": "x"})
    before = project_with().path.read_text()
    with pytest.raises(ConfigError, match="did you mean 'durable'"):
        components.update(project_with(), "artifact_store", "a", {"durble": True})
    assert project_with().path.read_text() == before


def test_the_built_in_components_can_be_redefined_and_restored(project_with: ProjectWith) -> None:
    components.update(project_with(), "metadata_store", "default", {"busy_timeout": 5.0})
    assert dict(project_with().stack_spec().of("metadata_store")[0].settings) == {"busy_timeout": 5.0}
    components.delete(project_with(), "metadata_store", "default")
    assert dict(project_with().stack_spec().of("metadata_store")[0].settings) == {}
    with pytest.raises(InvalidArgument, match="built in"):
        components.delete(project_with(), "metadata_store", "default")


def test_a_required_setting_cannot_be_removed(project_with: ProjectWith, vault_flavor: Path) -> None:
    components.register(project_with(), "artifact_store", "v", "vault", {"bucket": "b", "size": 1})
    components.remove_attributes(project_with(), "artifact_store", "v", ["size"])
    with pytest.raises(ConfigError, match="'bucket' is required"):
        components.remove_attributes(project_with(), "artifact_store", "v", ["bucket"])
    with pytest.raises(NotFound, match="did you mean 'bucket'"):
        components.remove_attributes(project_with(), "artifact_store", "v", ["bukcet"])
    assert project_with().file.component("artifact_store", "v").settings == {"bucket": "b"}


def test_settings_that_are_wrong_can_be_removed_one_by_one(project_with: ProjectWith) -> None:
    project = project_with("components:\n  artifact_store:\n    a: {flavor: local, x1: 1, x2: 2}\n")
    components.remove_attributes(project, "artifact_store", "a", ["x1"])
    components.remove_attributes(project, "artifact_store", "a", ["x2", "x2"])
    assert project_with().file.component("artifact_store", "a").settings == {}


def test_renaming_updates_the_stacks(project_with: ProjectWith) -> None:
    project = project_with(GONE.replace("artifact_store: old}", "artifact_store: [old]}"))
    assert components.rename(project, "artifact_store", "old", "new") == ["old"]
    assert project_with().file.stack("old")["artifact_store"] == ("new",)
    assert "artifact_store: [new]" in project_with().path.read_text()


def test_a_component_in_use_is_not_deleted(project_with: ProjectWith) -> None:
    project = project_with(GONE)
    with pytest.raises(Conflict, match="used by stack 'old'"):
        components.delete(project, "artifact_store", "old")
    assert project.path.read_text() == GONE
    stacks.delete(project, "old")
    components.delete(project, "artifact_store", "old")
    assert [one.name for one in project_with().file.components("artifact_store")] == ["bad", "default"]


def test_components_whose_flavor_is_gone_can_be_shown_renamed_copied_and_deleted(project_with: ProjectWith) -> None:
    project = project_with(GONE)
    assert masked(project, project.file.component("artifact_store", "old")) == {"bucket": "b", "password": "**********"}
    components.copied(project, "artifact_store", "old", "other")
    components.rename(project, "artifact_store", "other", "another")
    components.rename(project, "artifact_store", "bad", "worse")
    components.delete(project, "artifact_store", "another")
    components.delete(project, "artifact_store", "worse")
    assert [one.name for one in project_with().file.components("artifact_store")] == ["default", "old"]


def test_secrets_are_masked_at_any_depth_and_references_are_not(project_with: ProjectWith, vault_flavor: Path) -> None:
    settings = {
        "bucket": "b",
        "key": "s3cr3t-1",
        "proxy": {"url": "u", "password": "s3cr3t-2"},
        "keys": {"a": "s3cr3t-3", "b": "{{cloud.key}}"},
    }
    components.register(project_with(), "artifact_store", "v", "vault", settings)
    project = project_with()
    shown = masked(project, project.file.component("artifact_store", "v"))
    assert "s3cr3t" not in repr(shown)
    assert (shown["bucket"], shown["proxy"]["url"], shown["keys"]["b"]) == ("b", "u", "{{cloud.key}}")

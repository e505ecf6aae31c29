"""Stacks go from one project to another, also to where their flavors are missing, and leave secrets behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail.project import Project
from dovetail.stackfile import components, stacks
from dovetail.stackfile.transfer import exported, import_stack
from dovetail_core import AlreadyExists

ProjectWith = Callable[..., Project]
SECRETS = {"key": "s3cr3t-1", "proxy": {"url": "u", "password": "s3cr3t-2"}, "keys": {"a": "s3cr3t-3", "b": "{{cloud.key}}"}}


def _vaulted(project_with: ProjectWith) -> None:
    components.register(project_with(), "artifact_store", "v", "vault", {"bucket": "b", "path": "./rel", **SECRETS})
    text = project_with().path.read_text() + "stacks:\n  s: {orchestrator: default, metadata_store: default, artifact_store: v}\n"
    project_with(text)


def test_literal_secrets_are_left_out_and_named(project_with: ProjectWith, vault_flavor: Path) -> None:
    _vaulted(project_with)
    text = exported(project_with(), "s")
    assert "s3cr3t" not in text
    for path in ("artifact_store.v.key", "artifact_store.v.proxy.password", "artifact_store.v.keys.a"):
        assert path in text.splitlines()[0]
    assert "{{cloud.key}}" in text
    assert "path: ./rel" in text


def test_a_secret_that_only_contains_references_is_no_reference(project_with: ProjectWith, vault_flavor: Path) -> None:
    _vaulted(project_with)
    components.update(project_with(), "artifact_store", "v", {"key": "{{a.b}}hunter2{{c.d}}"})
    assert "hunter2" not in exported(project_with(), "s")


def test_secrets_are_exported_on_request(project_with: ProjectWith, vault_flavor: Path) -> None:
    _vaulted(project_with)
    text = exported(project_with(), "s", with_secrets=True)
    assert all(f"s3cr3t-{number}" in text for number in (1, 2, 3))


def test_an_import_elsewhere_gives_the_same_stack(project_with: ProjectWith, tmp_path: Path) -> None:
    components.register(project_with(), "artifact_store", "prod", "local", {"path": "./rel", "durable": True})
    stacks.copied(project_with(), "default", "s")
    stacks.update(project_with(), "s", {"artifact_store": ["prod"]})
    there = Project(tmp_path / "there")
    there.root.mkdir()
    done = import_stack(there, exported(project_with(), "s"), Path("s.yaml"))
    assert (done.stack, done.added, done.findings) == ("s", ("artifact_store 'prod'",), ())
    here, other = project_with().stack_spec("s"), Project(there.root).stack_spec("s")
    assert other.components == here.components


def test_a_stack_of_flavors_that_are_missing_is_imported_whole(project_with: ProjectWith) -> None:
    text = "components:\n  artifact_store:\n    far: {flavor: vanished, bucket: b, tags: [1, {a: b}]}\n"
    text += "  gpu_pool:\n    big: {flavor: x, size: 3}\n"
    text += "stacks:\n  s: {orchestrator: default, metadata_store: default, artifact_store: far, gpu_pool: [big]}\n"
    done = import_stack(project_with(), text, Path("s.yaml"))
    assert sorted(done.added) == ["artifact_store 'far'", "gpu_pool 'big'"]
    problems = "; ".join(map(str, done.findings))
    assert "vanished" in problems
    assert "gpu_pool" in problems
    assert project_with().file.component("artifact_store", "far").settings == {"bucket": "b", "tags": [1, {"a": "b"}]}
    again = exported(project_with(), "s")
    assert "size: 3" in again


def test_nothing_of_another_meaning_is_overwritten(project_with: ProjectWith) -> None:
    project = project_with("components:\n  artifact_store:\n    far: {flavor: local}\n")
    before = project.path.read_text()
    text = "components:\n  artifact_store:\n    far: {flavor: local, path: other}\nstacks:\n  s: {artifact_store: far}\n"
    with pytest.raises(AlreadyExists, match="artifact_store 'far'"):
        import_stack(project, text, Path("s.yaml"))
    with pytest.raises(AlreadyExists, match="stack 'default'"):
        import_stack(project, exported(project, "default"), Path("s.yaml"))
    assert project.path.read_text() == before


def test_an_imported_stack_may_have_another_name(project_with: ProjectWith) -> None:
    done = import_stack(project_with(), exported(project_with(), "default"), Path("s.yaml"), "mine")
    assert (done.stack, done.added) == ("mine", ())
    assert project_with().findings("mine") == []

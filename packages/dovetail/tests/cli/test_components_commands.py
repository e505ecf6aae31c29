"""The commands about components: options come from the flavor, errors are one paragraph."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from installed_packages import install

from dovetail.project import Project

Run = Callable[..., object]
GROUP = "dovetail.flavors.v1.artifact_store"


def test_the_help_shows_the_flavors_settings(dovetail: Run, vault_flavor: Path) -> None:
    done = dovetail("artifact-store", "register", "prod", "--flavor", "vault", "--help")
    assert done.code == 0
    for part in ("--bucket TEXT", "The bucket.", "[required]", "--size INTEGER", "--proxy JSON", "Objects in a vault."):
        assert part in done.out


def test_without_a_flavor_the_help_works_as_well(dovetail: Run) -> None:
    done = dovetail("artifact-store", "register", "--help")
    assert (done.code, "--flavor" in done.out) == (0, True)


def test_typed_settings_arrive(dovetail: Run, vault_flavor: Path, project_with: Callable[..., Project]) -> None:
    words = ["--bucket", "b", "--size", "3", "--proxy", '{"url": "u"}', "--keys={}", "--key", "{{cloud.key}}"]
    assert dovetail("artifact-store", "register", "prod", "--flavor", "vault", *words).code == 0
    assert project_with().file.component("artifact_store", "prod").settings == {
        "bucket": "b",
        "size": 3,
        "proxy": {"url": "u"},
        "keys": {},
        "key": "{{cloud.key}}",
    }


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--buckte", "b"], "--bucket"),
        (["--bucket", "b", "--size", "many"], "'many' is not a number"),
        (["--bucket", "b", "--proxy", "{"], "'{' is not JSON"),
        (["--bucket", "b", "--hosts", "a.example, b"], """'a.example, b' is not JSON; a list is written '["a.example", "b"]'"""),
        (["--bucket", "b", "--keys", "k"], """'k' is not JSON; a mapping is written '{"name": "value"}'"""),
        (["--size", "3"], "'bucket' is required"),
        (["--bucket", "b", "--proxy", "{}"], "'proxy.url'"),
    ],
)
def test_a_wrong_option_is_one_paragraph(dovetail: Run, vault_flavor: Path, words: list[str], part: str) -> None:
    done = dovetail("artifact-store", "register", "prod", "--flavor", "vault", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Error: ")
    assert len(done.err.splitlines()) == 1
    assert part in done.err
    assert not Path("dovetail.yaml").exists()


def test_a_misspelt_flavor_and_a_missing_one_are_told(dovetail: Run) -> None:
    assert "did you mean 'local'" in dovetail("artifact-store", "register", "a", "--flavor", "locall").err
    assert "--flavor" in dovetail("artifact-store", "register", "a").err


def test_a_component_lives_through_all_commands(dovetail: Run, project_with: Callable[..., Project]) -> None:
    for words in (
        ["register", "a", "--flavor", "local", "--path", "x", "--durable"],
        ["update", "a", "--path", "y", "--no-durable"],
        ["remove-attribute", "a", "durable"],
        ["copy", "a", "b"],
        ["rename", "b", "c"],
        ["up", "c"],
        ["down", "c"],
        ["delete", "a"],
    ):
        done = dovetail("artifact-store", *words)
        assert (done.code, done.err) == (0, "")
    assert [row["name"] for row in dovetail("artifact-store", "list", "-o", "json").data] == ["c", "default"]
    assert dovetail("artifact-store", "describe", "c", "-o", "json").data["settings"] == {"path": "y"}
    assert dovetail("artifact-store", "get").out == "default\n"


def test_secrets_are_shown_nowhere(dovetail: Run, vault_flavor: Path) -> None:
    secrets = ["--key", "s3cr3t-1", "--proxy", '{"url": "u", "password": "s3cr3t-2"}', "--keys", '{"a": "s3cr3t-3"}']
    dovetail("artifact-store", "register", "prod", "--flavor", "vault", "--bucket", "b", *secrets)
    dovetail("stack", "register", "s", "--artifact-store", "prod", "--orchestrator", "default", "--metadata-store", "default", "--set")
    shown = [["artifact-store", "describe", "prod"], ["artifact-store", "list"], ["stack", "describe", "s"], ["stack", "export", "s"]]
    shown += [["doctor"], ["stack", "validate", "s"], ["artifact-store", "update", "prod", "--buckt", "x"], ["stack", "list"]]
    for words in shown:
        for form in [[], ["-o", "json"], ["-o", "yaml"]]:
            done = dovetail(*words, *form)
            assert "s3cr3t" not in done.out + done.err


def test_a_component_whose_flavor_is_gone_is_a_row_and_can_be_described(dovetail: Run, project_with: Callable[..., Project]) -> None:
    project_with("components:\n  artifact_store:\n    old: {flavor: vanished, bucket: b}\n")
    row = next(row for row in dovetail("artifact-store", "list", "-o", "json").data if row["name"] == "old")
    assert ("vanished" in row["problem"], row["remedy"]) == (True, "pip install dovetail-artifact-store-vanished")
    described = dovetail("artifact-store", "describe", "old", "-o", "yaml")
    assert (described.code, "bucket: b" in described.out, "vanished" in described.out) == (0, True, True)


@pytest.mark.parametrize("source", ["import no_such_sdk\n", "def f(:\n", "raise SystemExit(3)\n", "F = print\n", "class F: pass\n"])
def test_flavors_that_break_when_loaded_are_told_on_request(dovetail: Run, site: Path, source: str) -> None:
    name = f"breaking_{abs(hash(source))}"
    install(site, "acme-breaking", GROUP, {"breaking": f"{name}:F"}, **{name: source})
    row = next(row for row in dovetail("artifact-store", "flavor", "list", "--verify", "-o", "json").data if row["name"] == "breaking")
    assert row["problem"]
    assert "pip " in row["remedy"]
    assert dovetail("artifact-store", "flavor", "describe", "breaking").code == 1
    done = dovetail("doctor")
    assert done.code == 1
    assert "\nWRONG artifact_store flavor 'breaking'" in f"\n{done.out}"


def test_a_flavor_is_described_with_its_settings(dovetail: Run) -> None:
    data = dovetail("artifact-store", "flavor", "describe", "local", "-o", "json").data
    assert [one["option"] for one in data["settings"]] == ["--path", "--durable"]
    assert "CONDITIONAL" in " ".join(data["capabilities"]).upper()


def test_a_flavor_of_the_project_is_offered_and_withdrawn(dovetail: Run, project_with: Callable[..., Project]) -> None:
    (project_with().root / "ownstore_b.py").write_text(
        "from dovetail_artifact_store.local import LocalArtifactStore\nclass Own(LocalArtifactStore):\n    flavor = 'own'\n"
    )
    assert dovetail("artifact-store", "flavor", "register", "own", "ownstore_b:Own").code == 0
    assert {row["name"]: row["source"] for row in dovetail("artifact-store", "flavor", "list", "-o", "json").data}["own"] == "this project"
    assert dovetail("artifact-store", "flavor", "unregister", "own").code == 0


def test_a_flavor_of_the_project_has_by_default_the_name_that_its_class_says(dovetail: Run, project_with: Callable[..., Project]) -> None:
    (project_with().root / "ownstore_c.py").write_text(
        "from dovetail_artifact_store.local import LocalArtifactStore\nclass Own(LocalArtifactStore):\n    flavor = 'mine'\n"
    )
    register = ("artifact-store", "flavor", "register")
    assert "flavor 'mine'" in dovetail(*register, "ownstore_c:Own").out
    assert "offered already, by this project" in dovetail(*register, "ownstore_c:Own").err
    assert "[NAME] MODULE:CLASS" in dovetail(*register, "ownstore_c.Own").err
    assert "no attribute 'Other'" in dovetail(*register, "ownstore_c:Other").err


def test_a_setting_called_like_an_option_of_the_command_has_another_option(dovetail: Run, site: Path) -> None:
    source = """\
        from pydantic import Field
        from dovetail_artifact_store.local import LocalArtifactStore
        class Odd(LocalArtifactStore):
            flavor = "odd"
            class Config(LocalArtifactStore.Config):
                output: str = Field(default="x", description="Where to.")
    """
    install(site, "acme-odd", GROUP, {"odd": "acme_odd:Odd"}, acme_odd=textwrap.dedent(source))
    done = dovetail("artifact-store", "register", "o", "--flavor", "odd", "--setting-output", "there", "-o", "json")
    assert done.data["name"] == "o"
    assert dovetail("artifact-store", "describe", "o", "-o", "json").data["settings"] == {"output": "there"}

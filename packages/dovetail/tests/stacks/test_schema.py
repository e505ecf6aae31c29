"""The schema for editors accepts what the reader accepts, and refuses what the reader refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest
from installed_packages import install
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, SecretStr, ValidationError, create_model

from dovetail.options import RunOptions
from dovetail.project import Project
from dovetail.stackfile import DamagedFile, components
from dovetail.stackfile.document import plain
from dovetail.stackfile.schema import run_configuration_schema, stack_file_schema
from dovetail.stackfile.setting_schemas import model_schema
from dovetail_core import Resources, RetryPolicy
from dovetail_core.errors import DovetailError

ProjectWith = Callable[..., Project]

FULL = """\
active: prod
allow_pickle: true
components:
  artifact_store:
    prod: {flavor: local, path: "big disk", durable: yes}
    vault:
      flavor: vault
      bucket: b
      key: "{{vault.key}}"
      size: "5"
      proxy: {url: here, password: "{{vault.password}}"}
      keys: {a: "{{vault.a}}", b: plain}
    mine: {flavor: mine, path: x}
stacks:
  prod:
    orchestrator: default
    metadata_store: default
    artifact_store:
      - prod
flavors:
  artifact_store:
    mine: own_store:OwnStore
"""
OWN = "from dovetail_artifact_store.local import LocalArtifactStore\nclass OwnStore(LocalArtifactStore):\n    flavor = 'mine'\n"
STORE = "components:\n  artifact_store:\n    x: "
STACK = "stacks:\n  x: {orchestrator: default, metadata_store: default"


def _reader_accepts(project: Project) -> bool:
    """Tell whether everything in a stack file can be used."""
    try:
        for component in project.file.components():
            components.ensure_fits(project, component)
    except (DamagedFile, DovetailError):
        return False
    return not any(project.findings(name) for name in project.file.stacks())


def _schema_problems(project: Project) -> list[str]:
    """Return what an editor says; of a damaged file, with the schema from before the damage."""
    from ruamel.yaml import YAML

    try:
        document = stack_file_schema(project).document
    except DamagedFile:
        document = stack_file_schema(Project(project.root / "without_a_file")).document
    Draft202012Validator.check_schema(document)
    return [one.message for one in Draft202012Validator(document).iter_errors(plain(YAML(typ="safe").load(project.path)))]


@pytest.fixture
def project_of(project_with: ProjectWith, vault_flavor: Path) -> Callable[[str], Project]:
    """Return a function that gives the project with a stack file, where flavors `vault` and `mine` are there."""

    def of(text: str) -> Project:
        project = project_with("")
        (project.root / "own_store.py").write_text(OWN)
        return project_with(text)

    return of


@pytest.mark.parametrize(
    "text",
    [
        FULL,
        "active: default\n",
        "components:\nstacks:\nflavors:\n",
        "components:\n  artifact_store:\n",
        f"{STORE}{{flavor: vault, bucket: b, size: null, proxy: null}}\n",
        f"{STORE}{{flavor: vault, bucket: b, size: '1_000'}}\n",
        f"{STORE}{{flavor: local, durable: 'off'}}\n",
        f"{STORE}{{flavor: local, durable: 1}}\n",
        f"{STACK}, artifact_store: default}}\n",
        f"{STACK}, artifact_store: [default]}}\n",
    ],
)
def test_what_the_reader_accepts_the_schema_accepts(project_of: Callable[[str], Project], text: str) -> None:
    project = project_of(text)
    assert _reader_accepts(project)
    assert _schema_problems(project) == []


@pytest.mark.parametrize(
    "text",
    [
        "stakcs: {}\n",
        "active: [x]\n",
        "active:\n",
        "allow_pickle: maybe\n",
        "stacks: [a]\n",
        "components:\n  artifact_stores:\n    x: {flavor: local}\n",
        f"{STORE}local\n",
        f"{STORE}{{path: y}}\n",
        f"{STORE}{{flavor: lokal}}\n",
        f"{STORE}{{flavor: sqlite}}\n",
        f"{STORE}{{flavor: local, pth: y}}\n",
        f"{STORE}{{flavor: local, bucket: y}}\n",
        f"{STORE}{{flavor: local, path: 5}}\n",
        f"{STORE}{{flavor: local, path: null}}\n",
        f"{STORE}{{flavor: local, durable: maybe}}\n",
        f"{STORE}{{flavor: local, durable: 2}}\n",
        f"{STORE}{{flavor: vault}}\n",
        f"{STORE}{{flavor: vault, bucket: b, size: big}}\n",
        f"{STORE}{{flavor: vault, bucket: b, size: 1.5}}\n",
        f"{STORE}{{flavor: vault, bucket: b, proxy: {{password: x}}}}\n",
        f"{STORE}{{flavor: vault, bucket: b, key: [a]}}\n",
        f"{STORE}{{flavor: mine}}\n",
        f"{STACK}}}\n",
        f"{STACK}, artifact_store: 5}}\n",
        f"{STACK}, artifact_store: []}}\n",
        f"{STACK}, artifact_store: [default, default]}}\n",
        f"{STACK}, artifact_store: default, artifact_stroe: default}}\n",
        "stacks:\n  x:\n",
        "flavors:\n  artifact_store:\n    x: {a: b}\n",
        "just text\n",
    ],
)
def test_what_the_reader_refuses_the_schema_refuses(project_of: Callable[[str], Project], text: str) -> None:
    project = project_of(text)
    assert not _reader_accepts(project)
    assert _schema_problems(project) != []


def test_a_reference_to_a_number_is_read_and_marked(project_of: Callable[[str], Project]) -> None:
    project = project_of(f"{STORE}{{flavor: vault, bucket: b, size: '{{{{a.b}}}}'}}\n")
    assert _reader_accepts(project)
    assert _schema_problems(project) != []


def test_every_setting_of_every_flavor_is_described(project_of: Callable[[str], Project]) -> None:
    """A field that has a description shows it in the editor, and so do flavors and types."""
    project = project_of(FULL)
    document = stack_file_schema(project).document
    for row in project.catalog().rows():
        settings = document["$defs"][row.type]["$defs"][row.name]["properties"]
        fields = project.catalog().load(row.type, row.name).Config.model_fields
        assert {name: settings[name].get("description") for name in fields} == {name: one.description for name, one in fields.items()}
        assert settings["flavor"]["description"]
    assert document["$defs"]["artifact_store"]["$defs"]["vault"]["title"] == "vault artifact store"


def test_the_names_that_are_declared_are_examples(project_of: Callable[[str], Project]) -> None:
    document = stack_file_schema(project_of(FULL)).document
    assert document["properties"]["active"]["examples"] == ["default", "prod"]
    stack = document["properties"]["stacks"]["additionalProperties"]["properties"]
    assert stack["artifact_store"]["anyOf"][0]["examples"] == ["default", "mine", "prod", "vault"]


def test_no_value_of_a_secret_is_in_the_schema(project_of: Callable[[str], Project]) -> None:
    text = json.dumps(stack_file_schema(project_of(FULL.replace("{{vault.key}}", "hunter22"))).document)
    assert "hunter22" not in text
    assert "{{secret-name.key}}" in text


def test_a_broken_flavor_is_left_out_and_refused(project_with: ProjectWith, site: Path) -> None:
    install(site, "acme-broken", "dovetail.flavors.v1.artifact_store", {"broken": "broken_store:X"}, broken_store="raise SystemExit(5)")
    project = project_with(f"{STORE}{{flavor: broken}}\n")
    assert [(row.type, row.name) for row in stack_file_schema(project).left_out] == [("artifact_store", "broken")]
    assert _schema_problems(project) != []
    assert not _reader_accepts(project)


def test_a_flavor_with_an_odd_name_has_its_settings(project_with: ProjectWith, site: Path) -> None:
    source = OWN.replace("'mine'", "'a/b ~{c}'") + "    class Config(ComponentConfig):\n        inner: Inner\n"
    source = "from pydantic import BaseModel\nfrom dovetail_core import ComponentConfig\nclass Inner(BaseModel):\n    n: int\n" + source
    install(site, "acme-odd", "dovetail.flavors.v1.artifact_store", {"a/b ~{c}": "odd_store:OwnStore"}, odd_store=source)
    assert _schema_problems(project_with(f"{STORE}{{flavor: 'a/b ~{{c}}', inner: {{n: 1}}}}\n")) == []
    assert _schema_problems(project_with(f"{STORE}{{flavor: 'a/b ~{{c}}', inner: {{n: x}}}}\n")) != []


class _Colour(Enum):
    RED = "red"


class _Inner(BaseModel):
    url: str


class _Tree(BaseModel):
    children: list[_Tree] = []


SETTINGS: list[Any] = [
    int, float, bool, str, int | None, bool | str, int | float, Literal["a", "yes"], _Colour, Path, SecretStr, SecretStr | None,
    list[int], list[str], set[str], frozenset[str], tuple[str, ...], tuple[int, str], dict[str, int], dict[str, SecretStr],
    _Inner, _Inner | None, list[_Inner], _Tree, Resources, RetryPolicy, Any,
]  # fmt: skip
VALUES: list[Any] = [
    None, 0, 1, 2, -1, 1.0, 1.5, float("inf"), "", "1", "0", "-3", "+5", "1.0", "1.", ".5", "1.5", "1_000", "1__0", "_1", " 1 ", "1e3", "1E-3", "0x10",
    "inf", "-Infinity", "nan", "yes", "No", "on", "OFF", "t", "N", "true", "TRUE", "maybe", "a", "red", "{{s.k}}", [], [1], ["1"], ["a", "a"],
    ["x", 1], [1, "x"], {}, {"a": 1}, {"a": "1"}, {"a": "b"}, {"url": "u"}, {"url": "u", "x": 1}, {"url": 1}, [{"url": "u"}], [{}],
    {"children": []}, {"children": [{"children": 1}]}, {"memory": "8GB"}, {"memory": 5}, {"memory": "lots of"}, {"cpu": "0.5"}, {"gpu": -1}, {"disk": 1},
    {"retries": 2},
]  # fmt: skip


@pytest.mark.parametrize("annotation", SETTINGS, ids=str)
def test_a_setting_is_read_and_described_alike(annotation: Any) -> None:
    """Numbers in quotes, words for truth values, references and structures: what pydantic makes of each, the schema says.

    The model is no `ComponentConfig`, which would have the words here taken for secrets by the tests that follow.
    """
    model = create_model("Settings", value=(annotation, ...))
    schema = Draft202012Validator(model_schema(model, ""))
    differing = [value for value in VALUES if _fits(model, {"value": value}) != schema.is_valid({"value": value})]
    assert differing == []


def test_a_truth_value_is_the_one_thing_that_only_the_reader_takes_for_a_number() -> None:
    model = create_model("Settings", value=(int, ...))
    assert _fits(model, {"value": True})
    assert not Draft202012Validator(model_schema(model, "")).is_valid({"value": True})


def test_a_setting_that_no_schema_can_describe_is_left_open() -> None:
    model = create_model("Settings", call=(Callable[[], int], ...), n=(int, Field(default=1)))
    assert not list(Draft202012Validator(model_schema(model, "")).iter_errors({"call": "x"}))
    assert list(Draft202012Validator(model_schema(model, "")).iter_errors({"call": "x", "n": "x"}))


def _fits(model: type[BaseModel], data: Any) -> bool:
    try:
        model.model_validate(data)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    "options",
    [
        {},
        {
            "run_name": "nightly-{date}",
            "failure_mode": "continue",
            "parameters": {"n": 1},
            "steps": {"a": {"resources": {"memory": "2GiB"}}},
        },
        {"retires": 2},
        {"steps": {"a": {"retries": "two"}}},
        {"failure_mode": "stop"},
        {"run_name": ""},
    ],
)
def test_a_run_configuration_is_read_and_described_alike(options: dict[str, Any]) -> None:
    assert _fits(RunOptions, options) == Draft202012Validator(run_configuration_schema()).is_valid(options)

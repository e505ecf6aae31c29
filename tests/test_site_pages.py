"""What the documentation generates from the code is complete and true."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import is_dataclass
from enum import Enum
from importlib import import_module
from pathlib import Path

import click
import pytest
import write_pages
from pydantic import Field, SecretStr
from site_pages.commands import commands
from site_pages.component_pages import COMPONENT_PAGES
from site_pages.contracts import attribute_docs, base
from site_pages.flavors import settings
from site_pages.harnesses import harness_bases
from site_pages.markup import code, plain, table
from site_pages.rules import asked, missing_reasons, rule_pages
from site_pages.types import types_table
from workspace import ROOT, Workspace

from dovetail_conformance.offers import contract_names
from dovetail_core import ComponentConfig
from dovetail_core.flavors import FlavorCatalog

SITE = ROOT / "docs" / "site"
PAGES = dict(rule_pages(ROOT))
PARTS = dict(write_pages.parts(Workspace(ROOT)))
SECTIONS = ["## Why", "## How it is asked", "## A flavor that fails it", "## A flavor that keeps it", "## When it does not count"]


@pytest.mark.parametrize("id", [each.rule.id for each in asked()])
def test_every_rule_has_a_page_with_all_its_sections(id: str) -> None:
    page = PAGES[f"{id}.md"]
    places = [page.index(section) for section in SECTIONS]
    assert places == sorted(places)
    assert "@mutant" in page and f'"{id}"' in page


def test_the_list_of_rules_leads_to_every_page() -> None:
    linked = set(re.findall(r"\]\(([A-Z]{2}-\d+\.md)\)", PAGES["index.md"]))
    assert linked == PAGES.keys() - {"index.md"}


def test_the_samples_of_a_rule_are_the_mutant_and_what_it_replaces() -> None:
    failing, _, keeping = PAGES["AS-03.md"].partition("## A flavor that keeps it")
    assert "class _EagerUpload(_MemoryUpload)" in failing and "class ShowsParts(InMemoryArtifactStore)" in failing
    assert "self._parts.append(bytes(data))" in keeping and "return _MemoryUpload(" in keeping


def test_a_rule_with_a_capability_and_hooks_says_when_it_does_not_count() -> None:
    exempt = PAGES["AS-36.md"].partition("## When it does not count")[2]
    assert "`absent` where `CONDITIONAL_PUT` is not declared" in exempt
    assert "`deviation`" in exempt and "`advisory`" in exempt
    assert "no second client" in PAGES["AS-03.md"].partition("## When it does not count")[2]


def test_everybody_who_reads_a_rule_is_told_who_is_hurt() -> None:
    """If this fails: say it in the `reasons.toml` beside the rule."""
    assert missing_reasons() == []


def test_reasons_are_of_rules_that_there_are() -> None:
    files = list(ROOT.glob("packages/*/src/**/reasons.toml"))
    known, said = {each.rule.id for each in asked()}, [id for file in files for id in tomllib.loads(file.read_text("utf-8"))]
    assert len(files) >= 6 and sorted(said) == sorted(known)
    for file in files:
        for id, reason in tomllib.loads(file.read_text("utf-8")).items():
            assert reason["hurts"].endswith("."), id
            assert all(re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", report) for report in reason.get("seen", [])), id


@pytest.mark.parametrize("kind", contract_names())
def test_every_type_has_a_page_with_all_that_is_generated_of_it(kind: str) -> None:
    page = (SITE / "components" / f"{COMPONENT_PAGES[kind]}.md").read_text("utf-8")
    assert [f'--8<-- "{kind}/{part}.md"' in page for part in ("flavors", "methods", "capabilities", "rules")] == [True] * 4
    develop = re.search(r"## Develop a custom flavor\n\n\[[\w ]+\]\(([\w./-]+)\)", page)
    assert develop and f'--8<-- "{kind}/harness.md"' in (SITE / "components" / develop[1]).read_text("utf-8")
    assert f'--8<-- "{kind}/primitives.md"' in (SITE / "python" / f"dovetail_{kind}.md").read_text("utf-8")


@pytest.mark.parametrize("kind", contract_names())
def test_what_an_author_implements_is_told_whole(kind: str) -> None:
    abstract = getattr(base(FlavorCatalog().type(kind)), "__abstractmethods__")  # noqa: B009  # typeshed does not know it
    told = PARTS[f"{kind}/primitives.md"].partition("With a default")[0]
    assert set(re.findall(r"^(_\w+)\(", told, re.MULTILINE)) == set(abstract)
    assert not re.findall(r"^```\n\n(?=###|With|$)", PARTS[f"{kind}/primitives.md"], re.MULTILINE)


@pytest.mark.parametrize("kind", contract_names())
def test_every_hook_of_a_harness_is_told(kind: str) -> None:
    hooks = {name for each in harness_bases(kind) for name in vars(each) if not name.startswith("_")}
    told = set(re.findall(r"^- `(\w+)", PARTS[f"{kind}/harness.md"], re.MULTILINE))
    assert hooks - {"has", "capabilities"} <= told | {"impatient"} and "make" in told


def test_a_hook_is_told_with_the_rules_that_are_untested_without_it() -> None:
    def rules(kind: str, hook: str) -> str:
        (line,) = re.findall(rf"^- `{hook}\b.*`  \n  (.*)$", PARTS[f"{kind}/harness.md"], re.MULTILINE)
        return re.sub(r"\]\([^)]*\)|\[", "", line)

    assert rules("alerter", "several").endswith("Untested without it: AL-02.")
    assert rules("alerter", "remark").endswith("Used where it is there: AL-15.")
    assert rules("alerter", "processes").endswith("Untested where none does: AL-19.")
    assert rules("artifact_store", "syscalls").endswith(
        "Untested without it: AS-46. Used where it is there: AS-06, AS-08, AS-29, AS-34, AS-36, AS-40, AS-55, AS-58."
    )
    assert rules("experiment_tracker", "lost_answer").endswith("Used by: ET-16.")


PUBLIC_PACKAGES = [
    "dovetail_alerter",
    "dovetail_artifact_store",
    "dovetail_experiment_tracker",
    "dovetail_metadata_store",
    "dovetail_orchestrator",
]


@pytest.mark.parametrize("package", PUBLIC_PACKAGES)
def test_every_field_of_what_a_type_offers_says_what_it_is(package: str) -> None:
    """If this fails: write a line below the field."""
    module = import_module(package)
    offered = [getattr(module, name) for name in module.__all__]
    kinds = [each for each in offered if isinstance(each, type) and (is_dataclass(each) or issubclass(each, Enum))]
    silent = [f"{kind.__name__}.{name}" for kind in kinds for name in _own_fields(kind) if name not in dict(attribute_docs(kind))]
    assert [name for name in silent if not name.startswith("SentMessage.")] == []


def _own_fields(kind: type) -> list[str]:
    if issubclass(kind, Enum):
        return list(kind.__members__)
    return [name for name in vars(kind).get("__annotations__", {}) if not name.startswith("_")]


@pytest.mark.parametrize("kind", contract_names())
def test_the_parts_of_a_type_name_what_it_has(kind: str) -> None:
    catalog = FlavorCatalog()
    for row in catalog.rows(kind):
        fields = catalog.load(kind, row.name).Config.model_fields
        section = PARTS[f"{kind}/flavors.md"].partition(f"{{ #{row.name} }}")[2].partition("\n### ")[0]
        assert set(fields) == set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)), row.name
    assert "implements:\n\n- `_" in PARTS[f"{kind}/methods.md"]
    assert not missing_meanings(PARTS[f"{kind}/methods.md"]) and "| `" in PARTS[f"{kind}/capabilities.md"]


def missing_meanings(methods: str) -> list[str]:
    """Return the methods of a list that nothing is said of."""
    return [name for name, said in re.findall(r"^- `(\w+)\(.*`  \n  (.*)$", methods, re.MULTILINE) if not said.strip()]


def test_the_table_of_types_is_of_ten_and_says_which_are_not_there() -> None:
    made = types_table(FlavorCatalog())
    assert len(made.splitlines()) == 12
    assert made.index("[orchestrator]") < made.index("[artifact store]") < made.index("[alerter]")
    for name in set(COMPONENT_PAGES) - set(FlavorCatalog().type_names()):
        assert re.search(rf"^\| {name.replace('_', ' ')} \| .+ \| planned, not there yet \|$", made, re.MULTILINE), name


def test_settings_are_told_with_type_default_bounds_and_meaning() -> None:
    class Config(ComponentConfig):
        url: str = Field(description="Where it is.")
        token: SecretStr | None = Field(None, description="Who | what.")
        size: int = Field(8, ge=1, le=9, description="How many.")

    assert settings(Config).splitlines()[2:] == [
        "| `url` | text | **required** | Where it is. |",
        "| `token` | secret | none | Who \\| what. |",
        "| `size` | integer | `8` | How many. (at least 1; at most 9) |",
    ]


def test_the_command_line_is_told_with_one_type_for_all() -> None:
    page = PARTS["commands.md"]
    assert "#### dovetail artifact-store register" in page and "### dovetail run\n" in page and "### dovetail alerter" not in page


def test_commands_that_are_left_out_or_hidden_are_not_told() -> None:
    root = click.Group(
        "tool", commands={"seen": click.Command("seen"), "secret": click.Command("secret", hidden=True), "out": click.Group("out")}
    )
    assert re.findall("^#+ (.*)$", commands(root, "tool", frozenset({"out"})), re.MULTILINE) == ["tool", "tool seen"]


def test_text_is_shown_as_it_is() -> None:
    assert plain("a_b *c* `d_e` <f> [g]") == r"a\_b \*c\* `d_e` \<f\> \[g\]"
    assert table(("a", "b"), [("x|y", "`x|y`")]) == "| a | b |\n| --- | --- |\n| x\\|y | `x|y` |\n"
    assert code("x = '```'").startswith("````python\n")


def test_what_is_not_made_any_more_is_removed(tmp_path: Path) -> None:
    def texts(*names: str) -> Iterable[tuple[str, str]]:
        return ((name, "text") for name in names)

    assert write_pages.written(tmp_path, iter(texts("a.md", "below/b.md"))) == 2
    assert write_pages.written(tmp_path, iter(texts("a.md"))) == 1
    assert [file.name for file in tmp_path.rglob("*.md")] == ["a.md"]

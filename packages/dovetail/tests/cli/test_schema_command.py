"""`dovetail schema` prints what editors complete and check the stack file by."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from installed_packages import install

Run = Callable[..., object]

MODELINE = "# yaml-language-server: $schema=.dovetail/schema.json\n"


def test_the_schema_is_printed(dovetail: Run, vault_flavor: Path) -> None:
    done = dovetail("schema")
    assert (done.code, done.err) == (0, "")
    assert "vault" in done.data["$defs"]["artifact_store"]["properties"]["flavor"]["enum"]


def test_the_schema_is_written_to_a_file_again_and_again(dovetail: Run) -> None:
    for _ in range(2):
        assert dovetail("schema", "--out", "new/schema.json").out == "Wrote new/schema.json.\n"
    assert json.loads(Path("new/schema.json").read_text()) == dovetail("schema").data


def test_a_file_that_cannot_be_written_is_told(dovetail: Run) -> None:
    Path("taken").write_text("")
    done = dovetail("schema", "--out", "taken/schema.json")
    assert (done.code, "taken/schema.json cannot be written" in done.err) == (2, True)


def test_the_schema_of_a_run_configuration_is_printed(dovetail: Run) -> None:
    assert "failure_mode" in dovetail("schema", "--of", "run").data["properties"]


def test_a_broken_flavor_is_told_on_stderr_and_harms_nothing(dovetail: Run, site: Path) -> None:
    install(site, "acme-broken", "dovetail.flavors.v1.artifact_store", {"broken": "broken_store:X"}, broken_store="1 / 0")
    done = dovetail("schema")
    assert (done.code, done.data["$defs"]["artifact_store"]["properties"]["flavor"]["enum"][0]) == (0, "local")
    assert "left out: artifact_store flavor 'broken' of acme-broken 1.2: " in done.err
    assert "division by zero" in done.err


@pytest.mark.parametrize("text", [MODELINE, f"{MODELINE}active: default\n", f"{MODELINE}\nstacks:\n"])
def test_the_line_that_names_the_schema_stays_first(dovetail: Run, project_with: Callable[..., object], text: str) -> None:
    project_with(text)
    assert dovetail("artifact-store", "register", "a", "--flavor", "local").code == 0
    assert dovetail("stack", "copy", "default", "b").code == 0
    assert dovetail("stack", "set", "b").code == 0
    assert Path("dovetail.yaml").read_text().startswith(MODELINE)

"""The workflows are what GitHub takes, and run sessions that exist."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import affected
import pytest
from ruamel.yaml import YAML
from workspace import ROOT, Workspace

from dovetail_artifact_store_s3.testing import radosgw

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def loaded(name: str) -> dict[str, Any]:
    data: dict[str, Any] = YAML(typ="safe").load(ROOT / ".github" / "workflows" / name)
    return data


def steps() -> list[dict[str, Any]]:
    return [step for file in WORKFLOWS for job in loaded(file.name)["jobs"].values() for step in job["steps"]]


def noxfile() -> ast.Module:
    return ast.parse((ROOT / "noxfile.py").read_text("utf-8"))


def constant(name: str) -> Any:
    """Return the value of a constant of the noxfile, which is not imported: that would need nox."""
    return next(
        ast.literal_eval(node.value) for node in noxfile().body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    )


def sessions() -> set[str]:
    """Return the names of the noxfile's sessions, with the Pythons of those that run on several."""
    found: set[str] = set()
    for node in noxfile().body:
        decorators = [ast.unparse(each) for each in node.decorator_list] if isinstance(node, ast.FunctionDef) else []
        if isinstance(node, ast.FunctionDef) and any(text.startswith("nox.session") for text in decorators):
            several = "nox.session(python=PYTHONS)" in decorators
            found |= {f"{node.name}-{python}" for python in constant("PYTHONS")} if several else {node.name}
    return found


def test_the_workflows_keep_to_their_schema() -> None:
    """The schema comes with check-jsonschema, so that no network is needed."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_row_of_the_matrix_is_a_session() -> None:
    rows = affected.matrix(Workspace().packages)["include"]
    assert {row["session"] for row in rows} <= sessions()


@pytest.mark.parametrize(
    ("session", "package"), [("conformance", ""), ("tests-3.12", "artifact-store-s3"), ("lowest", "artifact-store-s3")]
)
def test_a_row_that_requires_a_server_installs_it_first(session: str, package: str) -> None:
    """Where `DOVETAIL_REQUIRE_SERVICES` is set, a server that is missing is an error."""
    rows = affected.matrix(Workspace().packages)["include"]
    (row,) = (row for row in rows if (row["session"], row["package"]) == (session, package))
    assert row["servers"] == radosgw.GET_IT.removeprefix("apt-get install --no-install-recommends ")
    assert set(constant("OTHER_SERVERS")) <= set(row["servers"].split())
    job = loaded("ci.yml")["jobs"]["session"]
    assert job["env"]["DOVETAIL_REQUIRE_SERVICES"] == "1"
    commands = [step.get("run", "") for step in job["steps"]]
    (install,) = (step for step in job["steps"] if "apt-get install" in step.get("run", ""))
    assert install["if"] == "matrix.servers" and install["env"] == {"SERVERS": "${{ matrix.servers }}"} and "$SERVERS" in install["run"]
    assert commands.index(install["run"]) < next(at for at, command in enumerate(commands) if command.startswith("nox "))


def test_other_rows_install_no_server() -> None:
    rows = affected.matrix(Workspace().packages)["include"]
    assert {row["package"] or row["session"] for row in rows if row["servers"]} == {"conformance", "artifact-store-s3"}


def test_the_noxfile_has_every_package_dependencies_first() -> None:
    workspace, listed = Workspace(), constant("PACKAGES")
    assert sorted(listed) == sorted(workspace.packages)
    for name in listed:
        needed = {package.name for package in workspace.siblings(workspace[name])}
        assert needed <= set(listed[: listed.index(name)]), f"{name} stands before what it needs"


def test_the_noxfile_and_the_matrix_have_the_same_pythons() -> None:
    assert constant("PYTHONS") == affected.PYTHONS


@pytest.mark.parametrize("action", sorted({step["uses"] for step in steps() if "uses" in step}))
def test_an_action_is_pinned_to_a_commit(action: str) -> None:
    """A tag of a foreign repository can be moved; a commit cannot."""
    assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)


def test_no_script_has_an_expression_in_it() -> None:
    """An expression is pasted into the script: the name of a branch or tag would be run."""
    assert [step["run"] for step in steps() if "${{" in step.get("run", "")] == []


def test_publishing_trusts_the_workflow_and_attests() -> None:
    jobs = loaded("release.yml")["jobs"]
    publish = jobs["publish"]
    assert publish["environment"] == "pypi"
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["steps"][-1]["with"]["attestations"] is True
    assert [step for step in publish["steps"] if "run" in step] == []
    assert "id-token" not in jobs["build"]["permissions"]
    assert "secrets." not in Path(ROOT / ".github/workflows/release.yml").read_text()

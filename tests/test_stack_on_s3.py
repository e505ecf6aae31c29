"""Pipelines on a stack whose artifacts are in S3: steps execute in fresh processes, and no secret is passed to them by word or variable."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from project_directory import ProjectDirectory

from dovetail_artifact_store_s3.testing import MotoServer

MODULE = """
    import os
    from pathlib import Path
    from dovetail import pipeline, step
    import parts.inner

    @step
    def begin(x: int = 20) -> list[str]:
        seen = [Path("/proc/self/" + name).read_text() for name in ("cmdline", "environ")]
        return [*seen, str(os.getpid()), str(parts.inner.double(x))]

    @step
    def go_on(seen: list[str]) -> int:
        return int(seen[-1]) + 1

    @pipeline
    def doubling():
        go_on(begin())
"""
STACK = """
    active: s3
    components:
      orchestrator:
        processes: {{flavor: local, mode: processes}}
      artifact_store:
        bucket: {{flavor: s3, bucket: {bucket}, endpoint_url: "{url}", credentials_file: "{keys}"}}
    stacks:
      s3: {{orchestrator: processes, artifact_store: bucket, metadata_store: default}}
"""
RUN = """
    import json, os
    from module import doubling
    run = doubling.with_options(run_name="{name}")()
    outputs = {{name: step.outputs["output"].load() for name, step in run.steps.items()}}
    print(json.dumps([outputs, [step.state.value for step in run.steps.values()], os.getpid()]))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[MotoServer]:
    with MotoServer() as started:
        yield started


@pytest.fixture
def project(server: MotoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectDirectory:
    """A project whose stack keeps artifacts in the server's bucket, with keys in a file outside of it."""
    keys = tmp_path / "keys"
    keys.write_text(f"[default]\naws_access_key_id = {server.keys.id}\naws_secret_access_key = {server.keys.secret}\n")
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    made = ProjectDirectory(tmp_path / "project")
    made.write("module.py", MODULE)
    made.write("parts/__init__.py", "")
    made.write("parts/inner.py", "def double(x):\n    return 2 * x\n")
    made.write("dovetail.yaml", STACK.format(bucket=server.bucket, url=server.url, keys=keys))
    return made


def test_every_step_of_a_run_has_a_process_that_is_told_no_secret(project: ProjectDirectory, server: MotoServer) -> None:
    outputs, states, pid = json.loads(project.run(RUN.format(name="first")).splitlines()[-1])
    command, environment, step_pid, _ = outputs["begin"]
    assert states == ["succeeded", "succeeded"] and outputs["go_on"] == 41
    assert "dovetail.entrypoint" in command and int(step_pid) != pid
    assert server.keys.secret not in command + environment and server.keys.id not in command + environment
    again, states, _ = json.loads(project.run(RUN.format(name="second")).splitlines()[-1])
    assert states == ["cached", "cached"] and again == outputs


def test_a_step_executes_in_a_fresh_process_from_an_empty_directory(project: ProjectDirectory, server: MotoServer, tmp_path: Path) -> None:
    """Nothing but the run's id, the step's name and the stack's description is needed: code and inputs come from the bucket."""
    run_id, stack = project.recorded("module.doubling", "by-hand")
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "stack.json").write_text(json.dumps(stack))
    assert server.keys.secret not in json.dumps(stack)
    for file in ("module.py", "parts/inner.py"):
        (project.path / file).unlink()
    environment = {**os.environ, "XDG_CACHE_HOME": str(empty / "cache")}
    for step in ("begin", "go_on"):
        command = [sys.executable, "-m", "dovetail.entrypoint", run_id, step, "--stack", "stack.json"]
        done = subprocess.run(command, cwd=empty, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
    loaded = project.run("from dovetail import get_run; print(get_run('by-hand').steps['go_on'].outputs['output'].load())")
    assert loaded.splitlines()[-1] == "41"

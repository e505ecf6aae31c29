"""A failing pipeline on a stack with a Slack alerter and a tracker: what is told, what is not, and what becomes of it where Slack is away."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dovetail_alerter_slack.testing import FakeSlack

FLOWS = """
import pathlib
import time

from dovetail import alert, pipeline, step, step_context


@step(cache=False)
def train(waits: bool = False) -> float:
    step_context().experiment_run.log_metric("loss", 0.5)
    print("about to divide")
    pathlib.Path("reached").touch()
    while waits and not pathlib.Path("go").exists():
        time.sleep(0.02)
    return 1 / 0


@pipeline(on_failure=alert)
def nightly(waits: bool = False) -> None:
    train(waits)
"""


class Project:
    """A directory with a stack whose alerter posts to a fake Slack."""

    def __init__(self, path: Path, slack: FakeSlack) -> None:
        self.path = path
        self.token = slack.workspace.add_token()
        self.channel = slack.workspace.add_channel("ops")
        (path / "flows.py").write_text(FLOWS)
        place = ["--token", self.token, "--channels", '["#ops"]', "--base-url", f"{slack.url}/api/", "--attempts", "2", "--patience", "3"]
        self.do("alerter", "register", "ops", "--flavor", "slack", *place)
        self.do("experiment-tracker", "register", "lab", "--flavor", "local")
        parts = ["--orchestrator", "default", "--artifact-store", "default", "--metadata-store", "default"]
        self.do("stack", "register", "told", *parts, "--alerter", "ops", "--experiment-tracker", "lab")
        self.do("stack", "set", "told")

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command of `dovetail`."""
        environment = {**os.environ, "XDG_CACHE_HOME": str(self.path / "cache")}
        command = [sys.executable, "-m", "dovetail.cli", *words]
        return subprocess.Popen(command, cwd=self.path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def do(self, *words: str) -> str:
        """Execute a command, and return what it printed."""
        process = self.start(*words)
        printed, _ = process.communicate(timeout=120)
        assert process.returncode == 0, printed
        return printed


@pytest.fixture
def slack() -> FakeSlack:
    """A fake Slack that is not started yet."""
    return FakeSlack()


def test_the_alert_carries_what_a_person_on_call_needs_and_no_secret_is_anywhere(tmp_path: Path, slack: FakeSlack) -> None:
    with slack:
        project = Project(tmp_path, slack)
        process = project.start("run", "flows:nightly", "--name", "tonight")
        printed, _ = process.communicate(timeout=120)
        described = (
            project.do("runs", "describe", "tonight") + project.do("alerter", "describe", "ops") + project.do("stack", "describe", "told")
        )
    assert process.returncode != 0
    assert "ZeroDivisionError" in printed
    (message,) = project.channel.messages
    told = str(message)
    for expected in ("nightly failed", "tonight", "train", "ZeroDivisionError", "about to divide", "dovetail runs describe tonight"):
        assert expected in told, expected
    assert project.token not in printed + described + told
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "dovetail.yaml"]
    assert kept
    assert [path for path in kept if project.token.encode() in path.read_bytes()] == []


def test_a_slack_that_goes_away_during_the_run_changes_nothing_but_a_logged_line(tmp_path: Path, slack: FakeSlack) -> None:
    with slack:
        project = Project(tmp_path, slack)
        process = project.start("run", "flows:nightly", "--name", "tonight", "--param", "waits=true")
        deadline = time.monotonic() + 60
        while not (tmp_path / "reached").exists():
            assert time.monotonic() < deadline and process.poll() is None, process.communicate()[0]
            time.sleep(0.02)
    (tmp_path / "go").touch()
    printed, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "the alert about run" in printed and "was not sent" in printed
    assert "Error: run 'tonight' failed: step 'train' failed: ZeroDivisionError" in printed
    assert project.token not in printed

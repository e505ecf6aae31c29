"""A class of a project is asked by its path, as nothing but a file in the working directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from gauge_kit import install_gauge

ONE_FILE = """
from gauge import *

class Own(MemoryGauge):
    flavor = "own"

class OwnHarness(MemoryHarness):
    flavor = Own

class Other(MemoryGauge):
    flavor = "other"

class First(MemoryHarness):
    flavor = Other

class Second(MemoryHarness):
    flavor = Other

class Bare(MemoryGauge):
    flavor = "bare"

class Number(int):
    pass
"""


class Project:
    """A project of one file, in a folder that is on no path, beside the installed type."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        self.installed = folder / "installed"
        self.installed.mkdir()
        install_gauge(self.installed)
        (self.folder / "own.py").write_text(ONE_FILE)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the suite as a console script does: the working directory is not on the path."""
        environment = {**os.environ, "PYTHONPATH": str(self.installed)}
        command = [sys.executable, "-P", "-m", "dovetail_conformance", "run", *words]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.mark.parametrize("words", [["--harness", "own:OwnHarness"], []], ids=["harness-named", "harness-beside"])
def test_a_class_is_asked_every_rule_and_its_report_says_what_it_is(project: Project, words: list[str]) -> None:
    done = project.run("own:Own", *words, "--report", "out", "-n", "2", "--effort", "quick")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((project.folder / "out" / "report.json").read_text())
    assert report["flavor"] == {"type": "gauge", "name": "own", "distribution": "", "version": ""}
    assert {row["id"]: row["outcome"] for row in report["rules"]}["GA-01"] == "passed"
    assert "own:Own" in report["reproduce"]
    assert "tier: none" in done.stdout and "no installed package offers it" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere:Own"], ["there is no module 'nowhere'", "directory"]),
        (["own.part:Own"], ["there is no module 'own.part'"]),
        (["own:Owned"], ["there is no 'Owned' in own, did you mean 'Own'?"]),
        (["own:Number"], ["own:Number is no Component"]),
        (
            ["own:Bare"],
            ["there is no harness of own:Bare in own", "give --harness MODULE:CLASS", "a subclass of dovetail_conformance.Harness"],
        ),
        (["own:Other"], ["there are several harnesses of own:Other in own"]),
        (["own:Own", "--harness", "own:First"], ["own:First is not the harness of own:Own", "set its `flavor` to Own"]),
        (["own:Own", "--harness", "own:Own"], ["own:Own is no Harness", "dovetail_conformance.harness.Harness"]),
        (["failing:Own"], ["failing:Own cannot be loaded: ZeroDivisionError"]),
        (["lacking:Own"], ["lacking:Own cannot be loaded: ModuleNotFoundError: No module named 'sdk_of_nobody'"]),
        (["typeless:Own"], ["Own is no component of an installed type", "installed: ", "gauge"]),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_runs(project: Project, words: list[str], said: list[str]) -> None:
    (project.folder / "failing.py").write_text("1 / 0\n")
    (project.folder / "lacking.py").write_text("import sdk_of_nobody\n")
    (project.folder / "typeless.py").write_text("from dovetail_core import Component\nclass Own(Component):\n    type = flavor = 'own'\n")
    done = project.run(*words)
    assert done.returncode == 1 and done.stdout == ""
    assert [words for words in said if words not in " ".join(done.stderr.split())] == []
    assert "Traceback" not in done.stderr

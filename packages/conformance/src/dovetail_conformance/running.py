"""Runs pytest for a contract, in a process of its own, so that nothing of the project at hand changes what the rules see."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from dovetail_conformance.recording import Record, restored
from dovetail_conformance.watching import TIME_ZONE

_PLUGINS = ("dovetail_conformance.plugin", "xdist.plugin")
ENDED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
"""Exit codes of runs that came to their end."""
_DROPPED = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_XDIST_AUTO_NUM_WORKERS")


def command(module: str, arguments: Sequence[str], workers: int) -> list[str]:
    """Return the command that runs a test module of this package."""
    here = Path(__file__).parent
    plugins = [word for plugin in _PLUGINS for word in ("-p", plugin)]
    parallel = ["-n", str(workers)] if workers > 1 else []
    return [sys.executable, "-m", "pytest", "-c", str(here / "suite.ini"), *plugins, *parallel, *arguments, str(here / f"{module}.py")]


def run(module: str, arguments: Sequence[str], workers: int = 1) -> int:
    """Run a test module with the output of this process, and return pytest's exit code."""
    with _folder() as folder:
        return subprocess.run(command(module, arguments, workers), env=_environment(folder), check=False).returncode


def records(module: str, arguments: Sequence[str], workers: int = 1) -> tuple[list[Record], str, bool]:
    """Run a test module in silence, and return what was said of each rule, what pytest printed, and whether the run came to its end."""
    with _folder() as folder:
        file = Path(folder) / "records.json"
        words = command(module, [*arguments, f"--conformance-records={file}"], workers)
        done = subprocess.run(words, env=_environment(folder), check=False, capture_output=True, text=True)
        found = json.loads(file.read_text("utf-8")) if file.exists() else []
    return [restored(item) for item in found], done.stdout + done.stderr, done.returncode in ENDED


def _folder() -> tempfile.TemporaryDirectory[str]:
    """Return a directory for all that a run, its servers and its rules put into the directory for temporary files."""
    return tempfile.TemporaryDirectory(prefix="dovetail-run-", ignore_cleanup_errors=True)


def _environment(folder: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    return {**kept, "TZ": TIME_ZONE, "TMPDIR": folder, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

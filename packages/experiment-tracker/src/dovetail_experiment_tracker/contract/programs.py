"""Programs that log to a tracker in an interpreter of their own, as users start them."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from pathlib import Path

from dovetail_conformance import HarnessError, check
from dovetail_experiment_tracker.interface import ExperimentTracker

_START = """
import pickle, sys
sys.path[:], made = pickle.load(sys.stdin.buffer)
tracker = pickle.loads(made)
"""
_LIMIT = 120.0


def program(tracker: ExperimentTracker, body: str, folder: Path) -> tuple[str, int]:
    """Run a program in which `tracker` is the tracker, and which prints a run's id; return that, and the exit code."""
    with _started(tracker, body, folder) as process:
        return _id(process), _code(process)


def terminated(tracker: ExperimentTracker, body: str, folder: Path) -> tuple[str, int]:
    """Do as `program`, and send SIGTERM when the id is printed; the program would wait for ever."""
    with _started(tracker, body, folder) as process:
        run_id = _id(process)
        process.send_signal(signal.SIGTERM)
        return run_id, _code(process)


def _started(tracker: ExperimentTracker, body: str, folder: Path) -> subprocess.Popen[bytes]:
    file = folder / "program.py"
    file.write_text(_START + body)
    process = subprocess.Popen([sys.executable, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(pickle.dumps((sys.path, pickle.dumps(tracker))))
    process.stdin.close()
    process.stdin = None
    return process


def _id(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None and process.stderr is not None
    line = process.stdout.readline().decode().strip()
    if not line:
        process.kill()
        raise HarnessError(f"a program did not start a run: {process.stderr.read().decode()[-2000:]}")
    return line


def _code(process: subprocess.Popen[bytes]) -> int:
    try:
        process.communicate(timeout=_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        check(False, did="waited for a program that logs to end", came=f"it still runs after {_LIMIT:g} seconds")
    return process.returncode

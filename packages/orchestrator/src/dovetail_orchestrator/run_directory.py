"""What a local run leaves on disk, so that other processes can see it, read its logs, and stop it.

    <path>/<run id>/events.jsonl     one line per change of state, appended
                    driver.json      the process that executes the run
                    cancel           present once somebody wants the run to stop
                    logs/<step>.<attempt>.log
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from dovetail_core import Failure, InvalidArgument, NotFound

from dovetail_orchestrator.plan import StepState
from dovetail_orchestrator.status import RunStatus, StepStatus

LOST = Failure("Lost", "the process that executed the run ended without a word")
_PLAIN = re.compile(r"[A-Za-z0-9_\-\[\]]{1,80}")


class RunDirectory:
    """The directory of one run."""

    def __init__(self, root: Path, run_id: str) -> None:
        if not _PLAIN.fullmatch(run_id):
            raise InvalidArgument(f"{run_id!r} is no id of a run", remedy="use letters, digits and dashes")
        self.run_id = run_id
        self.path = root / run_id
        self._events = -1

    # Written by the process that executes the run

    def create(self, steps: list[str]) -> bool:
        """Make the directory and return whether it is new."""
        try:
            (self.path / "logs").mkdir(parents=True)
        except FileExistsError:
            return False
        process = psutil.Process()
        (self.path / "driver.json").write_text(json.dumps({"pid": process.pid, "started": process.create_time()}))
        self._events = os.open(self.path / "events.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        self._append({"steps": steps})
        return True

    def record(self, step: str, status: StepStatus) -> None:
        """Append a step's change of state."""
        event: dict[str, Any] = {"step": step, "state": status.state, "attempt": status.attempt}
        if status.failure is not None:
            event["failure"] = [status.failure.kind, status.failure.message]
        self._append(event)

    def finish(self, state: StepState) -> None:
        """Append the end of the run."""
        self._append({"run": state})
        os.close(self._events)

    def _append(self, event: dict[str, Any]) -> None:
        os.write(self._events, json.dumps(event).encode() + b"\n")

    # Read by any process

    def status(self) -> RunStatus:
        """Return how far the run is; it has failed if its process is gone. Raises `NotFound`."""
        # the process is looked at first: one that ends between the two looks has written its last event by the second
        driven = self.driver() is not None
        steps, state = self._replayed()
        if state.terminal or driven:
            return RunStatus(self.run_id, state, steps)
        ended = {name: _lost(status) for name, status in steps.items()}
        return RunStatus(self.run_id, StepState.FAILED, ended, LOST)

    def _replayed(self) -> tuple[dict[str, StepStatus], StepState]:
        steps: dict[str, StepStatus] = {}
        state = StepState.RUNNING
        for event in self._read_events():
            if "steps" in event:
                steps = {name: StepStatus() for name in event["steps"]}
            elif "run" in event:
                state = StepState(event["run"])
            else:
                failure = Failure(*event["failure"]) if "failure" in event else None
                steps[event["step"]] = StepStatus(StepState(event["state"]), event["attempt"], failure)
        return steps, state

    def _read_events(self) -> Iterator[dict[str, Any]]:
        try:
            lines = (self.path / "events.jsonl").read_bytes().split(b"\n")
        except FileNotFoundError:
            raise NotFound(f"there is no run {self.run_id} in {self.path.parent}", remedy="check the id") from None
        return (json.loads(line) for line in lines[:-1])

    def driver(self) -> psutil.Process | None:
        """Return the process that executes the run, or None if it is gone."""
        try:
            known = json.loads((self.path / "driver.json").read_text())
            process = psutil.Process(known["pid"])
            same = abs(process.create_time() - known["started"]) < 1 and process.status() != psutil.STATUS_ZOMBIE
            return process if same else None
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None

    def request_cancel(self) -> None:
        """Ask the process that executes the run to stop it."""
        (self.path / "cancel").touch()

    def cancel_requested(self) -> bool:
        """Tell whether somebody wants the run to stop."""
        return os.path.exists(f"{self.path}/cancel")

    # Logs

    def log(self, step: str, attempt: int) -> Path:
        """Return the path of an attempt's log; it may not exist."""
        return self.path / "logs" / f"{encoded(step)}.{attempt}.log"

    def latest_attempt(self, step: str) -> int:
        """Return the number of a step's latest attempt. Raises `NotFound` for an unknown step."""
        steps, _ = self._replayed()
        if step not in steps:
            raise NotFound(f"run {self.run_id} has executed no step '{step}'", remedy=f"steps: {', '.join(steps) or 'none'}")
        return steps[step].attempt


def encoded(step: str) -> str:
    """Return a file name for a step: the name itself where it is plain, else a part of it and a digest. No two steps share one."""
    if _PLAIN.fullmatch(step):
        return step
    digest = hashlib.sha256(step.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return f"{re.sub('[^A-Za-z0-9_-]', '_', step)[:40]}%{digest}"


def _lost(status: StepStatus) -> StepStatus:
    if status.state.terminal:
        return status
    if status.state is StepState.RUNNING:
        return StepStatus(StepState.FAILED, status.attempt, LOST)
    return StepStatus(StepState.SKIPPED, status.attempt)

"""The journal of a run: JSON lines, each one write, so that any process sees whole events in their order.

    {"run": id, "plan": digest, "steps": [names], "driver": {"host": ..., "pid": ..., "started": ...}}    the first line
    {"s": index of the step, "e": state, "a": attempt, "f": [kind, message, traceback], "r": reason}      a change; the last two if any
    {"end": state of the run}

A terminal state of a step stands, whatever follows it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dovetail_core import Failure, IntegrityError, has_secrets, mask
from dovetail_orchestrator.plan import PipelinePlan, StepState
from dovetail_orchestrator.process_identity import ProcessIdentity
from dovetail_orchestrator.status import StepStatus

log: logging.Logger = logging.getLogger("dovetail")
_WAITS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between tries to write the end of a run."""


@dataclass(frozen=True)
class Header:
    """What the first line says."""

    run_id: str
    digest: str
    """Digest of the plan."""
    steps: tuple[str, ...]
    driver: ProcessIdentity

    @classmethod
    def of(cls, plan: PipelinePlan) -> Header:
        """Return the header of a run that this process executes."""
        digest = hashlib.sha256(plan.model_dump_json().encode()).hexdigest()
        return cls(plan.run_id, digest, tuple(step.name for step in plan.steps), ProcessIdentity.own())

    def line(self) -> bytes:
        """Return the line that says it."""
        return _line({"run": self.run_id, "plan": self.digest, "steps": self.steps, "driver": asdict(self.driver)})

    @classmethod
    def read(cls, line: bytes) -> Header:
        """Return what a line says."""
        data = json.loads(line)
        return cls(data["run"], data["plan"], tuple(data["steps"]), ProcessIdentity(**data["driver"]))


class JournalWriter:
    """Appends events. What cannot be written is kept, and written with the next one: a run does not fail for its journal."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._late = b""

    def step(self, index: int, status: StepStatus) -> None:
        """Append a step's change of state."""
        if status.failure is None and not status.reason:
            self._write(b'{"s":%d,"e":"%s","a":%d}\n' % (index, status.state.encode(), status.attempt))
            return
        event: dict[str, Any] = {"s": index, "e": status.state, "a": status.attempt}
        if status.failure is not None:
            event["f"] = [status.failure.kind, *map(_masked, (status.failure.message, status.failure.traceback))]
        if status.reason:
            event["r"] = _masked(status.reason)
        self._write(_line(event))

    def end(self, state: StepState) -> None:
        """Append the end of the run, and close the file. No event follows that could bring what cannot be written now: it is tried again."""
        self._write(_line({"end": state}))
        for wait in _WAITS:
            if self._late:
                time.sleep(wait)
                self._write(b"")
        if self._late:
            log.error("the end of a run could not be written to %s", self._path)
        self.close()

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, line: bytes) -> None:
        late, data = self._late, self._late + line
        try:
            self._late = data[os.write(self._file, data) :]
        except OSError:
            self._late = data
        if self._late and not late:
            log.warning("%s cannot be written now; its run goes on", self._path)


class Journal:
    """What a journal says until now."""

    def __init__(self, header: Header) -> None:
        self.header = header
        self.steps: list[StepStatus] = [StepStatus() for _ in header.steps]
        self.end: StepState | None = None

    @classmethod
    def read(cls, path: Path) -> Journal:
        """Return what a file says; an unfinished last line is left out. Raises FileNotFoundError, and `IntegrityError` if it is damaged."""
        first, *lines = path.read_bytes().split(b"\n")
        try:
            journal = cls(Header.read(first))
            for line in lines[:-1]:
                journal._take(json.loads(line))
        except (ValueError, LookupError, TypeError) as error:
            raise IntegrityError(f"{path} is damaged: how its run ended is not known", remedy=f"delete {path.parent}") from error
        return journal

    def named(self) -> dict[str, StepStatus]:
        """Return the statuses by the names of the steps."""
        return dict(zip(self.header.steps, self.steps, strict=True))

    def _take(self, event: dict[str, Any]) -> None:
        if "end" in event:
            self.end = StepState(event["end"]) if all(step.state.terminal for step in self.steps) else None
        elif not self.steps[event["s"]].state.terminal:
            failure = Failure(*event["f"]) if "f" in event else None
            self.steps[event["s"]] = StepStatus(StepState(event["e"]), event["a"], failure, event.get("r", ""))


def _masked(text: str) -> str:
    return mask(text) if has_secrets() else text


def _line(data: dict[str, Any]) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode() + b"\n"

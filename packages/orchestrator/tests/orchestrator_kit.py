"""A launcher whose steps are callables of the tests, or Python programs that run in processes of their own.

What executes leaves a line in a witness file, so that executions, their order and their intervals can be counted whoever executed them.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from dovetail_core import Failure
from dovetail_orchestrator import Command, LogSink, PipelinePlan, StepPlan, StepResult, StepState

Call = Callable[[int, LogSink], object]

PRELUDE = """
import os, signal, subprocess, sys, time
def witness(event, path=sys.argv[1], step=sys.argv[2], attempt=int(sys.argv[3])):
    import json
    line = json.dumps({"event": event, "step": step, "attempt": attempt, "at": time.time(), "pid": os.getpid()}).encode() + b"\\n"
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line)
    os.close(file)
def commit(path=sys.argv[4]):
    witness("end")
    open(path, "w").close()
attempt = int(sys.argv[3])
witness("start")
"""


@dataclass(frozen=True)
class Told:
    """A call of `ended`."""

    step: str
    attempt: int
    state: StepState
    final: bool
    failure: Failure | None


class KitLauncher:
    """Executes `here[step](attempt, log)` in this process and `programs[step]` in another; a step in neither succeeds at once.

    A callable commits by returning, unless it returns a `StepResult`; a program calls `commit()`.
    """

    def __init__(self, directory: Path, here: Mapping[str, Call] | None = None, programs: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self.here = dict(here or {})
        self.programs = dict(programs or {})
        self.environment: dict[str, str] = {}
        self.told: list[Told] = []
        directory.mkdir(parents=True, exist_ok=True)

    def __call__(self, step: str, attempt: int, log: LogSink) -> StepResult:
        self.witness(step, attempt, "start")
        try:
            returned = self.here[step](attempt, log) if step in self.here else None
        except Exception as error:
            return StepResult(StepState.FAILED, Failure(type(error).__name__, str(error)))
        finally:
            self.witness(step, attempt, "end")
        if isinstance(returned, StepResult):
            return returned
        open(self._commit_file(step, attempt), "w").close()  # `touch` would leak a descriptor if this is interrupted
        return StepResult(StepState.SUCCEEDED)

    def command(self, step: str, attempt: int) -> Command | None:
        if step not in self.programs:
            return None
        files = str(self.directory / "witness"), step, str(attempt), str(self._commit_file(step, attempt))
        return Command((sys.executable, "-c", PRELUDE + self.programs[step], *files), self.environment)

    def result(self, step: str, attempt: int) -> StepResult | None:
        return StepResult(StepState.SUCCEEDED) if self._commit_file(step, attempt).exists() else None

    def ended(self, step: str, attempt: int, result: StepResult, final: bool) -> None:
        self.told.append(Told(step, attempt, result.state, final, result.failure))

    def witness(self, step: str, attempt: int, event: str) -> None:
        line = json.dumps({"event": event, "step": step, "attempt": attempt, "at": time.time(), "pid": os.getpid()}).encode() + b"\n"
        with FileIO(self.directory / "witness", "a") as file:  # one write, and nothing leaks if this is interrupted
            file.write(line)

    def events(self) -> list[dict[str, Any]]:
        """Return what was witnessed, in order."""
        path = self.directory / "witness"
        return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []

    def executed(self) -> list[str]:
        """Return the steps that began, one entry per attempt, in order."""
        return [event["step"] for event in self.events() if event["event"] == "start"]

    def final(self) -> dict[str, StepState]:
        """Return the final ends that were told, by step."""
        return {told.step: told.state for told in self.told if told.final}

    def _commit_file(self, step: str, attempt: int) -> Path:
        return self.directory / f"{hashlib.sha256(step.encode('utf-8', 'surrogatepass')).hexdigest()}.{attempt}"


def plan(run_id: str, *steps: StepPlan | str, **more: Any) -> PipelinePlan:
    """Return a plan; a step given by name alone has nothing before it."""
    made = tuple(StepPlan(name=step) if isinstance(step, str) else step for step in steps)
    return PipelinePlan(run_id=run_id, pipeline="test", steps=made, **more)


def chain(run_id: str, names: Iterable[str], **more: Any) -> PipelinePlan:
    """Return a plan of steps that follow one another."""
    ordered = list(names)
    before: list[tuple[str, ...]] = [(), *((name,) for name in ordered)]
    return plan(run_id, *(StepPlan(name=name, upstream=up, **more) for name, up in zip(ordered, before, strict=False)))


def states(status: Any) -> dict[str, str]:
    """Return the states of a run's steps as text."""
    return {name: step.state.value for name, step in status.steps.items()}


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until something outside of this process holds, which cannot notify us."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not happen in time")
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Tell whether a process lives."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False

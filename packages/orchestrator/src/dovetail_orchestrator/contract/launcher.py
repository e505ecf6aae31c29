"""A launcher whose steps bear witness, and what it has seen."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dovetail_core import Failure, InvalidArgument, Unavailable
from dovetail_orchestrator.contract import witness
from dovetail_orchestrator.plan import Command, LogSink, StepResult, StepState

Act = Sequence[Any]
Script = Sequence[Sequence[Act]]
"""The acts of each attempt of a step; further attempts perform those of the last."""

FOLDERS = ("living", "commits", "failures", "gates", "answers", "meetings")
LETHAL = frozenset({"exit", "kill", "deaf", "leave"})
"""Acts that are only for a process of one's own."""
CONTEXT: ContextVar[str] = ContextVar("dovetail_conformance_context", default="")


@dataclass(frozen=True)
class Event:
    """A line of what was witnessed."""

    step: str
    attempt: int
    event: str
    data: Any
    process: str
    at: float


@dataclass(frozen=True)
class Told:
    """A call of `ended`."""

    step: str
    attempt: int
    state: StepState
    final: bool
    failure: Failure | None


class WitnessLauncher:
    """Executes steps by their scripts, in this process or by a command; a step without a script commits at once."""

    def __init__(self, directory: Path, scripts: Mapping[str, Script] | None = None) -> None:
        self.directory = directory
        self.scripts: dict[str, Script] = dict(scripts or {})
        self.environment: dict[str, str] = {}
        """What commands add to the environment."""
        self.commands: dict[str, Command | None] = {}
        """Commands that stand for a step's script; None: it can execute in this process only."""
        self.returns: dict[str, Any] = {}
        """What an attempt in this process returns instead of success."""
        self.results: dict[str, Any] = {}
        """What `result` says of a step, instead of the truth; an exception is raised."""
        self.calls: dict[str, Callable[[], object]] = {}
        """What the act `call` calls, in this process."""
        self.outages: Counter[str] = Counter()
        """How many of the next calls of a method find the record away."""
        self.told: list[Told] = []
        self.called: list[str] = []
        """Steps that were executed in this process."""
        self.asked: Counter[tuple[str, int]] = Counter()
        """How often a command was asked for."""
        self.together: int = 0
        """How often `ended` was called while it was being called."""
        self._telling = threading.Lock()
        for folder in FOLDERS:
            (directory / folder).mkdir(parents=True, exist_ok=True)

    # The contract of launchers

    def __call__(self, step: str, attempt: int, log: LogSink) -> StepResult:
        self.called.append(step)
        acts = self._acts(step, attempt)
        if any(act[0] in LETHAL for act in acts):
            return StepResult(
                StepState.FAILED, Failure("Misplaced", "it needs a process of its own, and executes in the launcher's"), False
            )
        scene = witness.Scene(self.directory, step, attempt, log.write, self.calls)
        if CONTEXT.get():
            scene.note("context", CONTEXT.get())
        try:
            scene.perform(acts)
        except witness.Failing as error:
            said = witness.failure_of(error)
            return StepResult(StepState.FAILED, Failure(said["kind"], said["message"], said["traceback"]))
        except witness.Unfinished:
            self.returns.setdefault(step, None)
        returned: StepResult = self.returns.get(step, StepResult(StepState.SUCCEEDED))
        return returned

    def command(self, step: str, attempt: int) -> Command | None:
        self.asked[step, attempt] += 1
        if step in self.commands:
            return self.commands[step]
        texts = (json.dumps(value) for value in (step, attempt, self._acts(step, attempt)))
        return Command((sys.executable, "-I", "-S", witness.__file__, str(self.directory), *texts), self.environment)

    def result(self, step: str, attempt: int) -> StepResult | None:
        self._reach("result")
        if step in self.results:
            if isinstance(self.results[step], Exception):
                raise self.results[step]
            said: StepResult = self.results[step]
            return said
        if self._file("commits", step, attempt).exists():
            return StepResult(StepState.SUCCEEDED)
        failure = self._file("failures", step, attempt)
        return StepResult(StepState.FAILED, Failure(**json.loads(failure.read_text()))) if failure.exists() else None

    def ended(self, step: str, attempt: int, result: StepResult, final: bool) -> None:
        if not self._telling.acquire(blocking=False):
            self.together += 1
            return
        try:
            self._reach("ended")
            self.told.append(Told(step, attempt, result.state, final, result.failure))
        finally:
            self._telling.release()

    def _reach(self, method: str) -> None:
        """Fail as long as the record is away: `outages` counts down, and a negative number never ends."""
        if left := self.outages[method]:
            self.outages[method] = left - 1
            if left < 0:
                raise InvalidArgument("the record refuses it", remedy="nothing helps")
            raise Unavailable("the record is away", remedy="try again")

    def _acts(self, step: str, attempt: int) -> Sequence[Act]:
        script = self.scripts.get(step) or [[]]
        return script[min(max(attempt, 1), len(script)) - 1]

    def _file(self, folder: str, step: str, attempt: int) -> Path:
        return self.directory / folder / f"{witness.named(step)}.{attempt}"

    # What rules do

    def open(self, gate: str) -> None:
        """Open a gate; `curtain` opens all, and ends whatever goes on for ever."""
        witness.create(str(self.directory / "gates" / gate), "")

    def answer(self, step: str, attempt: int, acts: Sequence[Act]) -> None:
        """Tell an attempt that asks what to do."""
        witness.create(str(self._file("answers", step, attempt)), json.dumps(acts))

    # What was seen

    def events(self, event: str | None = None, step: str | None = None) -> list[Event]:
        """Return what was witnessed, in order: of one kind, or of one step, or all."""
        path = self.directory / "witness"
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        found = (Event(**json.loads(line)) for line in lines)
        return [one for one in found if event in (None, one.event) and step in (None, one.step)]

    def executed(self) -> Counter[tuple[str, int]]:
        """Return how often each attempt of each step began."""
        return Counter((one.step, one.attempt) for one in self.events("start"))

    def steps(self) -> set[str]:
        """Return the steps that began."""
        return {one.step for one in self.events("start")}

    def living(self) -> int:
        """Return how many steps, or what they started, perform now."""
        return int(witness.living(self.directory))

    def told_of(self, step: str) -> list[tuple[int, str, bool]]:
        """Return what `ended` was told of a step: attempt, state, and whether it was final."""
        return [(told.attempt, told.state.value, told.final) for told in self.told if told.step == step]

"""Calls of the public methods of an orchestrator."""

from __future__ import annotations

import sys
import tempfile
import uuid
import weakref
from pathlib import Path

from dovetail_conformance import Operation
from dovetail_orchestrator.capabilities import OrchestratorCapability as Capability
from dovetail_orchestrator.interface import Orchestrator
from dovetail_orchestrator.plan import Command, LogSink, PipelinePlan, StepPlan, StepResult, StepState

_COMMAND = "import pathlib, sys; print('one line'); pathlib.Path(sys.argv[1]).touch()"


class CountingLauncher:
    """Executes every step at once, in this process or by a command, and counts."""

    def __init__(self) -> None:
        self._executed: list[str] = []
        self._files: dict[str, Path] = {}
        """What the command of a step makes; it goes when it was seen, since an orchestrator may keep this object."""

    @property
    def executed(self) -> list[str]:
        """The steps that were executed, sorted."""
        self._look()
        return sorted(self._executed)

    def __call__(self, step: str, attempt: int, log: LogSink) -> StepResult:
        log.write(b"one line\n")
        self._executed.append(step)
        return StepResult(StepState.SUCCEEDED)

    def command(self, step: str, attempt: int) -> Command:
        if step not in self._files:
            self._files[step] = Path(tempfile.gettempdir(), f"dovetail-{uuid.uuid4().hex}-{step}")
            weakref.finalize(self, self._files[step].unlink, missing_ok=True)
        return Command((sys.executable, "-I", "-S", "-c", _COMMAND, str(self._files[step])), {})

    def result(self, step: str, attempt: int) -> StepResult | None:
        self._look()
        return StepResult(StepState.SUCCEEDED) if step in self._executed else None

    def ended(self, step: str, attempt: int, result: StepResult, final: bool) -> None:
        self._look()

    def _look(self) -> None:
        for step, file in list(self._files.items()):
            if file.exists():
                self._executed.append(step)
                file.unlink(missing_ok=True)


def calls(orchestrator: Orchestrator) -> list[Operation]:
    """Return an operation per public method; each is prepared by a run of the plan, if it needs one."""
    launcher = CountingLauncher()
    plan = PipelinePlan(
        run_id=f"run-{uuid.uuid4().hex}", pipeline="pipeline", steps=(StepPlan(name="a"), StepPlan(name="b", upstream=("a",)))
    )

    def ran(prepared: Orchestrator) -> None:
        prepared.run(plan, launcher)

    def effect() -> object:
        return launcher.executed

    found = [
        Operation("run", lambda: orchestrator.run(plan, launcher), effect),
        Operation("ensure_possible", lambda: orchestrator.ensure_possible(plan, launcher)),
        Operation("status", lambda: orchestrator.status(plan.run_id), effect, reads=True, prepare=ran),
        Operation("wait", lambda: orchestrator.wait(plan.run_id, 60), effect, reads=True, prepare=ran),
        Operation("attach", lambda: orchestrator.attach(plan.run_id).status(), effect, reads=True, prepare=ran),
        Operation("cancel", lambda: orchestrator.cancel(plan.run_id), effect, prepare=ran),
        Operation("logs", lambda: orchestrator.logs(plan.run_id, "a"), effect, reads=True, prepare=ran),
    ]
    if Capability.ASYNC_SUBMIT in orchestrator.capabilities:
        found.append(Operation("submit", lambda: orchestrator.submit(plan, launcher).wait(60), effect))
    if Capability.FORGET in orchestrator.capabilities:
        found.append(Operation("forget", lambda: orchestrator.forget(plan.run_id), effect, prepare=ran))
    return found

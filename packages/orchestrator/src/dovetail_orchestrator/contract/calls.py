"""Calls of the public methods of an orchestrator."""

from __future__ import annotations

import uuid

from dovetail_conformance import Operation
from dovetail_orchestrator.capabilities import OrchestratorCapability as Capability
from dovetail_orchestrator.interface import Orchestrator
from dovetail_orchestrator.plan import LogSink, PipelinePlan, StepPlan, StepResult, StepState


class CountingLauncher:
    """Executes every step at once, in this process, and counts."""

    def __init__(self) -> None:
        self.executed: list[str] = []

    def __call__(self, step: str, attempt: int, log: LogSink) -> StepResult:
        log.write(b"one line\n")
        self.executed.append(step)
        return StepResult(StepState.SUCCEEDED)

    def command(self, step: str, attempt: int) -> None:
        return None

    def result(self, step: str, attempt: int) -> None:
        return None

    def ended(self, step: str, attempt: int, result: StepResult, final: bool) -> None:
        return None


def calls(orchestrator: Orchestrator) -> list[Operation]:
    """Return an operation per public method; each runs the plan that it needs, once."""
    launcher = CountingLauncher()
    plan = PipelinePlan(
        run_id=f"run-{uuid.uuid4().hex}", pipeline="pipeline", steps=(StepPlan(name="a"), StepPlan(name="b", upstream=("a",)))
    )

    def ran() -> str:
        orchestrator.run(plan, launcher)
        return plan.run_id

    def effect() -> object:
        return sorted(launcher.executed)

    found = [
        Operation("run", lambda: orchestrator.run(plan, launcher), effect),
        Operation("ensure_possible", lambda: orchestrator.ensure_possible(plan, launcher)),
        Operation("status", lambda: orchestrator.status(ran()), effect, reads=True),
        Operation("wait", lambda: orchestrator.wait(ran(), 60), effect, reads=True),
        Operation("attach", lambda: orchestrator.attach(ran()).status(), effect, reads=True),
        Operation("cancel", lambda: orchestrator.cancel(ran()), effect),
        Operation("logs", lambda: orchestrator.logs(ran(), "a"), effect, reads=True),
    ]
    if Capability.ASYNC_SUBMIT in orchestrator.capabilities:
        found.append(Operation("submit", lambda: orchestrator.submit(plan, launcher).wait(60), effect))
    return found

"""Variants of orchestrators: each mutant has one small bug that exactly the named rules catch."""

from __future__ import annotations

import os
import subprocess
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextvars import Context
from dataclasses import replace
from typing import Any, ClassVar

from dovetail_conformance.mutants import equivalent, mutant
from dovetail_core import Conflict, Failure, Timeout
from dovetail_core.resources import Resources
from dovetail_orchestrator import Command, LocalOrchestrator, PipelinePlan, RunStatus, StepPlan, StepResult, StepState
from dovetail_orchestrator.attempts import ProcessAttempt
from dovetail_orchestrator.capabilities import OrchestratorCapability as Capability
from dovetail_orchestrator.exit_status import result_of
from dovetail_orchestrator.interface import Progress
from dovetail_orchestrator.launching import CANCELLED, has_command
from dovetail_orchestrator.memory import InMemoryOrchestrator
from dovetail_orchestrator.memory_log import MemoryLog
from dovetail_orchestrator.memory_run import MemoryConfig, MemoryRun
from dovetail_orchestrator.plan import Launcher
from dovetail_orchestrator.scheduling import Schedule
from dovetail_orchestrator.testing import LocalHarness, MemoryHarness

SUCCEEDED = StepResult(StepState.SUCCEEDED)


class Between:
    """Stands before a launcher, for mutants that hear it wrongly."""

    def __init__(self, launcher: Launcher) -> None:
        self.launcher = launcher

    def __getattr__(self, name: str) -> Any:
        return getattr(self.launcher, name)

    def __call__(self, *arguments: Any) -> StepResult:
        return self.launcher(*arguments)


# Order


class EagerRun(MemoryRun):
    def __init__(self, plan: PipelinePlan, launcher: Launcher, config: MemoryConfig) -> None:
        super().__init__(plan, launcher, config)
        if "bottom" in self.schedule.plans:
            self.schedule._left["bottom"] = 0
            self.schedule.ready.append("bottom")


@mutant("OR-01", of=MemoryHarness)
class StartsTooEarly(InMemoryOrchestrator):
    """A step does not wait for all that it needs."""

    Run = EagerRun


class OptimisticRun(MemoryRun):
    def drive(self) -> None:
        super().drive()
        if "both" in self.schedule.plans and not self.schedule.fail_fast:
            self._state = StepState.SUCCEEDED


@mutant("OR-02", of=MemoryHarness)
class ContinuedIsSucceeded(InMemoryOrchestrator):
    """A run that went on after a failure has succeeded."""

    Run = OptimisticRun


class TwiceRun(MemoryRun):
    def _start(self, name: str) -> None:
        if name == "sink":
            self.launcher(name, 1, MemoryLog(0))
        super()._start(name)


@mutant("OR-12", of=MemoryHarness)
class StartsTwice(InMemoryOrchestrator):
    """The last step of a wide plan is executed twice."""

    Run = TwiceRun


class CutEnvironment(Between):
    def command(self, step: str, attempt: int) -> Command | None:
        command = self.launcher.command(step, attempt)
        return command and replace(command, environment={name: value[:32_767] for name, value in command.environment.items()})


class CuttingRun(MemoryRun):
    def __init__(self, plan: PipelinePlan, launcher: Launcher, config: MemoryConfig) -> None:
        super().__init__(plan, CutEnvironment(launcher), config)


@mutant("OR-28", of=MemoryHarness)
class CutsLargeVariables(InMemoryOrchestrator):
    """A variable that is too large is cut."""

    Run = CuttingRun


class Settling(MemoryRun):
    """Changes how attempts are said to have ended."""

    def _settle(self, attempt: Any, result: StepResult) -> None:
        super()._settle(attempt, self.changed(attempt.task.step, result))

    def changed(self, step: str, result: StepResult) -> StepResult:
        return result


class ForgetfulRun(Settling):
    def changed(self, step: str, result: StepResult) -> StepResult:
        return SUCCEEDED if result.state is StepState.CACHED else result


@mutant("OR-29", of=MemoryHarness)
class CachedIsSucceeded(InMemoryOrchestrator):
    """That a step was cached is lost."""

    Run = ForgetfulRun


class SoftRun(MemoryRun):
    def _stop(self, reason: str) -> None:
        if not reason.startswith("step "):
            super()._stop(reason)
            return
        left, self._attempts = self._attempts, {}
        super()._stop(reason)
        for name, attempt in left.items():
            self._attempts[name] = attempt
            self._settle(attempt, CANCELLED)
            threading.Timer(3, attempt.stop).start()  # what goes on for longer is left behind by other rules, too


@mutant("OR-31", of=MemoryHarness)
class LetsSiblingsGoOn(InMemoryOrchestrator):
    """In the mode `fail_fast` siblings are said to be cancelled, and go on for a while."""

    Run = SoftRun


class OneByOneRun(MemoryRun):
    def __init__(self, plan: PipelinePlan, launcher: Launcher, config: MemoryConfig) -> None:
        super().__init__(plan, launcher, config.model_copy(update={"max_parallel": 1}) if "p0" in plan.steps[0].name else config)


@mutant("OR-39", of=MemoryHarness)
class OneByOne(InMemoryOrchestrator):
    """Independent steps execute one after the other."""

    Run = OneByOneRun


# Failures


class TrustingRun(Settling):
    def changed(self, step: str, result: StepResult) -> StepResult:
        return SUCCEEDED if result.failure and result.failure.kind == "Lost" and "code 0" in result.failure.message else result


@mutant("OR-03", "OR-04", "OR-14", of=MemoryHarness)
class TrustsExitCodes(InMemoryOrchestrator):
    """Exit code 0 is success, whatever was committed."""

    Run = TrustingRun


class BelievingRun(Settling):
    def changed(self, step: str, result: StepResult) -> StepResult:
        return SUCCEEDED if result.failure and "after its outputs were committed" in result.failure.message else result


@mutant("OR-04", of=MemoryHarness)
class TrustsCommits(InMemoryOrchestrator):
    """What has committed has succeeded, whatever its exit code."""

    Run = BelievingRun


class SpecialRun(Settling):
    def changed(self, step: str, result: StepResult) -> StepResult:
        return CANCELLED if result.failure and "code 99" in result.failure.message else result


@mutant("OR-05", of=MemoryHarness)
class DropsOneExitCode(InMemoryOrchestrator):
    """One exit code is no failure."""

    Run = SpecialRun


class StartedRun(Settling):
    def changed(self, step: str, result: StepResult) -> StepResult:
        return CANCELLED if result.failure and "null" in result.failure.message else result


@mutant("OR-19", of=MemoryHarness)
class DropsWhatCannotStart(InMemoryOrchestrator):
    """A command that cannot be started is no failure."""

    Run = StartedRun


class TerseRun(Settling):
    def changed(self, step: str, result: StepResult) -> StepResult:
        canary = result.failure is not None and result.failure.kind == "CanaryError"
        return replace(result, failure=replace(result.failure, traceback="")) if result.failure and canary else result


@mutant("OR-24", of=MemoryHarness)
class LosesTracebacks(InMemoryOrchestrator):
    """Tracebacks are lost."""

    Run = TerseRun


class VagueRun(Settling):
    def changed(self, step: str, result: StepResult) -> StepResult:
        timed_out = result.failure is not None and result.failure.kind == "Timeout"
        return replace(result, failure=Failure("Killed", "it was killed")) if timed_out else result


@mutant("OR-36", of=MemoryHarness)
class TimeoutIsAKill(InMemoryOrchestrator):
    """A step whose time was over was killed, and nobody says why."""

    Run = VagueRun


class HereRun(MemoryRun):
    def _is_apart(self, step: StepPlan) -> bool:
        return super()._is_apart(step) and not (set(self.schedule.plans) == {"a", "b"} and getattr(self.launcher, "scripts", 1) == {})


@mutant("OR-43", of=MemoryHarness)
class ExecutesHere(InMemoryOrchestrator):
    """That a step is isolated is ignored."""

    Run = HereRun


# Attempts


class GenerousSchedule(Schedule):
    def wait_before_retry(self, name: str, result: StepResult) -> float | None:
        if name == "error" and result.state is StepState.FAILED and self.status[name].attempt == 2:
            return 0.0
        return super().wait_before_retry(name, result)


class GenerousRun(MemoryRun):
    def __init__(self, plan: PipelinePlan, launcher: Launcher, config: MemoryConfig) -> None:
        super().__init__(plan, launcher, config)
        self.schedule = GenerousSchedule(plan)


@mutant("OR-13", of=MemoryHarness)
class OneAttemptMore(InMemoryOrchestrator):
    """There is one attempt more than the policy says."""

    Run = GenerousRun


class ImpatientSchedule(Schedule):
    def wait_before_retry(self, name: str, result: StepResult) -> float | None:
        wait = super().wait_before_retry(name, result)
        return 0.0 if wait is not None and wait < 1 else wait


class ImpatientRun(MemoryRun):
    def __init__(self, plan: PipelinePlan, launcher: Launcher, config: MemoryConfig) -> None:
        super().__init__(plan, launcher, config)
        self.schedule = ImpatientSchedule(plan)


@mutant("OR-44", of=MemoryHarness)
class DoesNotWait(InMemoryOrchestrator):
    """The next attempt follows at once."""

    Run = ImpatientRun


class HoldingSchedule(Schedule):
    """Lets nothing start while a step waits for its next attempt."""

    def __init__(self, plan: PipelinePlan) -> None:
        super().__init__(plan)
        self._held: list[str] = []

    def delay(self, name: str, due: float, failure: Failure | None, reason: str) -> None:
        super().delay(name, due, failure, reason)
        self._held += self.ready
        self.ready.clear()

    def wake(self, now: float) -> float | None:
        due = super().wake(now)
        if due is None:
            self.ready.extend(self._held)
            self._held.clear()
        return due

    def cancel_unstarted(self, reason: str) -> Iterator[str]:
        self._held.clear()
        yield from super().cancel_unstarted(reason)


class HoldingRun(MemoryRun):
    def __init__(self, plan: PipelinePlan, launcher: Launcher, config: MemoryConfig) -> None:
        super().__init__(plan, launcher, config.model_copy(update={"max_parallel": 1}))
        self.schedule = HoldingSchedule(plan)


@mutant("OR-44", of=MemoryHarness)
class SleepsBetweenAttempts(InMemoryOrchestrator):
    """One step at a time, and none while another waits for its next attempt."""

    capabilities = InMemoryOrchestrator.capabilities - {Capability.PARALLEL}
    Run = HoldingRun


class EarlierResults(Between):
    def result(self, step: str, attempt: int) -> StepResult | None:
        return self.launcher.result(step, 1)


class EarlierRun(MemoryRun):
    def __init__(self, plan: PipelinePlan, launcher: Launcher, config: MemoryConfig) -> None:
        super().__init__(plan, EarlierResults(launcher), config)


@mutant("OR-14", of=MemoryHarness)
class TakesEarlierResults(InMemoryOrchestrator):
    """The result of the first attempt is taken for that of a later one."""

    Run = EarlierRun


class PlainAttempt(ProcessAttempt):
    def _result(self, command: Command) -> StepResult:
        done = subprocess.run(command.arguments, env={**os.environ, **command.environment}, stdout=subprocess.DEVNULL, check=False)
        return result_of(done.returncode, self.task.committed(), False)


class PlainRun(MemoryRun):
    def _start(self, name: str) -> None:
        super()._start(name)

    def _execute(self, attempt: Any) -> None:
        step = self.schedule.plans[attempt.task.step]
        if len(self.schedule.plans) == 1 and step.isolated and step.retry.retries == 1:
            attempt.__class__ = PlainAttempt
        super()._execute(attempt)


@mutant("OR-15", of=MemoryHarness)
class LeavesGrandchildren(InMemoryOrchestrator):
    """What an attempt has started may outlive it."""

    Run = PlainRun


# Cancellation


class LettingGoRun(MemoryRun):
    def _cancel(self) -> None:
        left = self._attempts.pop("process", None)
        super()._cancel()
        if left is not None:
            self._attempts["process"] = left
            self._settle(left, CANCELLED)


@mutant("OR-20", of=MemoryHarness)
class CancelsInNameOnly(InMemoryOrchestrator):
    """A process is said to be cancelled, and goes on."""

    Run = LettingGoRun


@mutant("OR-21", of=MemoryHarness)
class CannotCancelTheEnded(InMemoryOrchestrator):
    """A run that has ended cannot be cancelled."""

    def cancel(self, run_id: str) -> None:
        status = self.status(run_id)
        if status.state is StepState.SUCCEEDED and set(status.steps) == {"a"}:
            raise Conflict("it has ended", remedy="leave it alone")
        super().cancel(run_id)


class HoldingRun(MemoryRun):
    held: ClassVar[Counter[str]] = Counter()

    def _cancel(self) -> None:
        if {"s0", "s1"} <= set(self.schedule.plans) and self.schedule.plans["s0"].isolated:
            self.held[self.config.space] += 1
        super()._cancel()

    def _start_ready(self) -> None:
        limit = self.config.max_parallel - self.held[self.config.space]
        while self.schedule.ready and len(self.schedule.running) < limit and not self._stopping:
            self._start(self.schedule.ready.popleft())


@mutant("OR-22", of=MemoryHarness)
class HoldsPlaces(InMemoryOrchestrator):
    """A cancelled run keeps a place."""

    Run = HoldingRun


# The record


@mutant("OR-06", of=MemoryHarness)
class EndsWithTheFirstFailure(InMemoryOrchestrator):
    """A run has failed when one of its steps has."""

    def _status(self, run_id: str) -> RunStatus:
        status = super()._status(run_id)
        failed = any(step.state is StepState.FAILED for step in status.steps.values())
        return replace(status, state=StepState.FAILED) if failed and "held" in status.steps else status


@mutant("OR-07", of=MemoryHarness)
class GoesBack(InMemoryOrchestrator):
    """A run that was cancelled runs again, if one looks often enough."""

    looks: ClassVar[Counter[str]] = Counter()

    def _status(self, run_id: str) -> RunStatus:
        status = super()._status(run_id)
        self.looks[run_id] += status.state is StepState.CANCELLED
        return replace(status, state=StepState.RUNNING) if self.looks[run_id] > 100 else status


class ImpatientTellingRun(MemoryRun):
    def _tell(self, name: str, number: int, result: StepResult, final: bool = True) -> None:
        try:
            self.launcher.ended(name, number, result, final)
        except Exception:
            return


@mutant("OR-08", of=MemoryHarness)
class TellsOnce(InMemoryOrchestrator):
    """What the record does not take at once is lost."""

    Run = ImpatientTellingRun


@mutant("OR-25", of=MemoryHarness)
class WaitsInVain(InMemoryOrchestrator):
    """Whoever has waited too long is not told."""

    def wait(self, run_id: str, timeout: float | None = None, on_progress: Progress | None = None) -> RunStatus:
        try:
            return super().wait(run_id, timeout, on_progress)
        except Timeout:
            return self._status(run_id)


class TalkativeRun(MemoryRun):
    def _tell(self, name: str, number: int, result: StepResult, final: bool = True) -> None:
        super()._tell(name, number, result, final)
        if name == "deep":
            super()._tell(name, number, result, final)


@mutant("OR-40", of=MemoryHarness)
class TellsTwice(InMemoryOrchestrator):
    """That a step was skipped is told twice."""

    Run = TalkativeRun


class BareRun(MemoryRun):
    def __init__(self, plan: PipelinePlan, launcher: Launcher, config: MemoryConfig) -> None:
        super().__init__(plan, launcher, config)
        self._context = Context()


@mutant("OR-42", of=MemoryHarness)
class LosesTheContext(InMemoryOrchestrator):
    """Steps execute in an empty context."""

    Run = BareRun


# Submission


@mutant("OR-10", "XC-09", of=LocalHarness)
class LeavesHalfARun(LocalOrchestrator):
    """A submission that fails leaves what it had made."""

    def _begun(self, plan: PipelinePlan, launcher: Launcher, lends_thread: bool) -> Any:
        try:
            return super()._begun(plan, launcher, lends_thread)
        except Exception:
            (self.config.path / f".{uuid.uuid4().hex}").mkdir(parents=True)
            raise


@mutant("OR-11", of=MemoryHarness)
class RunsAgain(InMemoryOrchestrator):
    """A plan whose run has ended is run again."""

    def _submit(self, plan: PipelinePlan, launcher: Launcher) -> None:
        known = self._space.runs.get(plan.run_id)
        if known is not None and known.plan == plan and known.over.is_set():
            del self._space.runs[plan.run_id]
        super()._submit(plan, launcher)


@mutant("OR-38", of=MemoryHarness)
class IgnoresSettings(InMemoryOrchestrator):
    """Settings that there are not are ignored."""

    def ensure_possible(self, plan: PipelinePlan, launcher: Launcher) -> None:
        bare = plan
        if isinstance(plan, PipelinePlan):
            bare = plan.model_copy(update={"steps": tuple(step.model_copy(update={"settings": {}}) for step in plan.steps)})
        super().ensure_possible(bare, launcher)


@mutant("OR-32", of=LocalHarness)
class DropsResources(LocalOrchestrator):
    """Resources that can be had are dropped."""

    def _run(self, plan: PipelinePlan, launcher: Launcher, on_progress: Progress | None) -> RunStatus:
        steps = tuple(step.model_copy(update={"resources": Resources()}) for step in plan.steps)
        return super()._run(plan.model_copy(update={"steps": steps}), launcher, on_progress)


# Isolation


class Folding(dict[tuple[str, int], MemoryLog]):
    def __setitem__(self, key: tuple[str, int], value: MemoryLog) -> None:
        super().__setitem__((key[0].lower(), key[1]), value)

    def __getitem__(self, key: tuple[str, int]) -> MemoryLog:
        return super().__getitem__((key[0].lower(), key[1]))


class FoldingRun(MemoryRun):
    def __init__(self, plan: PipelinePlan, launcher: Launcher, config: MemoryConfig) -> None:
        super().__init__(plan, launcher, config)
        self.logs = Folding()


@mutant("OR-27", of=MemoryHarness)
class FoldsNames(InMemoryOrchestrator):
    """Logs are kept by names without their case."""

    Run = FoldingRun


class SharingRun(MemoryRun):
    shared: ClassVar[dict[str, dict[tuple[str, int], MemoryLog]]] = {}

    def __init__(self, plan: PipelinePlan, launcher: Launcher, config: MemoryConfig) -> None:
        super().__init__(plan, launcher, config)
        self.logs = self.shared.setdefault(config.space, {})


@mutant("OR-30", of=MemoryHarness)
class SharesLogs(InMemoryOrchestrator):
    """Logs of different runs are one."""

    Run = SharingRun


class LeakingRun(MemoryRun):
    def _start(self, name: str) -> None:
        if self._is_apart(self.schedule.plans[name]):
            os.environ["DOVETAIL_STEP"] = f"{name}-{uuid.uuid4().hex}"
        super()._start(name)


@mutant("OR-33", of=MemoryHarness)
class ChangesTheEnvironment(InMemoryOrchestrator):
    """A variable for steps is set in this process."""

    Run = LeakingRun


class OpenSecrets(Between):
    def command(self, step: str, attempt: int) -> Command | None:
        command = self.launcher.command(step, attempt)
        if command is None or "SECRET" not in command.environment:
            return command
        return Command(("/usr/bin/env", *(f"{name}={value}" for name, value in command.environment.items()), *command.arguments))


class OpenRun(MemoryRun):
    def __init__(self, plan: PipelinePlan, launcher: Launcher, config: MemoryConfig) -> None:
        super().__init__(plan, OpenSecrets(launcher), config)


@mutant("OR-34", of=MemoryHarness)
class ShowsSecrets(InMemoryOrchestrator):
    """The environment is passed by arguments."""

    Run = OpenRun


# Logs


class HastyLog(MemoryLog):
    def lines(self) -> Iterator[str]:
        return (line for line in super().lines() if line != "the last line")


class HastyRun(MemoryRun):
    def _start(self, name: str) -> None:
        super()._start(name)
        self.logs[name, self.schedule.status[name].attempt].__class__ = HastyLog


@mutant("OR-26", of=MemoryHarness)
class LosesTheLastLine(InMemoryOrchestrator):
    """The end of a log is lost."""

    Run = HastyRun


class BoundlessRun(MemoryRun):
    def __init__(self, plan: PipelinePlan, launcher: Launcher, config: MemoryConfig) -> None:
        super().__init__(plan, launcher, config.model_copy(update={"log_limit": 2**40}))


@mutant("OR-45", of=MemoryHarness)
class KeepsEverything(InMemoryOrchestrator):
    """Logs are not bounded."""

    Run = BoundlessRun


# What is left


@mutant("OR-09", of=LocalHarness)
class LostIsSucceeded(LocalOrchestrator):
    """A run whose process is gone has succeeded."""

    def _status(self, run_id: str) -> RunStatus:
        status = super()._status(run_id)
        lost = status.failure is not None and status.failure.kind == "Lost"
        return replace(status, state=StepState.SUCCEEDED, failure=None, steps=_running(status)) if lost else status


def _running(status: RunStatus) -> Mapping[str, Any]:
    return {name: replace(step, state=StepState.RUNNING) if step.state is StepState.FAILED else step for name, step in status.steps.items()}


class KeepingRun(MemoryRun):
    def drive(self) -> None:
        super().drive()
        if "there" in self.schedule.plans and "below" in self.schedule.plans and self._state is StepState.SUCCEEDED:
            os.open(os.devnull, os.O_RDONLY)


@mutant("OR-23", of=MemoryHarness)
class KeepsDescriptors(InMemoryOrchestrator):
    """A run leaves a descriptor behind."""

    Run = KeepingRun


@mutant("OR-46", of=MemoryHarness)
class ForgetsWhatGoesOn(InMemoryOrchestrator):
    """A run that goes on can be forgotten."""

    def forget(self, run_id: str) -> None:
        self._forget(run_id)


@mutant("OR-46", of=LocalHarness)
class KeepsLogsOfTheForgotten(LocalOrchestrator):
    """The logs of a run that is forgotten stay."""

    def _forget(self, run_id: str) -> None:
        (self.config.path / run_id / "journal").unlink()


# Everything at once


class NearlyReadyRun(MemoryRun):
    def __init__(self, plan: PipelinePlan, launcher: Launcher, config: MemoryConfig) -> None:
        super().__init__(plan, launcher, config)
        for name, left in self.schedule._left.items():
            if name.startswith("s") and name != "sink" and left > 1:
                self.schedule._left[name] = left - 1


@mutant("OR-41", of=MemoryHarness)
class StartsOneTooEarly(InMemoryOrchestrator):
    """Of several steps that are needed the last is not waited for."""

    Run = NearlyReadyRun


# Equivalents


class SlowRun(Settling):
    def changed(self, step: str, result: StepResult) -> StepResult:
        threading.Event().wait(0.002)
        return result


@equivalent(of=MemoryHarness)
class Slow(InMemoryOrchestrator):
    """Every end takes a while."""

    Run = SlowRun


class ApartRun(MemoryRun):
    def _is_apart(self, step: StepPlan) -> bool:
        return has_command(self.launcher, step.name)


@equivalent(of=MemoryHarness)
class AlwaysApart(InMemoryOrchestrator):
    """Every step has a process of its own, if there is a command for it."""

    Run = ApartRun


@equivalent(of=LocalHarness)
class LooksNowAndThen(LocalOrchestrator):
    """Runs are looked at from time to time, as if they were elsewhere."""

    def _pause(self, run_id: str, seconds: float) -> None:
        time.sleep(min(seconds, 0.02))

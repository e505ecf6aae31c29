"""Which steps may start: the order of a plan, the spread of failures, and the waits before further attempts."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator, Mapping

from dovetail_core import Failure
from dovetail_orchestrator.plan import PipelinePlan, StepPlan, StepResult, StepState
from dovetail_orchestrator.status import StepStatus


class Schedule:
    """The states of a plan's steps. Not safe for several threads; knows nothing of how steps execute."""

    def __init__(self, plan: PipelinePlan) -> None:
        self.plans: Mapping[str, StepPlan] = {step.name: step for step in plan.steps}
        self.status: dict[str, StepStatus] = dict.fromkeys(self.plans, StepStatus())
        self.index: dict[str, int] = {name: index for index, name in enumerate(self.plans)}
        self.fail_fast: bool = plan.failure_mode == "fail_fast"
        self._left = {step.name: len(set(step.upstream)) for step in plan.steps}
        self._below: dict[str, list[str]] = {name: [] for name in self.plans}
        for step in plan.steps:
            for upstream in set(step.upstream):
                self._below[upstream].append(step.name)
        self.ready: deque[str] = deque(name for name, left in self._left.items() if not left)
        self.running: set[str] = set()
        self._delayed: list[tuple[float, str]] = []
        self._open = len(self.plans)

    @property
    def done(self) -> bool:
        """Whether every step has ended."""
        return self._open == 0

    def start(self, name: str) -> int:
        """Note that an attempt starts, and return its number."""
        attempt = self.status[name].attempt + 1
        self.status[name] = StepStatus(StepState.RUNNING, attempt, self.status[name].failure)
        self.running.add(name)
        return attempt

    def wait_before_retry(self, name: str, result: StepResult) -> float | None:
        """Return the seconds until the next attempt after a result, or None if there is none."""
        attempt, policy = self.status[name].attempt, self.plans[name].retry
        if result.state is not StepState.FAILED or not result.retry or attempt > policy.retries:
            return None
        return list(policy.waits())[attempt - 1]

    def delay(self, name: str, due: float, failure: Failure | None, reason: str) -> None:
        """Note that an attempt failed, and that the step is to be tried again at a time."""
        self.running.discard(name)
        self.status[name] = StepStatus(StepState.RUNNING, self.status[name].attempt, failure, reason)
        heapq.heappush(self._delayed, (due, name))

    def wake(self, now: float) -> float | None:
        """Make the steps ready whose time has come; return the time of the next one."""
        while self._delayed and self._delayed[0][0] <= now:
            self.ready.append(heapq.heappop(self._delayed)[1])
        return self._delayed[0][0] if self._delayed else None

    def end(self, name: str, state: StepState, failure: Failure | None = None, reason: str = "") -> None:
        """Note that a step has ended; what it held back becomes ready if it is good."""
        self.running.discard(name)
        self._close(name, state, failure, reason)
        if state.good:
            for below in self._below[name]:
                self._left[below] -= 1
                if not self._left[below] and not self.status[below].state.terminal:
                    self.ready.append(below)

    def _close(self, name: str, state: StepState, failure: Failure | None, reason: str) -> None:
        self.status[name] = StepStatus(state, self.status[name].attempt, failure, reason)
        self._open -= 1

    def skip_below(self, name: str, reason: str) -> Iterator[str]:
        """End everything below a step that is not good as `skipped`, and yield the names."""
        pending = deque(self._below[name])
        while pending:
            below = pending.popleft()
            if not self.status[below].state.terminal:
                self._close(below, StepState.SKIPPED, None, reason)
                yield below
                pending.extend(self._below[below])

    def cancel_unstarted(self, reason: str) -> Iterator[str]:
        """End every step that does not run as `cancelled`, and yield the names."""
        self.ready.clear()
        self._delayed.clear()
        for name, status in list(self.status.items()):
            if not status.state.terminal and name not in self.running:
                self._close(name, StepState.CANCELLED, None, reason)
                yield name

    def outcome(self, cancelled: bool) -> StepState:
        """Return the state of the whole run, computed from all its steps; `cancelled`: somebody asked to stop it."""
        return outcome({status.state for status in self.status.values()}, cancelled)


def outcome(states: set[StepState], cancelled: bool) -> StepState:
    """Return the state of a run whose steps have ended in some states."""
    if all(state.good for state in states):
        return StepState.SUCCEEDED
    return StepState.CANCELLED if StepState.CANCELLED in states and (cancelled or StepState.FAILED not in states) else StepState.FAILED

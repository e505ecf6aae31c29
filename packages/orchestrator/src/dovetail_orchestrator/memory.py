"""An orchestrator that keeps its runs in memory: the contract in code, and what tests of other software use."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from dovetail_core import ComponentConfig, Conflict, NotFound, Reach, Timeout, Unavailable
from dovetail_orchestrator.admission import unexecutable
from dovetail_orchestrator.capabilities import OrchestratorCapability as Capability
from dovetail_orchestrator.interface import Orchestrator, start
from dovetail_orchestrator.memory_run import SLACK, MemoryConfig, MemoryRun
from dovetail_orchestrator.plan import Launcher, PipelinePlan
from dovetail_orchestrator.status import RunStatus


@dataclass
class Space:
    """What instances of one name share."""

    runs: dict[str, MemoryRun] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class InMemoryOrchestrator(Orchestrator):
    """Runs in the memory of this process, with which they end. Steps execute in threads; in processes of their own if they are `isolated`
    or have a timeout. Instances that are configured with one `space` see each other's runs."""

    flavor = "memory"
    capabilities: frozenset[Any] = frozenset({Capability.PARALLEL, Capability.ASYNC_SUBMIT, Capability.RETRY, Capability.FORGET})
    Config: ClassVar[type[MemoryConfig]] = MemoryConfig
    config: MemoryConfig
    Run: ClassVar[type[MemoryRun]] = MemoryRun
    spaces: ClassVar[dict[str, Space]] = {}

    def setup(self) -> None:
        """Find what is shared."""
        if self.config.max_parallel == 1:
            self.capabilities = type(self).capabilities - {Capability.PARALLEL}
        self._space = self.spaces.setdefault(self.config.space, Space())

    @classmethod
    def reach(cls, config: ComponentConfig) -> Reach:
        """Only this machine, and of it only this process."""
        return Reach.MACHINE

    def _refusals(self, plan: PipelinePlan, launcher: Launcher) -> Iterator[str]:
        return unexecutable(plan, launcher)

    def _submit(self, plan: PipelinePlan, launcher: Launcher) -> None:
        run = self.Run(plan, launcher, self.config)
        with self._space.lock:
            known = self._space.runs.setdefault(plan.run_id, run)
        if known.plan != plan:
            raise Conflict(f"another plan was submitted as run {plan.run_id}", remedy="submit it under a new run id")
        if known is run:
            self._begin(run)

    def _begin(self, run: MemoryRun) -> None:
        try:
            start(threading.Thread(target=run.drive, name=f"run-{run.plan.run_id}"))
        except Unavailable:
            del self._space.runs[run.plan.run_id]
            raise

    def _found(self, run_id: str) -> MemoryRun:
        try:
            return self._space.runs[run_id]
        except KeyError:
            raise NotFound(f"there is no run {run_id} in space '{self.config.space}'", remedy="check the id, and `space`") from None

    def _status(self, run_id: str) -> RunStatus:
        return self._found(run_id).status()

    def _pause(self, run_id: str, seconds: float) -> None:
        self._found(run_id).over.wait(seconds)

    def _cancel(self, run_id: str) -> None:
        run = self._found(run_id)
        run.cancel()
        if not run.is_here() and not run.over.wait(self.config.grace + 2 * SLACK):
            raise Timeout(f"run {run_id} has not ended", remedy="give steps that cannot be interrupted a process of their own (isolated)")

    def _logs(self, run_id: str, step: str, attempt: int) -> Iterator[str]:
        return self._found(run_id).logs[step, attempt].lines()

    def _forget(self, run_id: str) -> None:
        self._space.runs.pop(run_id, None)

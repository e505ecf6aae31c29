"""The embedded flavor: steps execute on this machine, in threads or in processes of their own."""

from __future__ import annotations

import functools
import glob
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import psutil
from dovetail_core import ComponentConfig, ConfigError, ProjectPath
from pydantic import Field

from dovetail_orchestrator.capabilities import OrchestratorCapability as Capability
from dovetail_orchestrator.interface import Orchestrator
from dovetail_orchestrator.local_run import LocalRun
from dovetail_orchestrator.log_files import lines_of
from dovetail_orchestrator.plan import Launcher, PipelinePlan
from dovetail_orchestrator.processes import kill_tree
from dovetail_orchestrator.run_directory import RunDirectory
from dovetail_orchestrator.status import RunStatus


class LocalConfig(ComponentConfig):
    """Settings of the local orchestrator."""

    mode: Literal["sequential", "threads", "processes"] = Field(
        default="threads", description="One step after the other, several in threads, or each in a process of its own."
    )
    max_parallel: int | None = Field(default=None, ge=1, description="Steps that execute at once; default: the number of processor cores.")
    grace: float = Field(default=5.0, ge=0, description="Seconds that a step has to end when it is stopped, before it is killed.")
    log_limit: int = Field(default=16 * 1024**2, ge=1024, description="Bytes of output that are kept per attempt.")
    path: ProjectPath = Field(default=Path(".dovetail/runs"), description="Directory for states and logs of runs.")

    @property
    def limit(self) -> int:
        """How many steps may execute at once."""
        return 1 if self.mode == "sequential" else self.max_parallel or os.cpu_count() or 1

    def machine(self) -> Mapping[str, float]:
        """Return what this machine has, as `Resources.requested` counts it."""
        return _machine()


@functools.cache
def _machine() -> Mapping[str, float]:
    return {"cpu": os.cpu_count() or 1, "memory": psutil.virtual_memory().total, "gpu": len(glob.glob("/dev/nvidia[0-9]*"))}


class LocalOrchestrator(Orchestrator):
    """Steps on this machine. `run` executes a step in the calling thread wherever only one is ready.

    A step has a process of its own in the mode `processes`, if it asks for one (`isolated`), and if it has a timeout; all that such a
    process starts is stopped with it. A step in a thread can only be asked to stop: between two of its Python instructions.
    Requested resources are compared with what the machine has: too much is refused, and steps wait for each other; the operating
    system is not told of any limit.
    """

    flavor = "local"
    capabilities = frozenset({Capability.PARALLEL, Capability.ASYNC_SUBMIT, Capability.RETRY, Capability.RESOURCES})
    Config = LocalConfig
    config: LocalConfig

    def check(self) -> None:
        """Verify that the directory can be written to, or can be made."""
        path = self.config.path
        existing = next(parent for parent in (path, *path.parents) if parent.exists())
        if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
            raise ConfigError(f"{self.label}: {existing} is no directory that can be written to", remedy="set `path` to one")

    def run(
        self, plan: PipelinePlan, launcher: Launcher, *, on_progress: Callable[[RunStatus], object] | None = None
    ) -> RunStatus:
        """Execute a run, driven by the calling thread, and return its status once it has ended."""
        self.ensure_possible(plan, launcher)
        run = self._begun(plan, launcher)
        return run.drive(on_progress) if run is not None else self.wait(plan.run_id, None, on_progress)

    def _submit(self, plan: PipelinePlan, launcher: Launcher) -> None:
        run = self._begun(plan, launcher)
        if run is not None:
            threading.Thread(target=run.drive, name=f"run-{plan.run_id}").start()

    def _begun(self, plan: PipelinePlan, launcher: Launcher) -> LocalRun | None:
        """Return a new run, or None if it was submitted before."""
        directory = self._directory(plan.run_id)
        return LocalRun(plan, launcher, self.config, directory) if directory.create([step.name for step in plan.steps]) else None

    def _refusals(self, plan: PipelinePlan, launcher: Launcher) -> Iterator[str]:
        machine = self.config.machine()
        for step in plan.steps:
            for kind, amount in step.resources.requested().items():
                if amount > machine[kind]:
                    yield f"step '{step.name}' asks for {kind} {amount:g}, and this machine has {machine[kind]:g}"
            if (step.isolated or step.timeout is not None) and launcher.command(step.name, 0) is None:
                yield f"step '{step.name}' needs a process of its own, and can only execute in this one"
            if step.operator is not None:
                yield f"step '{step.name}' names the step operator '{step.operator}', and this flavor uses none"
            if step.settings:
                yield f"step '{step.name}' has settings that this flavor does not know: {', '.join(step.settings)}"

    def _status(self, run_id: str) -> RunStatus:
        return self._directory(run_id).status()

    def _cancel(self, run_id: str) -> None:
        directory = self._directory(run_id)
        directory.request_cancel()
        driver = directory.driver()
        if driver is None or driver.pid == os.getpid():
            return
        try:
            self.wait(run_id, 2 * self.config.grace + 1)
        except TimeoutError:
            kill_tree(driver, self.config.grace)

    def _logs(self, run_id: str, step: str, attempt: int | None) -> Iterator[str]:
        directory = self._directory(run_id)
        return lines_of(directory.log(step, directory.latest_attempt(step) if attempt is None else attempt))

    def _directory(self, run_id: str) -> RunDirectory:
        return RunDirectory(self.config.path, run_id)

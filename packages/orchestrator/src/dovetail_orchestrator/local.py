"""The embedded flavor: steps execute on this machine, in threads or in processes of their own."""

from __future__ import annotations

import functools
import glob
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from dovetail_core import ComponentConfig, ConfigError, ProjectPath, Reach, Timeout, Unavailable
from dovetail_orchestrator.admission import unexecutable
from dovetail_orchestrator.capabilities import OrchestratorCapability as Capability
from dovetail_orchestrator.interface import Orchestrator, Progress, start
from dovetail_orchestrator.local_run import SLACK, WATCH, LocalRun
from dovetail_orchestrator.log_files import lines_of
from dovetail_orchestrator.plan import Launcher, PipelinePlan, StepPlan
from dovetail_orchestrator.process_identity import ProcessIdentity
from dovetail_orchestrator.run_directory import RunDirectory
from dovetail_orchestrator.status import RunStatus


class LocalConfig(ComponentConfig):
    """Settings of the local orchestrator."""

    mode: Literal["sequential", "threads", "processes"] = Field(
        default="threads",
        description="One step after the other, several in threads, or each in a process of its own where another process can import it.",
    )
    max_parallel: int | None = Field(
        default=None, ge=1, description="Steps of a run that execute at once; default: the number of processor cores."
    )
    grace: float = Field(default=5.0, ge=0, description="Seconds that a step has to end when it is stopped, before it is killed.")
    log_limit: int = Field(default=16 * 1024**2, ge=0, description="Bytes of output that are kept per attempt.")
    path: ProjectPath = Field(default=Path(".dovetail/runs"), description="Directory for states and logs of runs.")

    @property
    def limit(self) -> int:
        """How many steps may execute at once."""
        return 1 if self.mode == "sequential" else self.max_parallel or os.cpu_count() or 1

    def wants_process(self, step: StepPlan) -> bool:
        """Tell whether a step is to have a process of its own; a thread cannot be stopped when its time is over."""
        return self.mode == "processes" or step.isolated or step.timeout is not None

    def machine(self) -> Mapping[str, float]:
        """Return what this machine has, as `Resources.requested` counts it."""
        return _machine()


@functools.cache
def _machine() -> Mapping[str, float]:
    import psutil

    return {"cpu": os.cpu_count() or 1, "memory": psutil.virtual_memory().total, "gpu": len(glob.glob("/dev/nvidia[0-9]*"))}


class LocalOrchestrator(Orchestrator):
    """Steps on this machine. `run` executes a step in the calling thread wherever only one is ready; the others have threads.

    A step has a process of its own in the mode `processes`, if it asks for one (`isolated`), and if it has a timeout. Nothing that such
    a process starts outlives it, and on Linux none of it outlives this process. A step in a thread can only be asked to stop: it is
    interrupted between two of its Python instructions, in the main thread also where it waits, and processes that its thread has
    started are ended (Linux). One that has not stopped after the time of grace is given up: it is `cancelled`, and its thread goes on.

    Requested resources are compared with what the machine has: too much is refused, and steps of a run wait for each other; the
    operating system is not told of any limit. A step in a process of its own that asks for 0 gpus sees none (CUDA_VISIBLE_DEVICES).

    A submitted run executes in a thread that keeps this process from ending before it. Any process of the machine sees its status and
    logs under `path`, and can cancel it: the process that executes the run is killed if it does not stop it within the time of grace.
    """

    flavor = "local"
    capabilities: frozenset[Any] = frozenset(
        {Capability.PARALLEL, Capability.ASYNC_SUBMIT, Capability.RETRY, Capability.RESOURCES, Capability.FORGET}
    )
    Config: ClassVar[type[LocalConfig]] = LocalConfig
    config: LocalConfig

    def setup(self) -> None:
        """Prepare for runs."""
        if self.config.limit == 1:
            self.capabilities = type(self).capabilities - {Capability.PARALLEL}
        self._runs: dict[str, LocalRun] = {}
        """Runs that this instance executes now."""

    @classmethod
    def reach(cls, config: ComponentConfig) -> Reach:
        """Runs are seen and cancelled on this machine only."""
        return Reach.MACHINE

    def check(self) -> None:
        """Verify that the directory can be written to, or can be made."""
        path = self.config.path
        existing = next(parent for parent in (path, *path.parents) if parent.exists())
        if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
            raise ConfigError(f"{self.label}: {existing} is no directory that can be written to", remedy="set `path` to one")

    def _run(self, plan: PipelinePlan, launcher: Launcher, on_progress: Progress | None) -> RunStatus:
        run = self._begun(plan, launcher, lends_thread=True)
        return self._driven(run, on_progress) if run is not None else self.wait(plan.run_id, None, on_progress)

    def _submit(self, plan: PipelinePlan, launcher: Launcher) -> None:
        run = self._begun(plan, launcher, lends_thread=False)  # a step that blocks there could not be given up
        if run is not None:
            self._start(run, threading.Thread(target=self._driven_aside, args=(run,), name=f"run-{plan.run_id}"))

    def _begun(self, plan: PipelinePlan, launcher: Launcher, lends_thread: bool) -> LocalRun | None:
        """Return a new run, or None if it was submitted before."""
        directory = self._directory(plan.run_id)
        try:
            journal = directory.create(plan)
        except OSError as error:
            raise self._unwritable(error) from error
        if journal is None:
            return None
        run = self._runs[plan.run_id] = LocalRun(plan, launcher, self.config, directory, journal, lends_thread)
        self._start(run, run.watcher)
        return run

    def _start(self, run: LocalRun, thread: threading.Thread) -> None:
        """Start a thread that a run needs; it begins wholly or not at all."""
        try:
            start(thread)
        except Unavailable:
            self._runs.pop(run.run_id, None)
            run.undo()
            raise

    def _driven(self, run: LocalRun, on_progress: Progress | None = None) -> RunStatus:
        try:
            return run.drive(on_progress)
        finally:
            self._runs.pop(run.run_id, None)

    def _driven_aside(self, run: LocalRun) -> None:
        with suppress(KeyboardInterrupt):  # of a step: the run was cancelled by it, and there is nobody to tell
            self._driven(run)

    def _refusals(self, plan: PipelinePlan, launcher: Launcher) -> Iterator[str]:
        machine = self.config.machine()
        for step in plan.steps:
            for kind, amount in step.resources.requested().items():
                if amount > machine[kind]:
                    yield f"step '{step.name}' asks for {kind} {amount:g}, and this machine has {machine[kind]:g}"
        yield from unexecutable(plan, launcher)

    def _status(self, run_id: str) -> RunStatus:
        return self._directory(run_id).status()

    def _own(self, run_id: str) -> LocalRun | None:
        """Return a run that this process executes; one that was forked has but a copy."""
        run = self._runs.get(run_id)
        return run if run is not None and run.process == os.getpid() else None

    def _pause(self, run_id: str, seconds: float) -> None:
        run = self._own(run_id)
        if run is None:
            super()._pause(run_id, seconds)
        else:
            run.over.wait(seconds)

    def _cancel(self, run_id: str) -> None:
        run = self._own(run_id)
        if run is not None:
            self._cancel_own(run)
        else:
            self._cancel_other(self._directory(run_id))

    def _cancel_own(self, run: LocalRun) -> None:
        here = run.is_here()
        run.cancel()
        if not here and not run.over.wait(self._patience):
            raise self._unstoppable(run.run_id)

    def _cancel_other(self, directory: RunDirectory) -> None:
        directory.request_cancel()
        try:
            self.wait(directory.run_id, self._patience)
        except Timeout:
            self._kill_driver(directory)

    def _kill_driver(self, directory: RunDirectory) -> None:
        """Kill the process that executes a run, if it is another one of this machine. Raises `Timeout` if the run goes on all the same."""
        from dovetail_orchestrator.processes import kill_run

        driver = directory.driver()
        if driver == ProcessIdentity.own():
            raise self._unstoppable(directory.run_id)
        if process := driver.found():
            kill_run(process, self.config.grace)
        if not directory.status().state.terminal:
            what = f"run {directory.run_id} was asked to stop and has not; process {driver.pid} of {driver.host} could not be ended"
            raise Timeout(what, remedy="cancel it on that machine, with the rights of whoever began it")

    def _unstoppable(self, run_id: str) -> Timeout:
        return Timeout(
            f"run {run_id} could not be stopped within {self._patience:g} s: a step executes code that cannot be interrupted",
            remedy="give such steps a process of their own (isolated), or end this process",
        )

    @property
    def _patience(self) -> float:
        """Seconds within which a run stops, unless something in it cannot be stopped."""
        return self.config.grace + SLACK + 5 * WATCH

    def _logs(self, run_id: str, step: str, attempt: int) -> Iterator[str]:
        return lines_of(self._directory(run_id).log(step, attempt))

    def _forget(self, run_id: str) -> None:
        try:
            self._directory(run_id).remove()
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> ConfigError:
        reason = f"{self.label}: {self.config.path} cannot be written: {error.strerror}"
        return ConfigError(reason, remedy="set `path` to a directory that can")

    def _directory(self, run_id: str) -> RunDirectory:
        return RunDirectory(self.config.path, run_id)

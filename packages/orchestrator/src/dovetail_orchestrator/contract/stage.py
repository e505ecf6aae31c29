"""Plans for rules, and runs of them that are watched: none can keep a rule waiting, or go on when the rule is over."""

from __future__ import annotations

import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dovetail_conformance import attempt, check, raises, until, within
from dovetail_core import NotFound, Unsupported
from dovetail_orchestrator.contract.harness import OrchestratorHarness
from dovetail_orchestrator.contract.launcher import Script, WitnessLauncher
from dovetail_orchestrator.interface import Orchestrator
from dovetail_orchestrator.plan import PipelinePlan, StepPlan
from dovetail_orchestrator.status import RunStatus

LIMIT = 60.0
"""Seconds that a run of the suite may take at most."""


def plan_of(graph: Mapping[str, Iterable[str]], *, each: Mapping[str, Any] | None = None, **settings: Any) -> PipelinePlan:
    """Return a plan: the upstream steps of each step, what is so for `each` of them, and what is so for some by their names.

    The failure mode is `continue` unless `failure_mode` says otherwise.
    """
    mode, run_id = settings.pop("failure_mode", "continue"), settings.pop("run_id", "") or f"run-{uuid.uuid4().hex}"
    pipeline = settings.pop("pipeline", "pipeline")
    steps = (StepPlan(name=name, upstream=tuple(above), **{**(each or {}), **settings.get(name, {})}) for name, above in graph.items())
    return PipelinePlan(run_id=run_id, pipeline=pipeline, steps=tuple(steps), failure_mode=mode)


def chain(count: int) -> dict[str, tuple[str, ...]]:
    """Return a graph of steps that follow each other."""
    return {f"s{number}": (f"s{number - 1}",) if number else () for number in range(count)}


def fan(count: int) -> dict[str, tuple[str, ...]]:
    """Return a graph of steps between a source and a sink."""
    between = [f"s{number}" for number in range(count)]
    return {"source": (), **{name: ("source",) for name in between}, "sink": tuple(between)}


def states(status: RunStatus) -> dict[str, str]:
    """Return the states of a run's steps as text."""
    return {name: step.state.value for name, step in status.steps.items()}


class Declined(Exception):
    """A plan was refused by `Unsupported`, as a rule expected."""


class Going:
    """A run that goes on in a thread, from its beginning."""

    def __init__(self, orchestrator: Orchestrator, plan: PipelinePlan, launcher: WitnessLauncher) -> None:
        self.orchestrator = orchestrator
        self.plan = plan
        self.launcher = launcher
        self.progress: list[RunStatus] = []
        """What whoever watches the run was told."""
        self.changed: threading.Event = threading.Event()
        """Set when it was told something."""
        self._results: list[RunStatus] = []
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, name="conformance-run", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._results.append(self.orchestrator.run(self.plan, self.launcher, on_progress=self._take))
        except BaseException as error:  # raised where the run is asked for
            self._errors.append(error)

    def _take(self, status: RunStatus) -> None:
        self.progress.append(status)
        self.changed.set()

    def status(self) -> RunStatus:
        """Return how far the run is."""
        return self.orchestrator.status(self.plan.run_id)

    def known(self) -> bool:
        """Tell whether the orchestrator knows the run; so it does if it has ended, or was refused."""
        try:
            self.status()
        except NotFound:
            return not self._thread.is_alive()
        return True

    def until(self, event: str, *steps: str, seconds: float = LIMIT) -> None:
        """Wait until some steps have witnessed something. Raises what `run` raised instead."""

        def seen() -> bool:
            if self._errors:
                raise self._errors[0]
            return set(steps) <= {one.step for one in self.launcher.events(event)}

        until(seen, seconds, did=f"waited until {', '.join(steps)}: {event}", mend="start every step whose upstream steps have succeeded")

    def until_state(self, step: str, *wanted: str, seconds: float = LIMIT) -> None:
        """Wait until the state of a step is one of some."""
        until(lambda: states(self.status()).get(step) in wanted, seconds, did=f"waited until step '{step}' is {' or '.join(wanted)}")

    def cancel(self, seconds: float) -> None:
        """Cancel the run; fail the rule if that does not return in time, or raises."""
        with attempt(did="cancelled the run", mend="stop everything, and return"):
            within(seconds, lambda: self.orchestrator.cancel(self.plan.run_id), did="cancelled the run", mend="kill what does not react")

    def ended(self, seconds: float = LIMIT) -> RunStatus:
        """Return what `run` returned."""
        self._thread.join(seconds)
        if self._errors:
            with attempt(did="ran a plan", mend="a run raises nothing for what its steps do"):
                raise self._errors[0]
        until(lambda: self._results, 0, did="waited for the end of a run", mend="end the run when its last step has ended")
        return self._results[0]

    def finish(self) -> None:
        """Make it end, whatever it does."""
        self.launcher.open("curtain")
        with suppress(Exception):
            if self._thread.is_alive():
                within(LIMIT, lambda: self.orchestrator.cancel(self.plan.run_id), did="cancelled the run")
        self._thread.join(LIMIT)


class Stage:
    """An orchestrator, and runs on it."""

    def __init__(self, harness: OrchestratorHarness, orchestrator: Orchestrator) -> None:
        self.harness = harness
        self.orchestrator = orchestrator
        self._folder = Path(tempfile.mkdtemp(prefix="dovetail-stage-", dir=harness.workspace))
        self._going: list[Going] = []
        self._launchers: list[WitnessLauncher] = []

    def launcher(self, scripts: Mapping[str, Script] | None = None) -> WitnessLauncher:
        """Return a launcher on a directory of its own."""
        made = WitnessLauncher(self._folder / f"{len(self._launchers)}", scripts)
        self._launchers.append(made)
        return made

    def begin(self, plan: PipelinePlan, scripts: Mapping[str, Script] | None = None, launcher: WitnessLauncher | None = None) -> Going:
        """Begin a run."""
        going = Going(self.orchestrator, plan, launcher or self.launcher(scripts))
        self._going.append(going)
        until(going.known, LIMIT, did="began a run, and asked for its status", mend="know a run before its first step starts")
        return going

    def run(
        self, plan: PipelinePlan, scripts: Mapping[str, Script] | None = None, launcher: WitnessLauncher | None = None
    ) -> tuple[RunStatus, WitnessLauncher]:
        """Return how a run ended, and the launcher that saw it."""
        going = self.begin(plan, scripts, launcher)
        return going.ended(), going.launcher

    def refused(self, plan: Any, launcher: Any, error: type[Exception] | tuple[type[Exception], ...], did: str) -> None:
        """Fail the rule unless a plan is refused before anything starts, and leaves no trace."""
        mend = "look at the whole plan before anything is done"

        def asked() -> None:
            try:
                self.orchestrator.run(plan, launcher)
            except Unsupported as refusal:  # which says of other rules that a capability is absent
                raise Declined from refusal

        kinds = error if isinstance(error, tuple) else (error,)
        with raises(tuple(Declined if kind is Unsupported else kind for kind in kinds), did=did, mend=mend):
            within(LIMIT, asked, did=did, mend=mend)
        if isinstance(launcher, WitnessLauncher):
            check(not launcher.events() and not launcher.told, did=did, came=f"executed: {launcher.steps()}", mend=mend)
        if isinstance(plan, PipelinePlan):
            with raises(NotFound, did=f"{did}, and asked for the status of the run", mend="keep nothing of a plan that is refused"):
                self.orchestrator.status(plan.run_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for launcher in self._launchers:
            launcher.open("curtain")
        for going in self._going:
            going.finish()
        shutil.rmtree(self._folder, ignore_errors=True)

"""What is left when a run has ended, or when the process that submitted it dies."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from dovetail_conformance import Effort, Harness, attempt, check, raises, rule, within
from dovetail_conformance.instruments import Census, kill_after
from dovetail_core import Conflict, InvalidArgument, NotFound
from dovetail_orchestrator.capabilities import OrchestratorCapability as Capability
from dovetail_orchestrator.contract.launcher import Script, WitnessLauncher
from dovetail_orchestrator.contract.stage import Stage, plan_of, states
from dovetail_orchestrator.interface import Orchestrator
from dovetail_orchestrator.plan import PipelinePlan, StepState
from dovetail_orchestrator.status import RunStatus


class LeftoverRules:
    """Rules about ends."""

    @rule("OR-09", severity=2, hooks=("kill", "second"), kind="fault")
    def test_the_death_of_the_submitter_leaves_a_run_that_can_be_seen(self, stage: Stage, effort: Effort) -> None:
        """If the process that submitted a run is killed, the run goes on and can be watched, or it has failed: no step stays as running, and none goes on unseen."""
        for isolated in (False, True):
            graph = {"a": (), "b": ("a",), "c": ("b",)}
            scripts: Mapping[str, Script] = {"b": [[["ask"]]]}
            plan, launcher = plan_of(graph, each={"isolated": isolated}), stage.launcher(scripts)
            arguments = (stage.orchestrator, plan, launcher.directory, scripts)
            killed = kill_after(drive, *arguments, seconds=0, when=partial(_has_begun, launcher, "b"))
            did = "killed the process that had submitted a run, while its second step executed"
            check(killed.killed, did=did, came=killed)
            launcher.answer("b", 1, [])
            status = _watched_elsewhere(stage, plan.run_id, did)
            ended = {name: step.state.terminal for name, step in status.steps.items()}
            check(all(ended.values()) and status.state.terminal, did=did, came=states(status), mend="notice that it is gone")
            check(status.steps["a"].state is StepState.SUCCEEDED, did=did, came=states(status), mend="keep what has succeeded")
            if status.state is not StepState.SUCCEEDED:
                check(status.state is StepState.FAILED and status.failure is not None, did=did, came=status, mend="say that it was lost")
                check("c" not in launcher.steps(), did=did, came=f"executed: {sorted(launcher.steps())}")
            check(not launcher.living(), did=did, came=f"{launcher.living()} steps go on", mend="let no step outlive its run")
            check(stage.orchestrator.status(plan.run_id) == status, did=did, came=states(stage.orchestrator.status(plan.run_id)))

    @rule("OR-23", severity=2, kind="leak")
    def test_runs_that_have_ended_leave_nothing(self, stage: Stage, harness: Harness, effort: Effort) -> None:
        """Runs that have ended, in whatever way, leave no process, thread, descriptor or temporary file, and nothing unfinished in the backend."""
        self._some_runs(stage)
        before = Census.take()
        for _ in range(effort.pick(1, 3, 10)):
            self._some_runs(stage)
        left = Census.settled(before, 10)
        check(not left, did="ran plans that succeed, fail, are cancelled and are refused", came=left, mend="release what a run holds")
        if harness.has("census"):
            unfinished = {what: count for what, count in harness.census(stage.orchestrator).items() if count}
            check(not unfinished, did="looked at the backend afterwards", came=unfinished, mend="remove what a run needs no more")

    @rule("OR-46", severity=2, needs=Capability.FORGET, kind="leak")
    def test_a_run_that_is_forgotten_leaves_nothing(self, stage: Stage, harness: Harness) -> None:
        """`forget` removes the status and the logs of a run that has ended, and of no other; one that goes on is a `Conflict`, an unknown one is nothing."""
        word, orchestrator = f"word-{uuid.uuid4().hex}", stage.orchestrator
        scripts: Mapping[str, Script] = {"here": [[["print", f"{word}\n"]]], "there": [[["print", f"{word}\n"]]]}
        graph = dict.fromkeys(scripts, ())
        gone, _ = stage.run(plan_of(graph, there={"isolated": True}), scripts)
        kept, _ = stage.run(plan_of(graph, there={"isolated": True}))
        going = stage.begin(plan_of({"a": ()}), {"a": [[["ask"]]]})
        with attempt(did="forgot a run that has ended, again, and one that there never was", mend="remove what there is, if anything"):
            for run_id in (gone.run_id, gone.run_id, "nothing"):
                orchestrator.forget(run_id)
        for ask in (orchestrator.status, orchestrator.attach, partial(orchestrator.logs, step="here")):
            with raises(NotFound, did="asked for a run that was forgotten", mend="remove its status and its logs"):
                ask(gone.run_id)
        if harness.has("raw"):
            left = [place for place, text in harness.raw(orchestrator).texts().items() if word in text or gone.run_id in place + text]
            check(not left, did="looked at the backend after a run was forgotten", came=left, mend="remove all that is kept of it")
        with raises(Conflict, did="forgot a run that goes on", mend="look at its state first"):
            orchestrator.forget(going.plan.run_id)
        going.launcher.answer("a", 1, [])
        check(going.ended().state is StepState.SUCCEEDED, did="refused to forget a run that went on", came=states(going.ended()))
        check(orchestrator.status(kept.run_id) == kept, did="forgot another run", came=states(orchestrator.status(kept.run_id)))

    def _some_runs(self, stage: Stage) -> None:
        graph = {"here": (), "there": (), "below": ("here", "there")}
        separate = {"there": {"isolated": True}}
        stage.run(plan_of(graph, **separate))
        stage.run(plan_of(graph, **separate), {"here": [[["fail", "ValueError", "on purpose"]]], "there": [[["exit", 3]]]})
        going = stage.begin(plan_of(graph, **separate), {"here": [[["beat"]]], "there": [[["leave", [["beat"]]], ["beat"]]]})
        going.until("beat", "here")
        going.cancel(stage.harness.stopping)
        going.ended()
        launcher = stage.launcher()
        launcher.commands = {"there": None}
        stage.refused(plan_of(graph, **separate), launcher, InvalidArgument, "ran a plan that is to be refused")


def _has_begun(launcher: WitnessLauncher, step: str) -> bool:
    return step in launcher.steps()


def _watched_elsewhere(stage: Stage, run_id: str, did: str) -> RunStatus:
    limit = stage.harness.detection
    mend = "end a run whose process is gone"
    with stage.harness.second(stage.orchestrator) as other, attempt(did=f"{did}, and waited for its end elsewhere", mend=mend):
        status: RunStatus = within(limit + 5, lambda: other.wait(run_id, limit), did=f"{did}, and waited for its end elsewhere")
    return status


def drive(orchestrator: Orchestrator, plan: PipelinePlan, directory: Path, scripts: Mapping[str, Script]) -> None:
    """Run a plan, in a process that is to be killed."""
    orchestrator.run(plan, WitnessLauncher(directory, scripts))

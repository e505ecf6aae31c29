"""Submission: once, wholly or not at all, and nothing that cannot be done."""

from __future__ import annotations

import errno
from collections import Counter
from typing import Any

from dovetail_conformance import Harness, HarnessError, attempt, check, raises, rule
from dovetail_conformance.instruments import workers
from dovetail_core import ConfigError, Conflict, DovetailError, InvalidArgument, NotFound, Unsupported
from dovetail_orchestrator.capabilities import OrchestratorCapability as Capability
from dovetail_orchestrator.contract.stage import LIMIT, Stage, chain, plan_of, states
from dovetail_orchestrator.plan import StepState


class SubmissionRules:
    """Rules about what is given to an orchestrator."""

    @rule("OR-10", severity=2, hooks=("syscalls",), kind="disk")
    def test_a_failed_submission_leaves_nothing(self, stage: Stage, harness: Harness) -> None:
        """A submission that fails leaves no run and nothing half made, and can be made again: each operation of the backend fails once."""
        shim = harness.syscalls(stage.orchestrator)
        mark = shim.mark()
        stage.run(plan_of({"a": ()}))
        steps = len(shim.since(mark))
        if not steps:
            raise HarnessError(f"a submission made no operation of `os` below {shim.directory}, so none can fail")
        for number in range(1, steps + 1):
            plan, launcher = plan_of({"a": ()}), stage.launcher()
            with shim.fault(None, errno.ENOSPC, nth=number) as fault:
                try:
                    stage.orchestrator.run(plan, launcher)
                    refused = False
                except DovetailError:
                    refused = True
                fault.reached()  # logs are not made anew each time: there may be fewer
            if refused:
                did = f"failed operation {number} of the backend while a plan was submitted"
                check(not launcher.events(), did=did, came=f"executed: {launcher.steps()}", mend="start nothing before all is made")
                with raises(NotFound, did=f"{did}, and asked for the status", mend="undo what was made"):
                    stage.orchestrator.status(plan.run_id)
                left = {what: count for what, count in harness.census(stage.orchestrator).items() if count} if harness.has("census") else {}
                check(not left, did=did, came=left, mend="undo what was made")
                with attempt(did=f"{did}, and submitted it again"):
                    stage.orchestrator.run(plan, launcher)
            status = stage.orchestrator.status(plan.run_id)
            check(status.state is StepState.SUCCEEDED, did=f"ran a plan while operation {number} fails", came=status, mend="end the run")
            check(launcher.executed() == Counter([("a", 1)]), did=f"ran a plan while operation {number} fails", came=launcher.executed())

    @rule("OR-11", severity=1, needs=Capability.ASYNC_SUBMIT, kind="race")
    def test_a_plan_that_is_submitted_again_runs_once(self, stage: Stage) -> None:
        """A plan that is submitted again, by many at once or after its end, is not executed again; another one under its id is a `Conflict`."""
        orchestrator, plan = stage.orchestrator, plan_of({"a": (), "b": ("a",)})
        launcher = stage.launcher({"a": [[["ask"]]]})
        orchestrator.submit(plan, launcher)
        results = workers(lambda: orchestrator.submit(plan, launcher), [()] * 4)
        failed = [f"{type(result).__name__}: {result}" for result in results if isinstance(result, BaseException)]
        check(not failed, did="submitted one plan again, four times at once", came="; ".join(failed), mend="the run id is the key")
        with raises(Conflict, did="submitted another plan under the same run id", mend="compare the plans"):
            orchestrator.submit(plan_of(chain(3), run_id=plan.run_id), launcher)
        launcher.answer("a", 1, [])
        with attempt(did="waited for the run"):
            status = orchestrator.wait(plan.run_id, LIMIT)
        with attempt(did="submitted it again after its end"):
            again = orchestrator.submit(plan, launcher).wait(LIMIT)
            stage.harness.alike(orchestrator).run(plan, launcher)
        executed = launcher.executed()
        mend = "execute a run id once"
        check(executed == Counter([("a", 1), ("b", 1)]), did="submitted one plan seven times", came=executed, mend=mend)
        check(again == status, did="submitted it again after its end", came=again)

    @rule("OR-38", severity=2)
    def test_what_cannot_be_done_is_refused_before_anything_starts(self, stage: Stage) -> None:
        """What the flavor cannot do - settings of others, capabilities that it lacks, what is no plan or no launcher - is refused before anything starts."""
        graph = {"a": (), "b": ("a",)}
        wrong: list[tuple[dict[str, Any], Any]] = [({"settings": {"no_such_setting": 1}}, ConfigError)]
        wrong += [({"operator": "no-such-operator"}, (InvalidArgument, Unsupported, NotFound))]
        if Capability.RETRY not in stage.orchestrator.capabilities:
            wrong += [({"retry": {"retries": 1}}, Unsupported)]
        if Capability.RESOURCES not in stage.orchestrator.capabilities:
            wrong += [({"resources": {"gpu": 0}}, Unsupported), ({"resources": {"cpu": 1}}, Unsupported)]
        for settings, error in wrong:
            stage.refused(plan_of(graph, b=settings), stage.launcher(), error, f"ran a plan of which the last step has {settings}")
        stage.refused({"run_id": "r"}, stage.launcher(), InvalidArgument, "ran what is no plan")
        stage.refused(plan_of(graph), lambda step, attempt, log: None, InvalidArgument, "ran a plan with what is no launcher")

    @rule("OR-32", severity=2, needs=Capability.RESOURCES)
    def test_resources_are_reserved_or_refused(self, stage: Stage) -> None:
        """Requested resources are reserved while a step executes; what can never be had is refused before anything starts, and 0 is a request."""
        whole = stage.harness.whole() if Capability.RESOURCES in stage.orchestrator.capabilities else {"cpu": 1.0}
        names = "abcd"
        plan = plan_of(dict.fromkeys(names, ()), each={"resources": whole})
        status, launcher = stage.run(plan, {name: [[["crowd"]]] for name in names})
        came = [one.data for one in launcher.events("crowd")]
        did = f"ran {len(names)} steps that each ask for {dict(whole)}, and counted how many execute at once"
        check(came == [1] * len(names), did=did, came=came, mend="let steps wait for what others hold")
        check(status.state is StepState.SUCCEEDED, did=did, came=states(status))
        status, _ = stage.run(plan_of({"a": ()}, each={"resources": {"cpu": 0, "gpu": 0, "memory": 0}}))
        check(status.state is StepState.SUCCEEDED, did="ran a step that asks for none of anything", came=states(status))
        for asked in ({"cpu": 1e6}, {"memory": "1000PB"}, {"gpu": 10_000}):
            stage.refused(plan_of({"a": (), "b": ("a",)}, b={"resources": asked}), stage.launcher(), InvalidArgument, f"asked for {asked}")

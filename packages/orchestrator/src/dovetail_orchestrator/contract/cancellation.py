"""Cancellation: it stops what executes, in whatever state a run is."""

from __future__ import annotations

from dovetail_conformance import Harness, attempt, check, raises, rule, until, within
from dovetail_conformance.instruments import workers
from dovetail_core import NotFound
from dovetail_orchestrator.capabilities import OrchestratorCapability as Capability
from dovetail_orchestrator.contract.launcher import Act
from dovetail_orchestrator.contract.stage import LIMIT, Going, Stage, plan_of, states
from dovetail_orchestrator.plan import StepState

_STUBBORN: list[Act] = [["deaf"], ["leave", [["beat"]]], ["beat"]]


class CancellationRules:
    """Rules about `cancel`."""

    @rule("OR-20", severity=1, kind="fault")
    def test_cancel_stops_what_executes(self, stage: Stage) -> None:
        """When `cancel` returns, no step executes any more, nor anything that one has started, whatever it ignores; nothing else starts."""
        parallel = Capability.PARALLEL in stage.orchestrator.capabilities
        for steps in [("thread", "process")] if parallel else [("thread",), ("process",)]:
            graph = {"done": (), **dict.fromkeys(steps, ("done",)), "below": steps}
            separate = {"process": {"isolated": True}} if "process" in steps else {}
            going = stage.begin(plan_of(graph, **separate), {"process": [_STUBBORN], "thread": [[["beat"]]]})
            going.until("beat", *steps)
            going.cancel(stage.harness.stopping)
            did = "cancelled a run with a step in a thread, and one in a process that ignores SIGTERM, as does what it has started"
            left = going.launcher.living()
            check(not left, did=did, came=f"{left} of them go on", mend="kill the whole tree of every step")
            status = going.status()
            expected = dict.fromkeys(graph, "cancelled") | {"done": "succeeded"}
            check(states(status) == expected, did=did, came=states(status), mend="end every step as `cancelled`")
            check(status.state is StepState.CANCELLED, did=did, came=f"the run is {status.state}")
            check(going.ended() == status, did=did, came=going.ended(), mend="return from `run` what `status` says")
            check("below" not in going.launcher.steps(), did=did, came=f"executed: {sorted(going.launcher.steps())}")

    @rule("OR-21", severity=2, kind="race")
    def test_cancel_works_in_every_state(self, stage: Stage, harness: Harness) -> None:
        """A run can be cancelled while it waits, executes, waits for a retry or has ended, again, by many at once, by another instance and by itself."""
        stop = stage.harness.stopping
        waiting = [f"s{number}" for number in range(stage.harness.capacity + 3)]
        going = stage.begin(plan_of(dict.fromkeys(waiting, ())), {name: [[["beat"]]] for name in waiting})
        going.until("beat", waiting[0])
        _together(stage, going)
        _cancelled(going, "cancelled a run, of which some steps wait for others, four times at once")
        before = going.status()
        going.cancel(stop)
        check(going.status() == before, did="cancelled a run that was cancelled", came=states(going.status()))
        going = stage.begin(plan_of({"a": ()}))
        status = going.ended()
        going.cancel(stop)
        check(going.status() == status, did="cancelled a run that had succeeded", came=going.status(), mend="do nothing")
        with raises(NotFound, did="cancelled a run that there is not", mend="raise NotFound"):
            stage.orchestrator.cancel("nothing")
        self._elsewhere(stage)
        self._by_itself(stage)
        if Capability.RETRY in stage.orchestrator.capabilities:
            self._between_attempts(stage)

    def _elsewhere(self, stage: Stage) -> None:
        going = stage.begin(plan_of({"a": (), "b": ("a",)}, a={"isolated": True}), {"a": [[["beat"]]]})
        going.until("beat", "a")
        with stage.harness.second(stage.orchestrator) as other, attempt(did="cancelled a run by another instance"):
            within(LIMIT, lambda: other.cancel(going.plan.run_id), did="cancelled a run by another instance", mend="share what a run needs")
        _cancelled(going, "cancelled a run by another instance")

    def _by_itself(self, stage: Stage) -> None:
        launcher = stage.launcher({"a": [[["call", "cancel"], ["beat"]]]})
        plan = plan_of({"a": (), "b": ("a",)})
        launcher.calls = {"cancel": lambda: stage.orchestrator.cancel(plan.run_id)}
        going = stage.begin(plan, launcher=launcher)
        going.until("start", "a")
        if not launcher.called:  # what executes elsewhere has no hold of this instance
            going.cancel(stage.harness.stopping)
        _cancelled(going, "cancelled a run by one of its own steps")

    def _between_attempts(self, stage: Stage) -> None:
        plan = plan_of({"a": (), "b": ("a",)}, a={"retry": {"retries": 1, "delay": 600}})
        going = stage.begin(plan, {"a": [[["fail", "ValueError", "on purpose"]]]})
        until(lambda: going.status().steps["a"].failure, LIMIT, did="waited until the first attempt has failed")
        going.cancel(stage.harness.stopping)
        _cancelled(going, "cancelled a run whose step waits for its next attempt")

    @rule("OR-22", severity=2, kind="leak")
    def test_a_cancelled_run_frees_its_place(self, stage: Stage) -> None:
        """Runs that were cancelled or failed hold no place: after some, as many steps execute at once as before."""
        count = stage.harness.capacity if Capability.PARALLEL in stage.orchestrator.capabilities else 1
        names = [f"s{number}" for number in range(count)]
        for number in range(2):
            going = stage.begin(plan_of(dict.fromkeys(names, ()), each={"isolated": number == 0}), {name: [[["beat"]]] for name in names})
            going.until("beat", names[0])
            going.cancel(stage.harness.stopping)
        stage.run(plan_of(dict.fromkeys(names, ())), {name: [[["fail", "ValueError", "on purpose"]]] for name in names})
        going = stage.begin(plan_of(dict.fromkeys(names, ())), {name: [[["meet", "all", count]]] for name in names})
        did = f"ran {count} steps that wait for each other, after other runs were cancelled and had failed"
        until(lambda: going.status().state.terminal, stage.harness.detection, did=did, mend="free what a run holds when it ends")
        check(going.ended().state is StepState.SUCCEEDED, did=did, came=states(going.ended()))


def _together(stage: Stage, going: Going) -> None:
    results = workers(lambda: going.orchestrator.cancel(going.plan.run_id), [()] * 4)
    failed = [f"{type(result).__name__}: {result}" for result in results if isinstance(result, BaseException)]
    check(not failed, did="cancelled a run four times at once", came="; ".join(failed), mend="let each wait for the end")


def _cancelled(going: Going, did: str) -> None:
    status = going.ended()
    check(status.state is StepState.CANCELLED, did=did, came=f"the run is {status.state}: {states(status)}")
    check(set(states(status).values()) == {"cancelled"}, did=did, came=states(status), mend="end every step that has not ended")
    left = going.launcher.living()
    check(not left, did=did, came=f"{left} steps go on", mend="stop what executes")

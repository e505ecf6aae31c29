"""What is said of a run, and to the record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dovetail_conformance import check, raises, rule, until
from dovetail_core import InvalidArgument, NotFound, Timeout
from dovetail_orchestrator.capabilities import OrchestratorCapability as Capability
from dovetail_orchestrator.contract.launcher import CONTEXT, Script
from dovetail_orchestrator.contract.stage import LIMIT, Stage, plan_of, states
from dovetail_orchestrator.plan import StepState
from dovetail_orchestrator.status import RunStatus

_FAIL = ["fail", "ValueError", "on purpose"]
_ORDER = {StepState.PENDING: 0, StepState.RUNNING: 1}


class RecordRules:
    """Rules about states, and about what launchers are told."""

    @rule("OR-06", severity=2)
    def test_a_run_ends_with_its_last_step(self, stage: Stage) -> None:
        """The state of a run is computed from all its steps: it has not ended while one executes, and has ended when none does."""
        going = stage.begin(plan_of({"held": (), "bad": (), "after": ("held",)}), {"held": [[["ask"]]], "bad": [[_FAIL]]})
        if Capability.PARALLEL in stage.orchestrator.capabilities:
            going.until_state("bad", "failed")
        going.until("start", "held")
        status = going.status()
        did = "looked at a run of which one step has failed and another executes, in the mode `continue`"
        check(not status.state.terminal, did=did, came=f"the run is {status.state}", mend="compute it from all steps")
        going.launcher.answer("held", 1, [])
        ended = going.ended()
        expected = {"held": "succeeded", "bad": "failed", "after": "succeeded"}
        check((ended.state, states(ended)) == (StepState.FAILED, expected), did="ended that run", came=(ended.state, states(ended)))
        for status in going.progress:
            finished = all(step.state.terminal for step in status.steps.values())
            check(not status.state.terminal or finished, did="looked at what was said of its progress", came=status)

    @rule("OR-07", severity=1)
    def test_states_only_advance(self, stage: Stage) -> None:
        """The states of a run and its steps only ever advance, and what has ended stays as it is, however often anybody asks or cancels."""
        retries = {"retry": {"retries": 1, "delay": 0.1}} if Capability.RETRY in stage.orchestrator.capabilities else {}
        plan = plan_of({"a": (), "b": ("a",), "c": ("b",)}, a=retries)
        going = stage.begin(plan, {"a": [[_FAIL], []] if retries else [[]], "b": [[["beat"]]]})
        seen = [going.status()]

        def looked() -> bool:
            seen.append(going.status())
            return seen[-1].steps["b"].state is StepState.RUNNING

        until(looked, LIMIT, did="looked at a run again and again", mend="start what is ready")
        going.cancel(stage.harness.stopping)
        ended = going.ended()
        going.cancel(stage.harness.stopping)
        seen += [ended, *(going.status() for _ in range(200))]
        for history in (seen, going.progress):
            problem = _steps_back(history)
            check(not problem, did="ran a step that is tried again, cancelled the run, and looked again and again", came=problem)

    @rule("OR-08", severity=2, kind="fault")
    def test_ends_reach_a_record_that_was_away(self, stage: Stage) -> None:
        """If the record is away for a while, ends are told once it is back; if it refuses them, the run ends all the same."""
        for outage in (2, -1):
            launcher = stage.launcher({"bad": [[_FAIL]], "there": [[["exit", 3]]]})
            launcher.outages = type(launcher.outages)(ended=outage)
            status, _ = stage.run(plan_of({"bad": (), "there": (), "below": ("bad",)}, there={"isolated": True}), launcher=launcher)
            did = f"ran steps that fail while the record {'is away for two calls' if outage > 0 else 'refuses every end'}"
            expected = {"bad": "failed", "there": "failed", "below": "skipped"}
            check(states(status) == expected and status.state is StepState.FAILED, did=did, came=states(status), mend="end the run")
            told = {one.step: one.state.value for one in launcher.told if one.final}
            check(told == (expected if outage > 0 else {}), did=did, came=f"told: {told}", mend="try again what is `retryable`")
        launcher = stage.launcher()
        launcher.outages = type(launcher.outages)(result=2)
        status, _ = stage.run(plan_of({"there": ()}, there={"isolated": True}), launcher=launcher)
        did = "ran a command whose commit can be read at the third try"
        check(status.state is StepState.SUCCEEDED, did=did, came=status.steps, mend="try again what is `retryable`")

    @rule("OR-25", severity=3)
    def test_what_is_returned_is_the_status(self, stage: Stage) -> None:
        """`run`, `wait`, `attach` and `status` say the same of a run; they raise `NotFound` if there is none, and `wait` raises `Timeout` if it goes on."""
        orchestrator = stage.orchestrator
        for acts, state in (([], "succeeded"), ([_FAIL], "failed")):
            status, _ = stage.run(plan_of({"a": ()}), {"a": [acts]})
            run_id = status.run_id
            said = [orchestrator.status(run_id), orchestrator.wait(run_id, 10), orchestrator.attach(run_id).wait(10)]
            check(said == [status] * 3 and status.state == state, did="ran a plan, and asked for its status", came=said)
        going = stage.begin(plan_of({"a": ()}), {"a": [[["ask"]]]})
        going.until("start", "a")
        with raises(Timeout, did="waited 0.05 s for a run that goes on", mend="raise Timeout"):
            orchestrator.attach(going.plan.run_id).wait(0.05)
        going.launcher.answer("a", 1, [])
        going.ended()
        for call in (orchestrator.status, orchestrator.wait, orchestrator.attach, lambda name: orchestrator.logs(name, "a")):
            for name, error in (("nothing", NotFound), ("", InvalidArgument)):
                with raises(error, did=f"asked for a run {name!r}", mend=f"raise {error.__name__}"):
                    call(name)
        for step, number in (("b", None), ("a", 2), ("a", 0)):
            with raises(NotFound, did="asked for the log of a step or an attempt that there is not", mend="raise NotFound"):
                orchestrator.logs(going.plan.run_id, step, number)

    @rule("OR-40", severity=1)
    def test_every_end_that_is_no_success_is_told_once(self, stage: Stage) -> None:
        """`ended` is told once of every attempt that does not succeed and of every step that is skipped or cancelled, by one thread at a time, and of no success."""
        retry = {"retry": {"retries": 1, "delay": 0}} if Capability.RETRY in stage.orchestrator.capabilities else {}
        attempts = 2 if retry else 1
        graph = {"good": (), "here": (), "there": (), "below": ("here", "there"), "deep": ("below",)}
        scripts: dict[str, Script] = {"here": [[_FAIL]], "there": [[["exit", 3]]]}
        _, launcher = stage.run(plan_of(graph, here=retry, there={"isolated": True, **retry}), scripts)
        failed = [(number, "failed", number == attempts) for number in range(1, attempts + 1)]
        expected = {"good": [], "here": failed, "there": failed, "below": [(0, "skipped", True)], "deep": [(0, "skipped", True)]}
        told = {name: launcher.told_of(name) for name in graph}
        did = f"ran steps that fail in {attempts} attempts, with others below them"
        check(told == expected and not launcher.together, did=did, came=(told, launcher.together), mend="tell each end once")
        going = stage.begin(plan_of({"a": (), "b": ("a",)}), {"a": [[["beat"]]]})
        going.until("beat", "a")
        going.cancel(stage.harness.stopping)
        going.ended()
        told = {name: going.launcher.told_of(name) for name in "ab"}
        check(told == {"a": [(1, "cancelled", True)], "b": [(0, "cancelled", True)]}, did="cancelled a run", came=told)

    @rule("OR-42", severity=2)
    def test_steps_execute_in_a_copy_of_the_context(self, stage: Stage) -> None:
        """What executes in this process has a copy of the context in which the plan was given (PEP 567), and changes nothing of it."""
        launcher = stage.launcher({"a": [[["call", "change"]]]})
        launcher.calls = {"change": lambda: CONTEXT.set("changed")}
        token = CONTEXT.set("given")
        try:
            stage.orchestrator.run(plan_of({"a": (), "b": ("a",), "c": ()}), launcher)
            after = CONTEXT.get()
        finally:
            CONTEXT.reset(token)
        came = {one.step: one.data for one in launcher.events("context")}
        did = "ran steps of which one changes a context variable"
        check(came == dict.fromkeys(launcher.called, "given"), did=did, came=came, mend="copy the context for each attempt")
        check(after == "given", did=did, came=f"afterwards it is {after!r}", mend="execute steps in a copy")


def _steps_back(history: Sequence[RunStatus]) -> str:
    known: dict[str, tuple[int, Any]] = {}
    for status in history:
        states_now = {"the run": status.state, **{f"step {name}": step.state for name, step in status.steps.items()}}
        for name, state in states_now.items():
            rank, before = known.get(name, (0, StepState.PENDING))
            now = _ORDER.get(state, 2)
            if now < rank or (rank == 2 and state != before):
                return f"{name} was {before}, and then {state}"
            known[name] = now, state
    return ""

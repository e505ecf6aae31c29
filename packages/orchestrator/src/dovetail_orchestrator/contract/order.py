"""Order: what starts when, how often, and how failures spread."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping

from dovetail_conformance import Effort, check, rule, until
from dovetail_orchestrator.capabilities import OrchestratorCapability as Capability
from dovetail_orchestrator.contract.launcher import WitnessLauncher
from dovetail_orchestrator.contract.stage import Stage, chain, fan, plan_of, states
from dovetail_orchestrator.plan import StepResult, StepState
from dovetail_orchestrator.status import RunStatus

_DIAMOND = {"top": (), "left": ("top",), "right": ("top",), "bottom": ("left", "right")}
_BRANCHES = {"bad": (), "good": (), "below": ("bad",), "deep": ("below",), "both": ("bad", "good"), "after": ("good",)}
_SEPARATE = {"isolated": True}


class OrderRules:
    """Rules about the order of steps."""

    @rule("OR-01", severity=1)
    def test_a_step_starts_after_all_that_it_needs(self, stage: Stage, effort: Effort, seed: int) -> None:
        """A step starts only after all its upstream steps have succeeded, and what they committed can be read by it.

        Every step witnesses its beginning, its end, and which commits it sees, in one file whose order is the order of what happened.
        """
        chance = random.Random(seed)
        for graph in (_DIAMOND, chain(6), *(_random_graph(chance, size) for size in effort.pick((12,), (20, 40), (60, 60, 60, 60)))):
            _ordered(stage, graph, isolated=False)
        for graph in (_DIAMOND, *(_random_graph(chance, size) for size in effort.pick((), (8,), (16, 16)))):
            _ordered(stage, graph, isolated=True)

    @rule("OR-02", severity=1)
    def test_a_failure_skips_what_is_below_it_and_nothing_else(self, stage: Stage) -> None:
        """If a step fails, nothing below it runs and the run ends as failed; in the mode `continue` everything else runs."""
        for isolated in (False, True):
            plan = plan_of(_BRANCHES, bad={"isolated": isolated})
            status, launcher = stage.run(plan, {"bad": [[["fail", "ValueError", "on purpose"]]]})
            expected = dict(bad="failed", good="succeeded", below="skipped", deep="skipped", both="skipped", after="succeeded")
            did = "ran a plan of which one step fails, in the mode `continue`"
            check(states(status) == expected, did=did, came=states(status), mend="skip all that is below it, and only that")
            check(launcher.steps() == {"bad", "good", "after"}, did=did, came=f"executed: {sorted(launcher.steps())}")
            check(status.state is StepState.FAILED, did=did, came=f"the run is {status.state}")
        plan = plan_of(_BRANCHES, failure_mode="fail_fast")
        status, launcher = stage.run(plan, {"bad": [[["fail", "ValueError", "on purpose"]]], "good": [[["ask"]]]})
        below = {states(status)[name] for name in ("below", "deep", "both")}
        did = "ran the same in the mode `fail_fast`"
        check(below == {"skipped"} and status.state is StepState.FAILED, did=did, came=f"{status.state}: {states(status)}")
        check(launcher.steps() <= {"bad", "good"}, did=did, came=f"executed: {sorted(launcher.steps())}")

    @rule("OR-12", severity=1)
    def test_each_attempt_executes_once(self, stage: Stage, effort: Effort) -> None:
        """Each step executes exactly once per attempt, and none that has committed executes again."""
        for count, isolated in ((effort.pick(30, 100, 400), False), (effort.pick(6, 12, 40), True)):
            graph = fan(count)
            status, launcher = stage.run(plan_of(graph, each={"isolated": isolated}))
            came = launcher.executed()
            did = f"ran {len(graph)} steps, between a source and a sink"
            check(came == Counter((name, 1) for name in graph), did=did, came=_odd(came), mend="start every attempt once")
            check(status.state is StepState.SUCCEEDED, did=did, came=f"the run is {status.state}")
            begun = {asked: number for asked, number in launcher.asked.items() if asked[1] > 0}
            check(set(begun.values()) <= {1}, did="counted how often the command of an attempt was asked for", came=_odd(Counter(begun)))
        if Capability.RETRY in stage.orchestrator.capabilities:
            plan = plan_of({"a": ()}, a={"isolated": True, "retry": {"retries": 2, "delay": 0}})
            status, launcher = stage.run(plan, {"a": [[["commit"], ["exit", 3]]]})
            did = "ran a step that commits and then exits with code 3, with further attempts allowed"
            check(launcher.executed() == Counter([("a", 1)]), did=did, came=launcher.executed(), mend="do not repeat what is committed")

    @rule("OR-28", severity=2)
    def test_large_plans_are_executed(self, stage: Stage, effort: Effort) -> None:
        """A plan of very many steps, a wide one, a deep one and a large environment are executed, or refused before anything starts."""
        for graph in (fan(effort.pick(60, 200, 1000)), chain(effort.pick(40, 200, 1000))):
            status, launcher = stage.run(plan_of(graph))
            did = f"ran a plan of {len(graph)} steps"
            check(
                status.state is StepState.SUCCEEDED, did=did, came=f"the run is {status.state}", mend="send plans in parts, or by reference"
            )
            check(launcher.steps() == set(graph), did=did, came=f"{len(launcher.steps())} steps were executed")
        launcher = stage.launcher({"a": [[["environment", ["LARGE"]]]]})
        launcher.environment = {"LARGE": "x" * 100_000}
        status, _ = stage.run(plan_of({"a": ()}, each=_SEPARATE), launcher=launcher)
        came = [len(one.data["LARGE"] or "") for one in launcher.events("environment")]
        check(came == [100_000], did="ran a command whose environment is large", came=came, mend="pass it by a file where it is too large")

    @rule("OR-29", severity=1)
    def test_a_cached_step_counts_as_succeeded(self, stage: Stage) -> None:
        """A step that is found in the cache counts as succeeded: it is `cached`, what comes after it starts, and the run succeeds."""
        launcher = stage.launcher()
        launcher.returns = launcher.results = {"a": StepResult(StepState.CACHED)}
        status, _ = stage.run(plan_of(chain(1) | {"a": (), "b": ("a",)}), launcher=launcher)
        did = "ran a step whose launcher says `cached`, and one after it"
        check(states(status) == {"s0": "succeeded", "a": "cached", "b": "succeeded"}, did=did, came=states(status))
        check(status.state is StepState.SUCCEEDED, did=did, came=f"the run is {status.state}")

    @rule("OR-31", severity=2)
    def test_fail_fast_stops_siblings_and_continue_does_not(self, stage: Stage) -> None:
        """In the mode `fail_fast` a failure stops all that executes beside it; in `continue` it does not; both end every step."""
        parallel = Capability.PARALLEL in stage.orchestrator.capabilities
        bad = [[["wait", "now"], ["fail", "ValueError", "on purpose"]]]
        graph = {"bad": (), "thread": (), "process": (), "after": ("thread",), "late": ("process",)}
        for mode, end in (("fail_fast", [["beat"]]), ("continue", [["ask"]])):
            plan = plan_of(graph, process=_SEPARATE, failure_mode=mode)
            going = stage.begin(plan, {"bad": bad, "thread": [end], "process": [end]})
            going.until("start", "bad", *(("thread", "process") if parallel else ()))
            going.launcher.open("now")
            going.until_state("bad", "failed")
            if mode == "continue":
                going.until("start", "thread")
                running = parallel and [states(going.status())[name] for name in ("thread", "process")]
                check(not parallel or running == ["running"] * 2, did="failed a step, in the mode `continue`", came=running)
                going.launcher.answer("thread", 1, [])
                going.launcher.answer("process", 1, [])
            status = going.ended()
            others = "cancelled" if mode == "fail_fast" else "succeeded"
            did = f"failed a step in the mode `{mode}` while others executed"
            check(states(status) == dict.fromkeys(graph, others) | {"bad": "failed"}, did=did, came=states(status), mend="end every step")
            check(status.state is StepState.FAILED, did=did, came=f"the run is {status.state}")
            left = going.launcher.living()
            check(not left, did=did, came=f"{left} steps go on after the run has ended", mend="stop what executes")

    @rule("OR-39", severity=2)
    def test_independent_steps_execute_at_once_where_that_is_declared(self, stage: Stage) -> None:
        """Where PARALLEL is declared independent steps execute at the same time; where it is not, one after the other."""
        if Capability.PARALLEL in stage.orchestrator.capabilities:
            names = [f"p{number}" for number in range(stage.harness.capacity)]
            going = stage.begin(plan_of(dict.fromkeys(names, ())), {name: [[["meet", "all", len(names)]]] for name in names})
            did = f"ran {len(names)} steps that wait for each other"
            until(lambda: going.status().state.terminal, 20, did=did, mend="start what is ready, or do not declare PARALLEL")
            check(going.ended().state is StepState.SUCCEEDED, did=did, came=states(going.ended()))
        else:
            _, launcher = stage.run(plan_of(dict.fromkeys("abc", ())), {name: [[["crowd"]]] for name in "abc"})
            came = [one.data for one in launcher.events("crowd")]
            check(came == [1] * 3, did="ran three steps, and counted how many execute at once", came=came, mend="declare PARALLEL")


def _ordered(stage: Stage, graph: Mapping[str, Iterable[str]], isolated: bool) -> None:
    status, launcher = stage.run(plan_of(graph, each={"isolated": isolated}), {name: [[["saw", list(up)]]] for name, up in graph.items()})
    did = f"ran a graph of {len(graph)} steps{', each in a process of its own' if isolated else ''}"
    check(status.state is StepState.SUCCEEDED, did=did, came=f"{status.state}: {_kinds(status)}")
    problem = _out_of_order(graph, launcher)
    check(not problem, did=did, came=problem, mend="start a step when the last of those before it has succeeded")


def _out_of_order(graph: Mapping[str, Iterable[str]], launcher: WitnessLauncher) -> str:
    ended: set[str] = set()
    for one in launcher.events():
        if one.event == "start" and (early := set(graph[one.step]) - ended):
            return f"{one.step} started before {', '.join(sorted(early))} had ended"
        if one.event == "saw" and not all(one.data.values()):
            return f"{one.step} could not read what was committed before: {one.data}"
        if one.event == "end":
            ended.add(one.step)
    return "" if ended == set(graph) else f"never executed: {sorted(set(graph) - ended)}"


def _random_graph(chance: random.Random, size: int) -> dict[str, tuple[str, ...]]:
    names = [f"n{number}" for number in range(size)]
    return {name: tuple(chance.sample(names[:place], chance.randint(0, min(place, 3)))) for place, name in enumerate(names)}


def _odd(counts: Counter[tuple[str, int]]) -> str:
    return ", ".join(f"{name}, attempt {attempt}: {count}" for (name, attempt), count in counts.items() if count != 1) or "some are missing"


def _kinds(status: RunStatus) -> str:
    return "; ".join(f"{name}: {step.failure.kind}: {step.failure.message}" for name, step in status.steps.items() if step.failure)

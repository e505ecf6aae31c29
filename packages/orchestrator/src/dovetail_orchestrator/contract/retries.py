"""Further attempts."""

from __future__ import annotations

import signal
from collections import Counter
from itertools import pairwise

from dovetail_conformance import Effort, check, rule
from dovetail_orchestrator.capabilities import OrchestratorCapability as Capability
from dovetail_orchestrator.contract.launcher import Act
from dovetail_orchestrator.contract.stage import Stage, plan_of, states
from dovetail_orchestrator.plan import StepResult, StepState

_FAIL = ["fail", "ValueError", "on purpose"]


class RetryRules:
    """Rules about attempts after the first."""

    @rule("OR-13", severity=2, needs=Capability.RETRY)
    def test_attempts_are_counted_per_step(self, stage: Stage, effort: Effort) -> None:
        """A step has as many attempts as its policy says, whatever ends them; steps beside one that dies again and again lose none."""
        innocents = [f"innocent{number}" for number in range(effort.pick(4, 10, 20))]
        graph = dict.fromkeys(("killer", "error", "final", *innocents), ())
        retry = {"retries": 2, "delay": 0, "jitter": 0}
        plan = plan_of(graph, each={"retry": retry}, killer={"isolated": True, "retry": retry}, error={"retry": {"retries": 1, "delay": 0}})
        launcher = stage.launcher({"killer": [[["kill", signal.SIGKILL]]], "error": [[_FAIL]]})
        launcher.returns = launcher.results = {"final": StepResult(StepState.FAILED, retry=False)}
        status, _ = stage.run(plan, launcher=launcher)
        came = Counter(step for step, _ in launcher.executed())
        expected = Counter(killer=3, error=2, final=1, **dict.fromkeys(innocents, 1))
        did = "ran a step that is killed in each of 3 attempts, one that fails in 2, one that says that no attempt helps, and others that succeed"
        check(came == expected, did=did, came=dict(came), mend="count per step; an attempt that says `retry=False` is the last")
        attempts = {name: step.attempt for name, step in status.steps.items()}
        check(attempts == dict(expected), did=did, came=attempts, mend="say the number of the latest attempt")
        check(status.steps["killer"].state is StepState.FAILED, did=did, came=states(status))

    @rule("OR-44", severity=2, needs=Capability.RETRY)
    def test_a_retry_waits_as_the_policy_says(self, stage: Stage) -> None:
        """Between two attempts passes at least the time that the policy says, growing as it says; other steps go on meanwhile."""
        plan = plan_of({"a": (), "b": ()}, a={"retry": {"retries": 2, "delay": 0.2, "backoff": 2}})
        meet: list[Act] = [["meet", "half", 2]] if Capability.PARALLEL in stage.orchestrator.capabilities else []
        going = stage.begin(plan, {"a": [[_FAIL], [*meet, _FAIL], []], "b": [meet]})
        status = going.ended()
        starts, (other,) = ([one.at for one in going.launcher.events("start", name)] for name in ("a", "b"))
        waits = [later - earlier for earlier, later in pairwise(starts)]
        did = "ran a step with two further attempts, after 0.2 s and 0.4 s"
        mend = "obey `StepPlan.retry.waits()`"
        check(len(waits) == 2 and all(map(float.__ge__, waits, (0.19, 0.39))), did=did, came=f"waits of {waits}", mend=mend)
        check(other < starts[1], did=did, came="another step that could start had to wait", mend="let others start meanwhile")
        check(status.state is StepState.SUCCEEDED, did=did, came=states(status))

    @rule("OR-14", severity=1, needs=Capability.RETRY)
    def test_an_attempt_is_judged_by_itself(self, stage: Stage) -> None:
        """An attempt is a fresh execution with its own number, result and log; nothing of the one before it is taken for its own."""
        first: list[Act] = [["print", "one\n"], _FAIL]
        scripts: dict[str, list[list[Act]]] = {
            "here": [first, [["print", "two\n"]]],
            "there": [first, [["print", "two\n"]]],
            "lost": [first, [["print", "two\n"], ["forget"]]],
        }
        separate = {name: {"isolated": name != "here", "retry": {"retries": 1, "delay": 0}} for name in scripts}
        status, launcher = stage.run(plan_of(dict.fromkeys(scripts, ()), **separate), scripts)
        did = "ran steps whose first attempt fails, and whose second succeeds, or exits with code 0 without a commit"
        expected = {"here": "succeeded", "there": "succeeded", "lost": "failed"}
        check(states(status) == expected, did=did, came=states(status), mend="ask for the result of this attempt")
        check({step.attempt for step in status.steps.values()} == {2}, did=did, came=status.steps)
        failure = status.steps["lost"].failure
        check(failure is not None and failure.kind != "ValueError", did=did, came=failure, mend="say why the latest attempt failed")
        check(set(launcher.executed().values()) == {1}, did=did, came=launcher.executed())
        run_id = status.run_id
        for name in scripts:
            logs = [list(stage.orchestrator.logs(run_id, name, attempt)) for attempt in (1, 2, None)]
            check(
                logs == [["one"], ["two"], ["two"]], did=f"{did}, and read the logs of '{name}'", came=logs, mend="keep a log per attempt"
            )

    @rule("OR-15", severity=2, needs=Capability.RETRY, kind="fault")
    def test_nothing_of_an_attempt_outlives_it(self, stage: Stage) -> None:
        """When an attempt begins, nothing that an earlier one has started lives any more, whatever it ignores."""
        left: list[Act] = [["leave", [["beat"]]], ["exit", 3]]
        plan = plan_of({"a": ()}, a={"isolated": True, "retry": {"retries": 1, "delay": 0}})
        going = stage.begin(plan, {"a": [left, [["living"]]]})
        status = going.ended()
        came = [one.data for one in going.launcher.events("living")]
        did = "ran a step whose first attempt leaves a process behind that ignores SIGTERM, and counted what lives in the second"
        check(came == [1], did=did, came=f"{came}, the attempt itself included; {states(status)}", mend="kill the whole tree of an attempt")

"""Failures: what counts as one, and what is said of it."""

from __future__ import annotations

import signal
from typing import Any

from dovetail_conformance import Effort, check, rule
from dovetail_core import Failure, InvalidArgument
from dovetail_orchestrator.contract.launcher import Act
from dovetail_orchestrator.contract.stage import Stage, plan_of, states
from dovetail_orchestrator.contract.witness import identity
from dovetail_orchestrator.plan import Command, StepResult, StepState
from dovetail_orchestrator.status import RunStatus

_SIGNALS = (signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGABRT, signal.SIGINT, signal.SIGPIPE, signal.SIGHUP, signal.SIGXFSZ)


class FailureRules:
    """Rules about attempts that do not succeed."""

    @rule("OR-03", severity=1, kind="fault")
    def test_a_step_that_dies_has_failed(self, stage: Stage) -> None:
        """A step whose process dies without a word has failed, with a reason; it has not succeeded, and does not run for ever."""
        deaths = {
            "killed": ["kill", signal.SIGKILL],
            "crashed": ["kill", signal.SIGSEGV],
            "left": ["exit", 0],
            "exited": ["exit", 3],
        }
        graph = dict.fromkeys(deaths, ()) | {"below": ("killed",)}
        going = stage.begin(plan_of(graph, each={"isolated": True}), {name: [[death]] for name, death in deaths.items()})
        status = going.ended(stage.harness.detection)
        did = "ran steps that die by SIGKILL, by SIGSEGV, by os._exit(0) before they commit, and by exit code 3"
        check(
            states(status) == dict.fromkeys(deaths, "failed") | {"below": "skipped"},
            did=did,
            came=states(status),
            mend="look at the exit status",
        )
        check(not _silent(status), did=did, came=f"no reason is given for {_silent(status)}", mend="say what became of the process")

    @rule("OR-04", severity=1)
    def test_success_needs_an_exit_code_and_a_commit(self, stage: Stage) -> None:
        """Success needs both exit code 0 and a commit; a result that is lost, unreadable or no result is a failure."""
        ends: dict[str, list[Act]] = {
            "both": [],
            "commit alone": [["commit"], ["exit", 3]],
            "commit and killed": [["commit"], ["kill", signal.SIGKILL]],
            "exit code alone": [["forget"]],
        }
        status, _ = stage.run(plan_of(dict.fromkeys(ends, ()), each={"isolated": True}), {name: [acts] for name, acts in ends.items()})
        expected = dict.fromkeys(ends, "failed") | {"both": "succeeded"}
        mend = "look at the exit code, and ask `launcher.result`"
        check(states(status) == expected, did="ran commands that exit, commit, or both", came=states(status), mend=mend)
        launcher = stage.launcher()
        launcher.results = {"unreadable": InvalidArgument("it cannot be read"), "odd": "succeeded"}
        status, _ = stage.run(plan_of({"unreadable": (), "odd": ()}, each={"isolated": True}), launcher=launcher)
        check(
            set(states(status).values()) == {"failed"},
            did="ran commands whose result cannot be read, or is none",
            came=states(status),
            mend=mend,
        )
        launcher = stage.launcher()
        launcher.returns = {"nothing": None, "text": "succeeded", "running": StepResult(StepState.RUNNING)}
        status, _ = stage.run(plan_of(dict.fromkeys(launcher.returns, ())), launcher=launcher)
        did = "ran steps in this process whose launcher returns None, text, and `running`"
        here = {states(status)[name] for name in launcher.called}
        check(here <= {"failed"}, did=did, came=states(status), mend="take only what ends an attempt for a result")

    @rule("OR-05", severity=1)
    def test_every_exit_code_is_seen(self, stage: Stage, effort: Effort) -> None:
        """Every exit code but 0, every signal and every exception that leaves a step is a failed or cancelled step: none vanishes."""
        codes = effort.pick((1, 2, 99, 127, 137, 255), (*range(1, 20), 75, 99, *range(120, 150), 254, 255), tuple(range(1, 256)))
        numbers = _SIGNALS[: effort.pick(4, 8, 8)]
        shell = {f"exit {code}": f"exit {code}" for code in codes} | {
            f"kill {int(number)}": f"kill -{int(number)} $$" for number in numbers
        }
        launcher = stage.launcher()
        launcher.commands = {name: Command(("/bin/sh", "-c", text)) for name, text in shell.items()}
        status, _ = stage.run(plan_of(dict.fromkeys(shell, ()), each={"isolated": True}), launcher=launcher)
        wrong = {name: state for name, state in states(status).items() if state != "failed"}
        did = f"ran commands that end with {len(codes)} exit codes and {len(numbers)} signals"
        check(not wrong, did=did, came=wrong, mend="treat every other end as a failure")
        check(not _silent(status), did=did, came=f"no reason is given for {_silent(status)[:5]}", mend="name the exit code or signal")
        leaves: dict[str, list[list[Any]]] = {"zero": [["sysexit", 0]], "none": [["sysexit", None]], "one": [["sysexit", 1]]}
        status, _ = stage.run(plan_of(dict.fromkeys(leaves, ())), {name: [acts] for name, acts in leaves.items()})
        check(set(states(status).values()) == {"failed"}, did="ran steps in this process that raise SystemExit", came=states(status))

    @rule("OR-19", severity=2)
    def test_what_cannot_start_has_failed(self, stage: Stage) -> None:
        """An attempt that cannot start - no such program, a program that may not be executed, a launcher without a command - has failed, with the reason."""
        launcher = stage.launcher()
        launcher.commands = {"absent": Command(("/nonexistent/program",)), "directory": Command(("/",)), "null": Command(("/bin/true\0",))}
        graph = dict.fromkeys((*launcher.commands, "good"), ())
        going = stage.begin(plan_of(graph, each={"isolated": True}), launcher=launcher)
        status = going.ended(stage.harness.detection)
        did = "ran commands that cannot be executed"
        expected = dict.fromkeys(graph, "failed") | {"good": "succeeded"}
        check(states(status) == expected, did=did, came=states(status), mend="an attempt that cannot start is a failed one")
        check(not _silent(status), did=did, came=f"no reason is given for {_silent(status)}", mend="say what cannot be executed")

    @rule("OR-24", severity=2)
    def test_the_reason_of_a_failure_reaches_the_user(self, stage: Stage) -> None:
        """The status says why a step failed: type, message and traceback of an exception, the exit code, the signal; the record is told the same."""
        scripts: dict[str, list[Act]] = {
            "here": [["fail", "CanaryError", "the canary is blue"]],
            "there": [["fail", "CanaryError", "the canary is blue"]],
            "code": [["exit", 43]],
            "signal": [["kill", signal.SIGKILL]],
        }
        separate = {name: {"isolated": name != "here"} for name in scripts}
        status, launcher = stage.run(plan_of(dict.fromkeys(scripts, ()), **separate), {name: [acts] for name, acts in scripts.items()})
        found = {name: step.failure or Failure("", "") for name, step in status.steps.items()}
        for name in ("here", "there"):
            whole = found[name].kind == "CanaryError" and "canary is blue" in found[name].message and "witness.py" in found[name].traceback
            check(whole, did=f"failed with an exception ({name})", came=found[name], mend="pass on what the launcher says")
        check("43" in found["code"].message, did="failed with exit code 43", came=found["code"], mend="name the exit code")
        text = found["signal"].message
        check("SIGKILL" in text or "9" in text, did="was killed by SIGKILL", came=found["signal"], mend="name the signal")
        told = {one.step: one.failure for one in launcher.told}
        check(told == found, did="compared the status with what `ended` was told", came=told, mend="tell the launcher the same")

    @rule("OR-36", severity=2, kind="fault")
    def test_a_step_that_hangs_is_killed_at_its_timeout(self, stage: Stage) -> None:
        """A step that takes longer than its timeout is killed, with all that it started and whatever it ignores, and has failed by `Timeout`."""
        plan = plan_of({"hangs": (), "quick": (), "below": ("hangs",)}, hangs={"timeout": 0.3}, quick={"timeout": 30})
        going = stage.begin(plan, {"hangs": [[["deaf"], ["leave", [["beat"]]], ["beat"]]]})
        status = going.ended(0.3 + stage.harness.stopping)
        did = "ran a step that hangs and ignores SIGTERM, as does what it started"
        expected = {"hangs": "failed", "quick": "succeeded", "below": "skipped"}
        check(states(status) == expected, did=did, came=states(status), mend="kill it when its time is over")
        failure = status.steps["hangs"].failure
        check(failure is not None and failure.kind == "Timeout", did=did, came=failure, mend="say that its time was over")
        left = going.launcher.living()
        check(not left, did=did, came=f"{left} of its processes go on", mend="kill the whole tree")

    @rule("OR-43", severity=2)
    def test_a_step_that_asks_for_a_process_has_one(self, stage: Stage) -> None:
        """A step that is isolated executes in a process of its own; one that cannot is refused before anything starts."""
        status, launcher = stage.run(plan_of({"a": (), "b": ()}, each={"isolated": True}))
        processes = [one.process for one in launcher.events("start")]
        did = "ran two isolated steps"
        apart = len(set(processes)) == 2 and identity() not in processes
        check(apart, did=did, came=processes or states(status), mend="execute `launcher.command`")
        launcher = stage.launcher()
        launcher.commands = {"a": None}
        for settings in ({"isolated": True}, {"timeout": 5.0}):
            plan = plan_of({"b": (), "a": ("b",)}, a=settings)
            stage.refused(plan, launcher, InvalidArgument, f"ran a step with {settings} that can execute in this process only")


def _silent(status: RunStatus) -> list[str]:
    failed = ((name, step.failure) for name, step in status.steps.items() if step.state is StepState.FAILED)
    return [name for name, failure in failed if failure is None or not (failure.kind and failure.message)]

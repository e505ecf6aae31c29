"""Logs."""

from __future__ import annotations

import signal
import uuid

from dovetail_conformance import Effort, Harness, Untested, check, rule
from dovetail_core import remember_secret
from dovetail_orchestrator.contract.harness import OrchestratorHarness
from dovetail_orchestrator.contract.launcher import Act
from dovetail_orchestrator.contract.stage import Stage, plan_of, states

_TEXT = "naïve 日本 🙂"


class LogRules:
    """Rules about what steps print."""

    @rule("OR-26", severity=2)
    def test_logs_are_complete_and_hold_no_secret(self, stage: Stage, effort: Effort) -> None:
        """A log holds all that an attempt has printed, to the last line and without a newline at its end, also if it was killed, and no secret that is known."""
        count = effort.pick(2_000, 20_000, 100_000)
        secret = f"canary-{uuid.uuid4().hex}"
        remember_secret(secret)
        last = [["print", "the last line"]]
        scripts: dict[str, list[Act]] = {
            "here": [["lines", count, _TEXT], *last],
            "killed": [["lines", count, _TEXT], *last, ["kill", signal.SIGKILL]],
            "silent": [],
            "bytes": [["bytes", [104, 255, 105, 13, 10]], ["print", "after\n\n"]],
            "secret": [["print", f"token={secret[:9]}"], ["print", f"{secret[9:]}!\n"]],
        }
        separate = {"killed": {"isolated": True}, "secret": {"isolated": True}}
        status, _ = stage.run(plan_of(dict.fromkeys(scripts, ()), **separate), {name: [acts] for name, acts in scripts.items()})
        logs = {name: list(stage.orchestrator.logs(status.run_id, name)) for name in scripts}
        expected = [*(f"{_TEXT} {number}" for number in range(count)), "the last line"]
        for name in ("here", "killed"):
            wrong = next((place for place, pair in enumerate(zip(logs[name], expected, strict=False)) if pair[0] != pair[1]), None)
            came = f"{len(logs[name])} lines, which end with {logs[name][-1:]}; the first that differs is {wrong}"
            check(logs[name] == expected, did=f"printed {count + 1} lines ({name})", came=came, mend="read the output to its end")
        check(logs["silent"] == [], did="printed nothing", came=logs["silent"])
        check(logs["bytes"] == ["h\ufffdi", "after", ""], did="printed what is no UTF-8, and an empty line", came=logs["bytes"])
        text = "\n".join(logs["secret"])
        check(secret not in text and "!" in text, did="printed a secret in two pieces", came=text, mend="mask what is known as secret")

    @rule("OR-45", severity=2)
    def test_logs_are_bounded(self, stage: Stage, harness: Harness) -> None:
        """Output beyond the limit of a log is dropped, the log says so, and the step does not fail for it."""
        limit = 10_000
        if not isinstance(harness, OrchestratorHarness):
            raise Untested("the harness has no settings for `bounded` logs")
        with harness.make(**harness.bounded(limit)) as orchestrator, Stage(harness, orchestrator) as small:
            acts: list[list[Act]] = [[["lines", 20_000, "line"], ["print", "the last line"]]]
            status, _ = small.run(plan_of({"here": (), "there": ()}, there={"isolated": True}), {"here": acts, "there": acts})
            logs = {name: list(orchestrator.logs(status.run_id, name)) for name in ("here", "there")}
        did = f"printed 20000 lines into logs of {limit} bytes"
        check(set(states(status).values()) == {"succeeded"}, did=did, came=states(status), mend="read on, and drop it")
        for lines in logs.values():
            size = sum(len(line) + 1 for line in lines)
            check(limit / 2 < size < 2 * limit, did=did, came=f"{size} bytes were kept", mend="stop at the limit")
            said = lines[-1]
            check(
                said != "the last line" and not said.startswith("line "),
                did=did,
                came=f"the last line is {said!r}",
                mend="say what was dropped",
            )

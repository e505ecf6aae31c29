"""What runs and steps share: nothing but what the plan says."""

from __future__ import annotations

import os
import unicodedata
import uuid
from collections import Counter
from pathlib import Path

import psutil

from dovetail_conformance import Effort, Harness, check, rule
from dovetail_orchestrator.capabilities import OrchestratorCapability as Capability
from dovetail_orchestrator.contract.stage import Stage, plan_of, states
from dovetail_orchestrator.plan import StepState

_NAMES = (
    "a", "A", "a b", "a_b", "a-b", "a.b", "a/b", "a\\b", "../a", ".", "..", "/etc/passwd", "9lives", "-rf", "con", "a:b", "a*", "$HOME", "%20",
    "a\tb", "a'b", 'a"b', " a", "a ", "ümlaut", unicodedata.normalize("NFD", "ümlaut"), "日本語", "🙂", "\u202eright", "x" * 63 + "1", "x" * 63 + "2", "y" * 255,
    "ß" * 120,
)  # fmt: skip


class IsolationRules:
    """Rules about names, environments, and runs beside each other."""

    @rule("OR-27", severity=2)
    def test_names_are_kept_apart(self, stage: Stage, effort: Effort) -> None:
        """Steps of any name - long, with spaces, in any script, alike but for their case or their end - execute once each, and their logs are their own."""
        names = dict.fromkeys(_NAMES, ())
        for isolated in (False, True) if effort > Effort.QUICK else (False,):
            plan = plan_of(names, pipeline="a/b 日本 🙂" + "p" * 240, each={"isolated": isolated})
            status, launcher = stage.run(plan, {name: [[["print", f"I am {name!r}"]]] for name in names})
            did = f"ran {len(names)} steps with odd names"
            check(set(states(status).values()) == {"succeeded"} and set(status.steps) == set(names), did=did, came=states(status))
            executed = launcher.executed()
            check(executed == Counter((name, 1) for name in names), did=did, came=executed)
            logs = {name: list(stage.orchestrator.logs(plan.run_id, name)) for name in names}
            wrong = {name: lines for name, lines in logs.items() if lines != [f"I am {name!r}"]}
            check(not wrong, did=f"{did}, and read their logs", came=wrong, mend="map names to what the backend can hold, one to one")

    @rule("OR-30", severity=2, kind="race")
    def test_runs_beside_each_other_share_nothing(self, stage: Stage, effort: Effort) -> None:
        """Runs of one pipeline at the same time have logs, states and environments of their own."""
        count = effort.pick(4, 8, 20)
        goings = []
        for number in range(count):
            launcher = stage.launcher(
                {"a": [[["environment", ["NUMBER"]], ["wait", "now"], ["print", f"run {number}\n"]]], "b": [[["ask"]]]}
            )
            launcher.environment = {"NUMBER": str(number)}
            goings.append(stage.begin(plan_of({"a": (), "b": ("a",)}, a={"isolated": True}), launcher=launcher))
        for number, going in enumerate(goings):
            going.until("environment", "a")
            going.launcher.open("now")
            going.launcher.answer("b", 1, [["fail", "ValueError", "odd"]] if number % 2 else [])
        for number, going in enumerate(goings):
            status, lines = going.ended(), list(stage.orchestrator.logs(going.plan.run_id, "a"))
            came = (states(status), lines, [one.data for one in going.launcher.events("environment")], going.launcher.executed())
            end = "failed" if number % 2 else "succeeded"
            executed = Counter([("a", 1), ("b", 1)])
            expected = ({"a": "succeeded", "b": end}, [f"run {number}"], [{"NUMBER": str(number)}], executed)
            check(came == expected, did=f"ran {count} runs of one pipeline at once", came=came, mend="keep everything by run id")

    @rule("OR-33", severity=2)
    def test_the_environment_is_what_was_declared(self, stage: Stage) -> None:
        """A command has the variables that the launcher gives it, unchanged; this process's environment and directory are as they were, and go nowhere else."""
        canary = f"DOVETAIL_CANARY_{uuid.uuid4().hex}"
        odd = "a b\nc=d ümlaut $HOME `id` %PATH% \\"
        launcher = stage.launcher({name: [[["environment", ["ODD", canary]], ["meet", "all", 1]]] for name in "ab"})
        launcher.environment = {"ODD": odd}
        os.environ[canary] = "here"
        before, where = dict(os.environ), Path.cwd()
        try:
            stage.run(plan_of({"a": (), "b": ("a",)}, each={"isolated": True}), launcher=launcher)
            after = dict(os.environ)
        finally:
            del os.environ[canary]
        did = "ran commands with a variable of odd characters"
        seen = [one.data for one in launcher.events("environment")]
        check([data["ODD"] for data in seen] == [odd] * 2, did=did, came=seen, mend="pass the environment unchanged, with no shell between")
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        check(not changed and Path.cwd() == where, did=did, came=f"changed here: {sorted(changed)}, {Path.cwd()}", mend="leave it alone")
        if Capability.REMOTE in stage.orchestrator.capabilities:
            came = [data[canary] for data in seen]
            check(
                came == [None] * 2, did="looked for a variable of this process on other machines", came=came, mend="send what is declared"
            )

    @rule("OR-34", severity=1, kind="security")
    def test_secrets_in_the_environment_are_shown_nowhere(self, stage: Stage, harness: Harness) -> None:
        """What a launcher puts into a command's environment is in no argument of a process, no state, no log, and nothing that the backend shows."""
        secret = f"canary-{uuid.uuid4().hex}"
        launcher = stage.launcher({"a": [[["environment", ["SECRET"]], ["ask"]]], "b": [[["exit", 3]]]})
        launcher.environment = {"SECRET": secret}
        going = stage.begin(plan_of({"a": (), "b": ("a",)}, each={"isolated": True}), launcher=launcher)
        going.until("environment", "a")
        places = {f"arguments of process {process}": text for process, text in _arguments().items()}
        launcher.answer("a", 1, [])
        status = going.ended()
        places |= {"the status": repr(status), "what `ended` was told": repr(launcher.told)}
        places |= {f"the log of {name}": "\n".join(stage.orchestrator.logs(status.run_id, name)) for name in "ab"}
        if harness.has("raw"):
            places |= harness.raw(stage.orchestrator).texts()
        found = sorted(place for place, text in places.items() if secret in text)
        check(
            not found,
            did="looked for a secret that is in the environment of a command",
            came=", ".join(found),
            mend="pass it by the environment alone",
        )
        arrived = [one.data["SECRET"] for one in launcher.events("environment")]
        check(arrived == [secret], did="ran a command with a secret in its environment", came=arrived)
        check(status.state is StepState.FAILED, did="ran a command that exits with code 3", came=states(status))


def _arguments() -> dict[int, str]:
    """Return the arguments of every process below this one."""
    found = {}
    for process in psutil.Process().children(recursive=True):
        try:
            found[process.pid] = "\0".join(process.cmdline())
        except psutil.Error:
            continue
    return found

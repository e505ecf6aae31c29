"""Rules whose worker process died in them: a crash, or a hang that nothing else could end."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from dovetail_conformance.contract import Contract
from dovetail_conformance.harness import Harness
from dovetail_conformance.judging import Judge, failure_text
from dovetail_conformance.outcomes import Outcome, RuleFailure, Verdict
from dovetail_conformance.protocol import WORKER_FOLDER
from dovetail_conformance.recording import PROPERTY, Record, described
from dovetail_conformance.rules import Rule
from dovetail_conformance.session import apply
from dovetail_conformance.targets import contract, settings, target


class CrashReader:
    """Reads what dying workers leave; a plugin of pytest, in the process that starts them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._folder = Path(tempfile.mkdtemp(prefix="dovetail-words-"))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where to leave word."""
        node.workerinput[WORKER_FOLDER] = str(self._folder)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: Any) -> None:
        """Say of the rule in which a worker died what the worker said last, or that it died."""
        found = self._rule(crashitem)
        if found is None:
            return
        rule, asked, name = found
        words = self._folder / str(report.node.gateway.id)
        said = words.read_text("utf-8") if words.exists() else ""
        verdict = _hung(rule, said) if said else _died(rule)
        named, harness = type(name, (asked,), {}), self._harness()
        if harness is not None:
            verdict = Judge(named, harness).softened(rule, verdict)
        apply(report, verdict, "")
        report.user_properties.append((PROPERTY, described(Record.of(rule, verdict, named, harness, 0.0, None))))

    def pytest_unconfigure(self) -> None:
        """Remove what was left."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _rule(self, nodeid: str) -> tuple[Rule, type[Contract], str] | None:
        *_, name, method = nodeid.split("[")[0].split("::")
        asked = self._contract()
        rule = next((rule for rule in asked.rules.values() if rule.method == method), None) if asked is not None else None
        return (rule, asked, name) if rule is not None and asked is not None else None

    def _harness(self) -> Harness | None:
        """Return the harness that the options name, which is not entered: what it declares holds of a rule whose process died, too."""
        option = self._config.getoption
        if not (name := option("conformance_target")):
            return None
        return target(name, option("conformance_harness")).harness(settings(option("conformance_config")))

    def _contract(self) -> type[Contract] | None:
        option = self._config.getoption
        if name := option("conformance_target"):
            return target(name, option("conformance_harness")).contract
        kind = option("conformance_type")
        return contract(kind) if kind else None


def _hung(rule: Rule, said: str) -> Verdict:
    if said.startswith(rule.id):
        return Verdict(Outcome.FAILED, said)
    failure = RuleFailure("ran the rule", "a hang that stopped every thread", "let calls in C release the interpreter's lock")
    return Verdict(Outcome.FAILED, f"{failure_text(rule, failure)}\n\n{said}")


def _died(rule: Rule) -> Verdict:
    failure = RuleFailure("ran the rule", "the process died", "look for what ended it: a signal, os._exit, or too little memory")
    return Verdict(Outcome.FAILED, failure_text(rule, failure), crashed=True)

"""The pytest plugin: decides which rules can be asked, judges what came, and writes the report."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from dovetail_conformance.certifying import refusals
from dovetail_conformance.contract import GATE, SEED, Contract, check_known
from dovetail_conformance.effort import Effort
from dovetail_conformance.harness import Harness
from dovetail_conformance.judging import Judge
from dovetail_conformance.options import Options, use
from dovetail_conformance.outcomes import Blocked, Outcome, Untested, Verdict
from dovetail_conformance.recording import PROPERTY, Record, described, record_of
from dovetail_conformance.rule_zero import zero_problem
from dovetail_conformance.rules import Rule, rule_of

SESSION = pytest.StashKey["ConformanceSession"]()
_GOOD = (Outcome.PASSED, Outcome.ABSENT, Outcome.ADVISORY)
_BAD = (Outcome.FAILED, Outcome.ERROR)
_LETTERS = {"passed": ".", "failed": "F", "absent": "a", "deviation": "d", "untested": "u", "advisory": "A", "blocked": "b", "error": "E"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of conformance runs."""
    group = parser.getgroup("conformance", "conformance of Dovetail flavors")
    group.addoption("--conformance-effort", default="standard", choices=[effort.label for effort in Effort], help="how hard to try")
    group.addoption("--conformance-seed", type=int, default=None, help="what everything random begins with")
    group.addoption("--conformance-report", type=Path, default=None, metavar="DIR", help="directory for the report")
    group.addoption("--conformance-target", default=None, metavar="TYPE/FLAVOR", help="the flavor that is asked")
    group.addoption("--conformance-harness", default=None, metavar="MODULE:CLASS", help="its harness, if no package offers it")
    group.addoption("--conformance-config", type=Path, default=None, metavar="FILE", help="settings for the harness, as TOML")
    group.addoption("--conformance-certify", action="store_true", help="refuse whatever makes a report worth less")
    group.addoption(
        "--conformance-mutants", type=Path, default=None, metavar="FILE", help="variants of a reference flavor to try the rules on"
    )
    group.addoption("--conformance-records", type=Path, default=None, metavar="FILE", help="file for what was said of each rule, as JSON")
    group.addoption("--conformance-type", default=None, metavar="TYPE", help="the component type of the variants")


def pytest_configure(config: pytest.Config) -> None:
    """Begin a session."""
    worker = getattr(config, "workerinput", None)
    given = config.getoption("conformance_seed")
    config.stash[SEED] = worker["dovetail_seed"] if worker else given if given is not None else random.randrange(2**32)
    use(_options(config))
    session = ConformanceSession(config)
    config.stash[SESSION] = session
    config.stash[GATE] = session.admit
    config.pluginmanager.register(session, "dovetail-conformance-session")


def _options(config: pytest.Config) -> Options:
    return Options(
        target=config.getoption("conformance_target") or "",
        harness=config.getoption("conformance_harness"),
        config=config.getoption("conformance_config"),
        mutants=config.getoption("conformance_mutants"),
        component_type=config.getoption("conformance_type") or "",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give every worker the same seed."""
    node.workerinput["dovetail_seed"] = node.config.stash[SEED]


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say what the run depends on."""
    target = config.getoption("conformance_target")
    return f"conformance: {target}, effort {config.getoption('conformance_effort')}, seed {config.stash[SEED]}" if target else None


class ConformanceSession:
    """What one process knows of the contracts that it runs."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._judges: dict[type[Contract], Judge] = {}
        self._harnesses: dict[type[Contract], Harness] = {}
        self._zero: dict[type[Contract], str] = {}
        self._requests: dict[str, int] = {}
        self._effort = Effort.of(config.getoption("conformance_effort"))
        self.records: dict[tuple[str, str], Record] = {}
        self.contracts: dict[str, type[Contract]] = {}
        self.deselected = 0
        self.began = time.time()

    # Before a rule

    def admit(self, contract: type[Contract], harness: Harness, function: object) -> None:
        """Let a rule begin. Raises `Blocked` or `Untested`."""
        rule = rule_of(function)
        if rule is None:
            return
        judge = self._judge(contract, harness)
        if not rule.is_zero and (problem := self._zero_problem(contract, harness)):
            raise Blocked(f"rule zero failed: {problem}")
        if rule.effort > self._effort:
            raise Untested(f"it runs at effort {rule.effort.label} and above")
        if reason := judge.unready(rule):
            raise Untested(reason)

    def _judge(self, contract: type[Contract], harness: Harness) -> Judge:
        if self._harnesses.get(contract) is not harness:
            check_known(contract, harness.deviations, f"{type(harness).__name__}.deviations")
            check_known(contract, harness.lacks, f"{type(harness).__name__}.lacks")
            self._harnesses[contract] = harness
            self._judges[contract] = Judge(contract, harness)
        return self._judges[contract]

    def _zero_problem(self, contract: type[Contract], harness: Harness) -> str:
        if contract not in self._zero:
            self._zero[contract] = zero_problem(contract.component_type, harness)
        return self._zero[contract]

    # After it

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Judge a rule once: by what its body raised, or by what kept it from beginning."""
        report = yield
        rule, contract = rule_of(getattr(item, "function", None)), getattr(item, "cls", None)
        if rule is None or contract is None or not issubclass(contract, Contract):
            return report
        error = call.excinfo.value if call.excinfo else None
        if (error is None and call.when != "call") or isinstance(error, KeyboardInterrupt):
            return report
        verdict = self._verdict(contract, rule, error, call.when)
        _apply(report, verdict, item)
        record = Record.of(rule, verdict, contract, call.duration, self._harnesses.get(contract), self._deviations(contract))
        report.user_properties.append((PROPERTY, described(record)))
        return report

    def _verdict(self, contract: type[Contract], rule: Rule, error: BaseException | None, when: str) -> Verdict:
        judge = self._judges.get(contract)
        if isinstance(error, pytest.skip.Exception):
            return Verdict(Outcome.UNTESTED, str(error))
        if judge is None or (when != "call" and not isinstance(error, Untested | Blocked)):
            return Verdict(Outcome.ERROR, f"{when} failed: {type(error).__name__}: {error}")
        return judge.verdict(rule, error)

    def _deviations(self, contract: type[Contract]) -> dict[str, Any]:
        harness = self._harnesses.get(contract)
        return {**(harness.deviations if harness else {}), **contract.deviations}

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Count rules by their outcome."""
        record = record_of(report)
        if record is None:
            return None
        name = str(record.outcome)
        return name, _LETTERS[name], name.upper()

    # The run

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Ask rule zero of each contract first, and remember what there is to ask."""
        items.sort(key=lambda item: not ((rule := rule_of(getattr(item, "function", None))) and rule.is_zero))
        for item in items:
            contract = getattr(item, "cls", None)
            if contract is not None and issubclass(contract, Contract):
                self.contracts[contract.__name__] = contract

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Count rules that were deselected."""
        self.deselected += sum(rule_of(getattr(item, "function", None)) is not None for item in items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what was said of a rule; an error at its end outweighs what was said before."""
        record = record_of(report)
        if record is not None:
            self.records[record.contract, record.rule.id] = record

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say why rules were neither passed nor failed."""
        others = [record for record in self.records.values() if record.outcome not in (Outcome.PASSED, *_BAD)]
        if others and not self._config.getoption("conformance_mutants"):
            terminalreporter.section("rules with another outcome")
            for record in sorted(others, key=lambda record: (record.outcome, record.rule.id)):
                terminalreporter.write_line(f"{record.outcome}: {record.rule.id}: {record.detail.splitlines()[0] if record.detail else ''}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the report, and refuse a run that shows nothing."""
        if hasattr(self._config, "workerinput"):
            return
        if path := self._config.getoption("conformance_records"):
            path.write_text(json.dumps([described(record) for record in self.records.values()]), "utf-8")
        if not self._config.getoption("conformance_target"):
            return
        problems = list(self._problems())
        if self._config.getoption("conformance_report") and self.records:
            from dovetail_conformance.reporting import write_report

            write_report(self._config, self.records.values(), problems, self.began)
        if problems:
            self._refuse(session, problems)

    def _problems(self) -> Iterable[str]:
        if not self.records:
            yield "no rule was run"
        if self._config.getoption("conformance_certify"):
            yield from refusals(self._config, self.records.values(), self.deselected)

    def _refuse(self, session: pytest.Session, problems: list[str]) -> None:
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        for problem in problems:
            if terminal is not None:
                terminal.write_line(f"\nconformance: refused: {problem}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _apply(report: pytest.TestReport, verdict: Verdict, item: pytest.Item) -> None:
    """Say a verdict in pytest's words."""
    if verdict.outcome in _GOOD:
        report.outcome, report.longrepr = "passed", None
    elif verdict.outcome in _BAD:
        report.outcome = "failed"
        trace = f"\n\n{report.longrepr}" if verdict.crashed or verdict.outcome is Outcome.ERROR else ""
        report.longrepr = verdict.detail + trace
    elif verdict.outcome is Outcome.DEVIATION:
        report.outcome, report.wasxfail = "skipped", verdict.detail
    else:
        path, line, _ = item.location
        report.outcome, report.longrepr = "skipped", (path, line or 0, verdict.detail)

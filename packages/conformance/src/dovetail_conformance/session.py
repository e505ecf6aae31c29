"""What one process of a run knows of the contracts that it runs: which rules can be asked, and what was said of each."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dovetail_conformance.audit import exempt
from dovetail_conformance.certifying import not_run, refusals
from dovetail_conformance.contract import Contract, check_known
from dovetail_conformance.effort import Effort
from dovetail_conformance.harness import Harness
from dovetail_conformance.judging import Judge, failure_text
from dovetail_conformance.outcomes import Blocked, HarnessError, Outcome, RuleFailure, Untested, Verdict
from dovetail_conformance.recording import BAD, PROPERTY, Record, described, merged, records_of
from dovetail_conformance.rule_zero import zero_problem
from dovetail_conformance.rules import LEAVES_NOTHING, SHOWS_NO_SECRET, Rule, rule_of
from dovetail_conformance.summing import summary
from dovetail_conformance.watchdog import Hung
from dovetail_conformance.watching import Watch, leak, own_folder, shown

WATCH = pytest.StashKey[Watch]()
"""Where an item keeps what was looked at around its rule."""
_GOOD = (Outcome.PASSED, Outcome.ABSENT, Outcome.ADVISORY)
_LETTERS = {"passed": ".", "failed": "F", "absent": "a", "deviation": "d", "untested": "u", "advisory": "A", "blocked": "b", "error": "E"}
_OUTPUT = {"stdout": "standard output", "stderr": "standard error"}


class ConformanceSession:
    """Judges rules; a plugin of pytest, registered once per process."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._judges: dict[type[Contract], Judge] = {}
        self._harnesses: dict[type[Contract], Harness] = {}
        self._zero: dict[type[Contract], str] = {}
        self._entered: set[type[Contract]] = set()
        self._unusable: dict[type[Contract], Rule] = {}
        self._asks_zero: set[type[Contract]] = set()
        self._folder: Path | None = None
        self.effort: Effort = Effort.of(config.getoption("conformance_effort"))
        self.records: dict[tuple[str, str], Record] = {}
        self.leaking: set[type[Contract]] = set()
        """Contracts that are known to leave something behind."""
        self.began: float = time.time()

    # Before a rule

    @contextmanager
    def around(self, contract: type[Contract], harness: Harness, item: pytest.Item) -> Iterator[None]:
        """Let a rule begin, and look around it. Raises `Blocked` or `Untested`."""
        rule = rule_of(getattr(item, "function", None))
        if rule is None:
            yield
            return
        self._entered.add(contract)
        self._admit(contract, harness, rule)
        watch = item.stash[WATCH] = Watch(rule, harness, self._own_folder(), contract in self.leaking)
        watch.begin()
        try:
            yield
        finally:
            getattr(item, "funcargs", {}).clear()  # they would keep alive what is garbage, and closes what it holds only then
            watch.end()

    def _admit(self, contract: type[Contract], harness: Harness, rule: Rule) -> None:
        judge = self._judge(contract, harness)
        if not rule.is_zero and (problem := self._zero_problem(contract, harness)):
            raise Blocked(f"rule zero failed: {problem}")
        if rule.effort > self.effort:
            raise Untested(f"it runs at effort {rule.effort.label} and above")
        if reason := judge.unready(rule):
            raise Untested(reason)

    def _judge(self, contract: type[Contract], harness: Harness) -> Judge:
        if self._harnesses.get(contract) is not harness:
            check_known(contract, harness.deviations, f"{type(harness).__name__}.deviations")
            check_known(contract, harness.lacks, f"{type(harness).__name__}.lacks")
            exempt(
                set(threading.enumerate()) - {threading.current_thread()}
            )  # no component was made yet: they are servers, and the suite's
            self._harnesses[contract] = harness
            self._judges[contract] = Judge(contract, harness)
        return self._judges[contract]

    def _zero_problem(self, contract: type[Contract], harness: Harness) -> str:
        if contract not in self._zero:
            self._zero[contract] = zero_problem(contract.component_type, harness)
        return self._zero[contract]

    def _own_folder(self) -> Path:
        if self._folder is None:
            self._folder = own_folder()
        return self._folder

    def harness(self, contract: type[Contract]) -> Harness | None:
        """Return the harness of a contract, once a rule of it was begun."""
        return self._harnesses.get(contract)

    # After it

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Judge a rule once: by what its body raised, or by what kept it from beginning."""
        report = yield
        asked = rule_and_contract(item)
        error = call.excinfo.value if call.excinfo else None
        if asked is None or (error is None and call.when != "call") or isinstance(error, KeyboardInterrupt):
            return report
        rule, contract = asked
        watch = item.stash.get(WATCH, None)
        verdict = self._verdict(contract, rule, error, call.when, watch)
        if watch is not None and call.when == "call":
            watch.passed = verdict.outcome is Outcome.PASSED
        if watch is not None and error is not None:
            watch.heard.hear_error(error)
            verdict = Verdict(verdict.outcome, watch.heard.masked(verdict.detail), verdict.crashed)
        trace = watch.heard.masked(str(report.longrepr)) if watch is not None else str(report.longrepr)
        apply(report, verdict, trace)
        requests = watch.requests if watch is not None else None
        self._note(report, rule, contract, verdict, call.duration, requests)
        return report

    def _verdict(self, contract: type[Contract], rule: Rule, error: BaseException | None, when: str, watch: Watch | None) -> Verdict:
        judge = self._judges.get(contract)
        if isinstance(error, pytest.skip.Exception):
            return Verdict(Outcome.UNTESTED, str(error))
        if isinstance(error, Hung):
            return self.hung(contract, rule, when, error.seconds, error.stacks)
        if judge is None and when == "setup" and not isinstance(error, Untested | Blocked):
            return self._unusable_harness(contract, rule, error)
        if judge is None or (when != "call" and not isinstance(error, Untested | Blocked)):
            return Verdict(Outcome.ERROR, f"{when} failed: {type(error).__name__}: {error}")
        if error is None and watch is not None and (problem := watch.noted.unproven()):
            return judge.verdict(rule, HarnessError(problem))
        verdict = judge.verdict(rule, error)
        return judge.within_budget(rule, verdict, watch.requests if watch is not None else None)

    def hung(self, contract: type[Contract], rule: Rule, when: str, seconds: float, stacks: str) -> Verdict:
        """Return what is said of a rule that did not end."""
        judge, verdict = self._judges.get(contract), hung(rule, when, seconds, stacks)
        return judge.softened(rule, verdict) if judge is not None else verdict

    def _unusable_harness(self, contract: type[Contract], rule: Rule, error: BaseException | None) -> Verdict:
        """Return an error for rule zero, or for the first rule where that is not asked; the others cannot be asked for the same reason."""
        what = "used" if contract in self._entered else "entered"
        said = f"the harness could not be {what}: {type(error).__name__}: {error}"
        first = self._unusable.setdefault(contract, rule)
        speaks = rule.is_zero if contract in self._asks_zero else rule is first
        return Verdict(Outcome.ERROR if speaks else Outcome.BLOCKED, said)

    def add_findings(self, item: pytest.Item, reports: list[pytest.TestReport], left: dict[str, int]) -> None:
        """Add to the last report of a rule what was found around it: what it left behind, and where secrets were seen, which are masked."""
        asked, watch = rule_and_contract(item), item.stash.get(WATCH, None)
        if asked is None or watch is None:
            return
        (rule, contract), report = asked, reports[-1]
        for title, text in report.sections:
            if place := next((place for key, place in _OUTPUT.items() if f"Captured {key}" in title), ""):
                watch.heard.hear(place, text)
        if left:
            self.leaking.add(contract)
            self._found(report, LEAVES_NOTHING, rule, contract, leak(rule, left))
        if watch.heard.places:
            for each in reports:
                each.sections = [(title, watch.heard.masked(text)) for title, text in each.sections]
            self._found(report, SHOWS_NO_SECRET, rule, contract, shown(rule, watch.heard.places))

    def _found(self, report: pytest.TestReport, id: str, around: Rule, contract: type[Contract], failure: RuleFailure) -> None:
        judge, rule = self._judges[contract], contract.rules.get(id, around)
        if judge.unready(rule):
            return
        verdict = judge.verdict(rule, failure)
        if verdict.outcome in BAD:
            before = f"{report.longrepr}\n\n" if report.failed else ""
            report.outcome, report.longrepr = "failed", f"{before}{verdict.detail}"
        self._note(report, rule, contract, verdict, 0.0, None)

    def _note(
        self, report: pytest.TestReport, rule: Rule, contract: type[Contract], verdict: Verdict, seconds: float, requests: int | None
    ) -> None:
        record = Record.of(rule, verdict, contract, self._harnesses.get(contract), seconds, requests)
        report.user_properties.append((PROPERTY, described(record)))

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Count rules by their outcome."""
        records = records_of(report)
        if not records:
            return None
        name = str(next((record.outcome for record in records if record.outcome in BAD), records[-1].outcome))
        return name, _LETTERS[name], name.upper()

    # The run

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Ask rule zero of each contract first."""
        items.sort(key=lambda item: not ((rule := rule_of(getattr(item, "function", None))) and rule.is_zero))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note of which contracts rule zero is asked."""
        asked = [found for item in session.items if (found := rule_and_contract(item))]
        self._asks_zero = {contract for rule, contract in asked if rule.is_zero}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what was said of a rule; the worse outweighs."""
        for record in records_of(report):
            self.keep(record)

    def keep(self, record: Record) -> None:
        """Keep what was said of a rule."""
        key = record.contract, record.rule.id
        self.records[key] = merged(self.records.get(key), record)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say why rules were neither passed nor failed, and last which are not kept."""
        if not self._config.getoption("conformance_mutants"):
            for title, lines in summary(self.records.values()):
                terminalreporter.section(title)
                for line in lines:
                    terminalreporter.write_line(line)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the report, and refuse a run that shows nothing."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        if hasattr(self._config, "workerinput"):
            return
        broken = exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)
        problems = self.write(broken)
        blocked = sum(record.outcome is Outcome.BLOCKED for record in self.records.values())
        if blocked and exitstatus == pytest.ExitCode.OK:  # what blocked them was in one process only, which ran nothing
            problems.append(f"{blocked} rules could not be asked: see what blocked them")
        if problems and not broken:
            self._refuse(session, problems)

    def write(self, broken: bool = False) -> list[str]:
        """Write what the options ask for, and return why the run is refused, which one that `broken` off is."""
        if path := self._config.getoption("conformance_records"):
            path.write_text(json.dumps([described(record) for record in self.records.values()]), "utf-8")
        if not self._config.getoption("conformance_target"):
            return []
        certify = self._config.getoption("conformance_certify")
        problems = ["the run broke off"] if broken else []
        problems += [] if self.records else ["no rule was run"]
        problems += refusals(self._config, self.records.values()) if certify else []
        left_out = list(not_run(self._config, self.records.values()))
        if self._config.getoption("conformance_report") and self.records:
            from dovetail_conformance.reporting import write_report

            write_report(self._config, self.records.values(), [*problems, *left_out], self.began)
        return [*problems, *(left_out if certify else [])]

    def _refuse(self, session: pytest.Session, problems: list[str]) -> None:
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        for problem in problems:
            if terminal is not None:
                terminal.write_line(f"\nconformance: refused: {problem}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def rule_and_contract(item: pytest.Item) -> tuple[Rule, type[Contract]] | None:
    """Return the rule that an item is, and the contract it belongs to, if it is one."""
    rule, contract = rule_of(getattr(item, "function", None)), getattr(item, "cls", None)
    return (rule, contract) if rule is not None and contract is not None and issubclass(contract, Contract) else None


def hung(rule: Rule, when: str, seconds: float, stacks: str) -> Verdict:
    """Return the failure that is a rule that did not end."""
    did = {"setup": "prepared the rule", "teardown": "closed what the rule used"}.get(when, "ran the rule")
    failure = RuleFailure(did, f"a hang: it did not end within {seconds:g} seconds", "set time limits; the stacks of all threads follow")
    return Verdict(Outcome.FAILED, f"{failure_text(rule, failure)}\n\n{stacks}")


def apply(report: pytest.TestReport, verdict: Verdict, trace: str) -> None:
    """Say a verdict in pytest's words, with the traceback where it says what the verdict does not."""
    if verdict.outcome in _GOOD:
        report.outcome, report.longrepr = "passed", None
    elif verdict.outcome in BAD:
        report.outcome = "failed"
        adds = trace and (verdict.crashed or verdict.outcome is Outcome.ERROR)
        report.longrepr = f"{verdict.detail}\n\n{trace}" if adds else verdict.detail
    elif verdict.outcome is Outcome.DEVIATION:
        report.outcome, report.wasxfail = "skipped", verdict.detail
    else:
        path, line, _ = report.location
        report.outcome, report.longrepr = "skipped", (path, line or 0, verdict.detail)

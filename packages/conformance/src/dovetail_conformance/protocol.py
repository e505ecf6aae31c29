"""Runs one rule: under a watchdog, and up to twice more if it seems to leave something behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from _pytest.runner import runtestprotocol

from dovetail_conformance.outcomes import Outcome
from dovetail_conformance.recording import Record, records_of
from dovetail_conformance.session import WATCH, ConformanceSession, hung, rule_and_contract
from dovetail_conformance.watchdog import GRACE, Watchdog, limit

WORKER_FOLDER = "dovetail_folder"
"""Under which name a worker is told where to leave word when it has to end."""


class RuleProtocol:
    """Runs the rules of one process; a plugin of pytest."""

    def __init__(self, config: pytest.Config, session: ConformanceSession) -> None:
        self._config = config
        self._session = session
        self._file = _last_words(config)
        self._given: float | None = config.getoption("conformance_limit")
        self._watchdog = Watchdog(self._last_resort, min(GRACE, self._given or GRACE), self._file)
        self._item: pytest.Item | None = None
        self._when = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run a rule, and say what was found around it with the report of its end."""
        if rule_and_contract(item) is None:
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        reports = runtestprotocol(item, nextitem=_Beside(item), log=False)  # type: ignore[arg-type]
        left = self._suspected(item, reports)
        if left and not self._known_to_leak(item):
            left = self._confirmed(item, _Beside(item), left)[0]
            left, ended = self._confirmed(item, nextitem, left) if left else ({}, self._ended(item, nextitem))
        else:
            ended = self._ended(item, nextitem)
        if reports[-1].passed:  # one report of an end is enough, and this one is of the end of the class, too
            reports.pop()
        reports.append(ended)
        self._session.add_findings(item, reports, left)
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _suspected(self, item: pytest.Item, reports: list[pytest.TestReport]) -> dict[str, int]:
        """Return what a rule that holds seems to leave behind."""
        held = all(record.outcome is Outcome.PASSED for report in reports for record in records_of(report))
        return item.stash[WATCH].left if held and WATCH in item.stash else {}

    def _known_to_leak(self, item: pytest.Item) -> bool:
        asked = rule_and_contract(item)
        return asked is not None and asked[1] in self._session.leaking

    def _confirmed(self, item: pytest.Item, nextitem: Any, left: dict[str, int]) -> tuple[dict[str, int], pytest.TestReport]:
        """Run a rule once more, with the same harness; return what of that it leaves behind again, and the report of its end.

        What is left each time is a leak. What is made once per process or harness is none, nor is a pool that grows up to some size.
        """
        item._initrequest()  # type: ignore[attr-defined]
        ended = runtestprotocol(item, nextitem=nextitem, log=False)[-1]
        again = {_kind(what) for what in item.stash[WATCH].left}
        return {what: count for what, count in left.items() if _kind(what) in again}, ended

    def _ended(self, item: pytest.Item, nextitem: pytest.Item | None) -> pytest.TestReport:
        """End what the next item does not need, such as the harness, and return the report of that.

        Not by pytest's hook, which has been called for the item: pytest's own plugins do not bear it twice.
        """
        state = item.session._setupstate
        with self._limited(item, "teardown"):
            call = pytest.CallInfo.from_call(
                lambda: state.teardown_exact(nextitem), when="teardown", reraise=(KeyboardInterrupt, pytest.exit.Exception)
            )
        report: pytest.TestReport = item.ihook.pytest_runtest_makereport(item=item, call=call)
        return report

    # Time limits

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        """Limit the time that what a rule needs takes to be made."""
        with self._limited(item, "setup"):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Limit the time of a rule."""
        with self._limited(item, "call"):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Iterator[None]:
        """Limit the time that closing takes."""
        with self._limited(item, "teardown"):
            return (yield)

    @contextmanager
    def _limited(self, item: pytest.Item, when: str) -> Iterator[None]:
        asked = rule_and_contract(item)
        if asked is None:
            yield
            return
        self._item, self._when = item, when
        with self._watchdog.over(self._given or limit(self._session.harness(asked[1]), self._session.effort)):
            yield

    def _last_resort(self, seconds: float, stacks: str) -> None:
        """Say what can be said of a rule that does not end although it was told to; its process ends after that."""
        asked = rule_and_contract(self._item) if self._item is not None else None
        assert asked is not None
        rule, contract = asked
        print(hung(rule, self._when, seconds, stacks).detail, file=self._file, flush=True)
        if not hasattr(self._config, "workerinput"):
            verdict = self._session.hung(contract, rule, self._when, seconds, stacks)
            self._session.keep(Record.of(rule, verdict, contract, self._session.harness(contract), seconds, None))
            self._session.write()


class _Beside:
    """Stands for an item beside another one, so that what both belong to goes on when the other one ends."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    def listchain(self) -> list[Any]:
        """Return what both belong to, and this."""
        return [*self._item.listchain()[:-1], self]


def _kind(what: str) -> str:
    return what.partition(" ")[0]


def _last_words(config: pytest.Config) -> IO[str]:
    """Return where a process that has to end says why: a file that the controller reads, or the terminal, past what pytest captures."""
    worker: dict[str, Any] = getattr(config, "workerinput", {})
    folder = worker.get(WORKER_FOLDER)
    if folder is not None and os.path.isdir(folder):  # not so on another machine
        return Path(folder, worker["workerid"]).open("w", encoding="utf-8")
    return os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace")

"""Looking for runs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from dovetail_conformance import Effort, check, raises, rule
from dovetail_core.errors import InvalidArgument
from dovetail_experiment_tracker.capabilities import ExperimentTrackerCapability as Capability
from dovetail_experiment_tracker.contract.samples import ended_run
from dovetail_experiment_tracker.interface import ExperimentTracker
from dovetail_experiment_tracker.records import Page, RunRecord, RunStatus

# Name -> what the run has; the filters below say by hand which runs they select.
_RUNS: dict[str, dict[str, Any]] = {
    "one": {"loss": 0.1, "model": "svm", "lr": 0.1, "deep": True, "pipeline": "digits", "status": RunStatus.FINISHED},
    "two": {"loss": 0.5, "model": "tree", "lr": 1, "deep": False, "pipeline": "digits", "status": RunStatus.FAILED},
    "three": {"loss": math.nan, "model": 'it\'s "x"', "lr": "0.1", "deep": None, "pipeline": "other", "status": RunStatus.FINISHED},
    "four": {"loss": math.inf, "model": "SVM", "lr": -2.5, "deep": "true", "pipeline": "DIGITS", "status": RunStatus.KILLED},
    "five": {"status": RunStatus.FINISHED},
}
_FILTERS: dict[str, str] = {
    "": "one two three four five",
    "metrics.loss < 0.3": "one",
    "metrics.loss <= 0.5": "one two",
    "metrics.loss > 0.1": "two four",
    "metrics.loss >= 0.5": "two four",
    "metrics.loss = 0.5": "two",
    "metrics.loss != 0.5": "one three four",
    "metrics.loss = nan": "three",
    "metrics.loss != nan": "one two four",
    "metrics.loss = inf": "four",
    "metrics.loss > -inf": "one two four",
    "metrics.loss < 1e0 AND metrics.`loss` > .2": "two",
    'params.model = "svm"': "one",
    "params.model != 'svm'": "two three four",
    'params.model = "it\'s \\"x\\""': "three",
    "params.lr = 0.1": "one",
    'params.lr = "0.1"': "three",
    "params.lr > 0": "one two",
    "params.lr != 1": "one three four",
    "params.lr <= -2.5": "four",
    "params.deep = true": "one",
    "params.deep = false": "two",
    "params.deep = null": "three",
    'params.deep = "true"': "four",
    'tags.pipeline = "digits"': "one two",
    'tags.pipeline != "digits"': "three four",
    'status = "finished"': "one three five",
    'status != "finished"': "two four",
    'name = "five"': "five",
    'name != "five"': "one two three four",
    'metrics.loss < 0.6 and params.model = "svm" and tags.pipeline = "digits" and status = "finished"': "one",
    'metrics.absent != 1 and name = "one"': "",
    'params.model = "\' or 1=1 --"': "",
    'parent != "x"': "",
    'started > "2001-01-01T00:00:00+02:00" and ended > "2001-01-01T00:00:00Z"': "one two three four five",
    'ended < "2001-01-01T00:00:00Z"': "",
}
_NONSENSE = [
    "metrics.loss", "metrics.loss <", "loss < 1", "metrics.loss < 'a'", "metrics.loss < 1 or metrics.loss > 2", "metrics.loss < 1 and",
    "and metrics.loss < 1", "params.model < 'a'", "tags.pipeline = 1", "status = 'done'", "status < 'finished'", "started > '2001-01-01'",
    "metrics.loss < 1; drop table runs", "metrics.loss = 1 metrics.loss = 2", "params.a = 'x", "metrics. = 1", "metrics.a == 1", "name = null", "\0",
]  # fmt: skip


class SearchRules:
    """Rules about searching."""

    @rule("ET-27", severity=1, needs=Capability.SEARCH)
    def test_a_filter_selects_what_it_says(self, tracker: ExperimentTracker) -> None:
        """A filter selects exactly the runs that fulfil it: numbers, texts, booleans, what is not a number, and what a run does not have."""
        _make(tracker)
        for filter, names in _FILTERS.items():
            found = sorted(run.name for run in tracker.iter_runs(filter))
            check(found == sorted(names.split()), did=f"looked for {filter!r}", came=found, mend="as `matching.matches` does")

    @rule("ET-29", severity=2, needs=Capability.SEARCH)
    def test_a_filter_that_is_not_understood_is_refused(self, tracker: ExperimentTracker) -> None:
        """A filter, an order or a page token that means nothing is refused with `InvalidArgument`."""
        tracker.search_runs()
        ended_run(tracker)
        ended_run(tracker)
        for filter in _NONSENSE:
            with raises(InvalidArgument, did=f"looked for {filter!r}"):
                tracker.search_runs(filter)
        for order in ("", "loss", "params.lr", "tags.a", "-", "started,ended", "status"):
            with raises(InvalidArgument, did=f"sorted by {order!r}"):
                tracker.search_runs(order_by=order)
        token = tracker.search_runs(limit=1).token or ""
        for bad in ("x", token[:-2], f"{token}AAAA", "é"):
            with raises(InvalidArgument, did="went on with a damaged token"):
                tracker.search_runs(limit=1, token=bad)
        with raises(InvalidArgument, did="went on with the token of another search"):
            tracker.search_runs('name = "x"', limit=1, token=token)

    @rule("ET-28", severity=1, needs=Capability.SEARCH)
    def test_pages_are_the_whole(self, tracker: ExperimentTracker, effort: Effort) -> None:
        """Pages together are all runs, in the order that was asked for, each once, also while others are started."""
        tracker.search_runs()
        count = effort.pick(17, 40, 150)
        values = [(number * 7) % 5 for number in range(count)]
        for number, value in enumerate(values):
            with tracker.start_run(f"{number}", experiment=f"e{number % 2}") as run:
                if value < 3:
                    run.log_metric("m", math.nan if value == 0 else value)
        ids = {run.name: run.id for run in tracker.iter_runs()}
        for order in ("-started", "started", "-ended", "ended", "-metrics.m", "metrics.m"):
            whole = [run.name for run in tracker.iter_runs(order_by=order)]
            check(sorted(whole) == sorted(ids), did=f"listed {count} runs by {order}", came=f"{len(set(whole))} of {len(whole)}")
            wanted = _expected(order, values)
            came = [_rank(order, values[int(name)]) for name in whole] if "metrics" in order else [int(name) for name in whole]
            check(
                came == wanted, did=f"listed runs by {order}", came=came, mend="a value first, then not a number, then none; latest first"
            )
            for size in (1, 7, count, count + 1):
                paged = [run.name for page in _pages(tracker, order_by=order, limit=size) for run in page.items]
                check(paged == whole, did=f"listed by {order}, {size} at a time", came=f"{len(paged)} runs, or another order")
        check([run.name for run in tracker.iter_runs(limit=3)] == [str(count - 1 - n) for n in range(3)], did="took 3", came="others")
        odd = {run.name for run in tracker.iter_runs(experiments=["e1"])}
        check(odd == {str(n) for n in range(1, count, 2)}, did="listed the runs of one experiment", came=sorted(odd))
        check(not list(tracker.iter_runs(experiments=[])), did="listed the runs of no experiment", came="runs")
        first = tracker.search_runs(limit=5)
        ended_run(tracker, "late", experiment="e0")
        rest = [run.name for page in _pages(tracker, limit=5, token=first.token) for run in page.items]
        seen = [run.name for run in first.items] + rest
        wanted_names = [str(number) for number in reversed(range(count))]
        check(seen == wanted_names, did="started a run between two pages", came=f"{len(set(seen))} of {count}, in {len(seen)} rows")
        check({"e0", "e1"} <= set(tracker.experiments()), did="listed the experiments", came=tracker.experiments())

    @rule("ET-39", severity=2, needs=Capability.SEARCH)
    def test_a_run_that_is_found_is_whole(self, tracker: ExperimentTracker) -> None:
        """A run in a listing is the same as that run read by itself."""
        tracker.search_runs()
        for number in range(3):
            with tracker.start_run(tags={"t": str(number)}, params={"p": [number]}) as run:
                run.log_metrics({"a": number, "b": -number}, step=number)
        for found in tracker.iter_runs():
            alone = tracker.get_run(found.id)
            check(found == alone, did="compared a run of a listing with the run by itself", came=(found, alone))


def _make(tracker: ExperimentTracker) -> None:
    tracker.search_runs()
    for name, has in _RUNS.items():
        params: dict[str, Any] = {key: has[key] for key in ("model", "lr", "deep") if key in has}
        tags = {"pipeline": has["pipeline"]} if "pipeline" in has else {}
        run = tracker.start_run(name, params=params, tags=tags)
        if "loss" in has:
            run.log_metric("loss", 0.2, step=0)
            run.log_metric("loss", has["loss"], step=1)
        run.end(has["status"])


def _expected(order: str, values: list[int]) -> list[int]:
    if "metrics" not in order:
        return list(range(len(values)))[:: -1 if order.startswith("-") else 1]
    return sorted(_rank(order, value) for value in values)


def _rank(order: str, value: int) -> int:
    """Return where a metric's value is among others: numbers, then not a number (0), then none (3 and 4)."""
    return {0: 8, 3: 9, 4: 9}.get(value, -value if order.startswith("-") else value)


def _pages(tracker: ExperimentTracker, token: str | None = None, **query: Any) -> Iterator[Page[RunRecord]]:
    while True:
        page = tracker.search_runs(token=token, **query)
        yield page
        token = page.token
        if token is None:
            return

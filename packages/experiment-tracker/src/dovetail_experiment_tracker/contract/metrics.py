"""Points of metrics."""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from typing import Any

from dovetail_conformance import Effort, check, raises, rule
from dovetail_core.errors import InvalidArgument
from dovetail_experiment_tracker.capabilities import ExperimentTrackerCapability as Capability
from dovetail_experiment_tracker.contract.harness import ExperimentTrackerHarness
from dovetail_experiment_tracker.contract.samples import check_points, moment, points, reread, same, stored
from dovetail_experiment_tracker.interface import ExperimentTracker
from dovetail_experiment_tracker.records import MetricPoint
from dovetail_experiment_tracker.run import Run

_STEPS = [5, 3, 5, 0, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 3]


class MetricRules:
    """Rules about metrics."""

    @rule("ET-06", severity=1)
    def test_every_point_is_kept(self, tracker: ExperimentTracker) -> None:
        """Every point is kept: steps out of order, repeated, 0, negative, of any 64 bits, and points that are equal in everything."""
        with tracker.start_run() as run:
            for number, step in enumerate(_STEPS):
                run.log_metric("m", number + 0.5, step=step, time=moment(number))
            check_points(run, "m", points("m", _STEPS), "logged one metric at steps in no order", "keep every point")
            for _ in range(3):
                run.log_metric("twin", 1.5, step=4, time=moment(7))
            twins = stored(run, "twin")
            check(twins == [(4, 1.5)] * 3, did="logged a point three times", came=twins, mend="keep points that are equal apart")
            run.log_metrics({"a": 1, "b": 2}, step=9)
            check((stored(run, "a"), stored(run, "b")) == ([(9, 1.0)], [(9, 2.0)]), did="logged two metrics at once", came=stored(run, "a"))
            for value in (1, 2):
                run.log_metric("counted", value)
            run.log_metric("counted", 3, step=10)
            run.log_metric("counted", 4)
            came = stored(run, "counted")
            check(came == [(0, 1.0), (1, 2.0), (10, 3.0), (11, 4.0)], did="logged without steps, and after step 10", came=came)
            wrong: list[Any] = [2**63, 1.5, "1", True]
            for bad in wrong:
                with raises(InvalidArgument, did=f"logged at step {bad!r}"):
                    run.log_metric("m", 1, step=bad)

    @rule("ET-08", severity=1)
    def test_every_number_comes_back(self, tracker: ExperimentTracker) -> None:
        """Every float comes back as it was, also not a number and infinite; scalars of other kinds as the nearest float; what is no number is refused."""
        values: dict[str, Any] = {
            "nan": math.nan, "inf": math.inf, "ninf": -math.inf, "tiny": 5e-324, "huge": 1.7976931348623157e308, "third": 1 / 3, "zero": 0.0,
            "true": True, "false": False, "int": 7, "big": 2**53 + 2, "decimal": Decimal("0.1"), "fraction": Fraction(1, 3), **_scalars(),
        }  # fmt: skip
        with tracker.start_run() as run:
            run.log_metrics({name: value for name, value in values.items()}, step=1)
            for name, value in values.items():
                came = stored(run, name)
                check(same(came, [(1, float(value))]), did=f"logged {value!r}", came=came, mend="store floats exactly")
            latest = reread(run).metrics
            check(same(latest, {name: float(value) for name, value in values.items()}), did="read the latest values", came=latest)
            run.log_metric("nan", 2.0, step=2)
            check(stored(run, "nan")[1:] == [(2, 2.0)], did="logged after a value that is not a number", came=stored(run, "nan"))
            for bad in ("0.5", None, 1j, [1.0], 10**400, object()):
                with raises(
                    InvalidArgument, did=f"logged a metric of type {type(bad).__name__}", mend="refuse it before anything is stored"
                ):
                    run.log_metric("bad", bad)
            check(stored(run, "bad") == [], did="logged what is no number", came=stored(run, "bad"))

    @rule("ET-33", severity=1)
    def test_the_latest_value_is_that_of_the_highest_step(self, tracker: ExperimentTracker) -> None:
        """A run's value of a metric is that of the highest step, and of several points there, that of the latest time, whatever was logged last."""
        with tracker.start_run() as run:
            for step, time, value in ((1, 1, 10.0), (7, 5, 70.0), (7, 9, 79.0), (7, 6, 76.0), (3, 20, 30.0)):
                run.log_metric("m", value, step=step, time=moment(time))
                run.flush()
            run.log_points([MetricPoint("n", 1.0, 9, moment(1)), MetricPoint("n", 2.0, 2, moment(2))])
            latest = reread(run).latest
            facts = {key: (point.step, point.value, point.time) for key, point in latest.items()}
            wanted = {"m": (7, 79.0, moment(9)), "n": (9, 1.0, moment(1))}
            check(facts == wanted, did="read the latest points of metrics that were logged out of order", came=facts)

    @rule("ET-11", severity=2)
    def test_any_number_of_points_is_one_call(self, tracker: ExperimentTracker, effort: Effort) -> None:
        """More points, parameters or tags than the backend takes in one call are recorded by one call, each once."""
        count = min(tracker.points_per_call * effort.pick(2, 3, 5), effort.pick(25_000, 60_000, 200_000)) + 1
        many = min(2 * max(tracker.params_per_call, tracker.tags_per_call), 250) + 1
        with tracker.start_run() as run:
            run.log_points(points("m", range(count)))
            check_points(
                run, "m", points("m", range(count)), f"logged {count} points in one call", "split it into calls of the backend's size"
            )
            run.log_metrics({f"metric {number}": number for number in range(many)}, step=0)
            run.log_params({f"param {number}": number for number in range(many)})
            run.set_tags({f"tag {number}": str(number) for number in range(many)})
            record = reread(run)
            found = [len(set(kind) & {f"{name} {number}" for number in range(many)}) for kind, name in _kinds(record)]
            check(found == [many] * 3, did=f"logged {many} metrics, parameters and tags, each in one call", came=found)

    @rule("ET-17", severity=2)
    def test_a_history_is_whole_and_in_order(self, tracker: ExperimentTracker, effort: Effort) -> None:
        """The history of a metric is all of its points, however many, by rising steps, whatever the order in which they were logged."""
        count = effort.pick(1100, 10_001, 30_001)
        shuffled = [number * 7919 % count for number in range(count)]
        with tracker.start_run() as run:
            for start in range(0, count, 997):
                run.log_points(
                    [point._replace(step=step) for step, point in zip(shuffled[start : start + 997], points("m", range(997)), strict=False)]
                )
                run.log_metric("other", 1)
            steps = [step for step, _ in stored(run, "m")]
            check(len(steps) == count, did=f"read a history of {count} points", came=len(steps), mend="fetch every page")
            check(steps == list(range(count)), did="looked at the order of its steps", came="another order", mend="sort by step")
            check(list(tracker.metric_history(run.id, "never logged")) == [], did="read a metric that was never logged", came="points")

    @rule("ET-14", severity=2, needs=Capability.ASYNC)
    def test_what_is_sent_in_the_background_arrives(
        self, tracker: ExperimentTracker, harness: ExperimentTrackerHarness, effort: Effort
    ) -> None:
        """What was logged in the background is stored when `flush`, the run's end, or `close` returns; a forked worker that ends adds what is its own."""
        count = effort.pick(900, 10_000, 50_000)
        ways: dict[str, Callable[[Run], None]] = {"flush": Run.flush, "end": Run.end, "close": lambda run: run.tracker.close()}
        for way, call in ways.items():
            run = tracker.start_run(buffered=True)
            for point in points("m", range(count)):
                run.log_metric(*point)
            call(run)
            with type(tracker)(tracker.config) as other:
                found = [point.step for point in other.metric_history(run.id, "m")]
            check(found == list(range(count)), did=f"logged {count} points, and called {way}", came=f"{len(found)} points")
            run.end()
        if "fork" in multiprocessing.get_all_start_methods():
            run = tracker.start_run(buffered=True)
            run.log_points(points("m", range(count)))
            worker = multiprocessing.get_context("fork").Process(target=_log_and_leave, args=(run,))
            worker.start()
            worker.join(60)
            check_points(run, "m", points("m", range(count)), "forked while points were on their way", "let the child forget what waits")
            if harness.processes:
                check_points(
                    run,
                    "worker",
                    points("worker", range(10)),
                    "logged 10 points in a forked worker, which then ended",
                    "deliver at its end",
                )
            run.end()

    @rule("ET-38", severity=2, needs=Capability.ASYNC)
    def test_no_background_on_request(self, tracker: ExperimentTracker) -> None:
        """A run that is started with `buffered=False` has each point stored when the call returns."""
        run = tracker.start_run(buffered=True)
        run.end()
        run = tracker.start_run(buffered=False)
        with type(tracker)(tracker.config) as other:
            for point in points("m", range(5)):
                run.log_metric(*point)
                found = [one.step for one in other.metric_history(run.id, "m")]
                check(
                    found == list(range(point.step + 1)),
                    did="logged a point without the background, and read by another client",
                    came=found,
                )
        run.end()


def _scalars() -> dict[str, Any]:
    """Return scalars of the array libraries that are installed."""
    makers: dict[str, Callable[[Any], dict[str, Any]]] = {
        "numpy": lambda np: {
            "f32": np.float32(0.1),
            "f64": np.float64(0.1),
            "i8": np.int8(-3),
            "flag": np.bool_(True),
            "array": np.array(2.5),
        },
        "torch": lambda torch: {"tensor": torch.tensor(0.25)},
    }
    found: dict[str, Any] = {}
    for name, make in makers.items():
        try:
            found |= {f"{name} {key}": value for key, value in make(import_module(name)).items()}
        except ImportError:
            continue
    return found


def _kinds(record: Any) -> list[tuple[Any, str]]:
    return [(record.metrics, "metric"), (record.params, "param"), (record.tags, "tag")]


def _log_and_leave(run: Run) -> None:
    run.log_points(points("worker", range(10)))

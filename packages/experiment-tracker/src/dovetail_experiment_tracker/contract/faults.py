"""What happens when the backend is away, answers get lost, or the process is killed."""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path
from typing import Any

from dovetail_conformance import Effort, attempt, check, raises, rule, until, within
from dovetail_conformance.instruments import kill_after
from dovetail_core.errors import DovetailError, Timeout, Unavailable
from dovetail_experiment_tracker.capabilities import ExperimentTrackerCapability as Capability
from dovetail_experiment_tracker.config import BufferedTrackerConfig
from dovetail_experiment_tracker.contract.harness import ExperimentTrackerHarness
from dovetail_experiment_tracker.contract.samples import check_points, points, reread, stored
from dovetail_experiment_tracker.interface import ExperimentTracker
from dovetail_experiment_tracker.records import RunStatus
from dovetail_experiment_tracker.run import Run

_AWAY = (Unavailable, Timeout)
_CALLS = 40
"""How many calls the points of an outage take; each by itself may not wait for `outage_seconds`."""
_SLACK = 25.0
"""Seconds for what is not waiting: a database file may be asked for long before it says that it is locked."""
_TAGS = 30


class FaultRules:
    """Rules about faults."""

    @rule("ET-04", severity=2, kind="fault", wire=True)
    def test_an_end_that_fails_hinders_nothing(self, harness: ExperimentTrackerHarness) -> None:
        """A run whose end cannot be recorded is active no more, its own exception is the one that is raised, and later runs work."""
        with harness.make(**harness.impatient) as tracker:
            run = tracker.start_run()
            with contextlib.ExitStack() as outage, raises(_AWAY, did="ended a run while the backend was away"), run:
                outage.enter_context(harness.outage(tracker))
            check(tracker.active_run is None, did="asked for the active run after its end had failed", came=tracker.active_run)
            run = tracker.start_run()
            with contextlib.ExitStack() as outage, raises(ValueError, did="left a block by ValueError while the backend was away"), run:
                outage.enter_context(harness.outage(tracker))  # which ends after the run
                _fail()
            with tracker.start_run() as later:
                later.log_metric("m", 1, step=0)
            check(stored(later, "m") == [(0, 1.0)], did="logged to a run after the end of others had failed", came=stored(later, "m"))
            check(reread(later).status is RunStatus.FINISHED, did="read its status", came=reread(later).status)

    @rule("ET-15", severity=2, kind="fault", wire=True)
    def test_an_outage_is_said_in_time(self, harness: ExperimentTrackerHarness) -> None:
        """While the backend is away, logging ends in time with an error that says so, and how many points were lost; afterwards it works."""
        with harness.make(**harness.impatient) as tracker:
            run, count = tracker.start_run(), _CALLS * min(tracker.points_per_call, 1000)
            run.log_metric("m", 0.5, step=0)
            run.flush()
            for what, call in (
                ("points", partial(_log_and_flush, run, count)),
                ("a parameter", partial(run.log_param, "p", 1)),
                ("parameters", partial(run.log_params, _more_than_a_call(tracker))),
                ("a tag", partial(run.set_tag, "t", "1")),
            ):
                did = f"logged {what} while the backend was away"
                with harness.outage(tracker), raises(_AWAY, did=did, mend="say it within the time that the config gives") as caught:
                    within(min(harness.patience, 3 * tracker.patience + _SLACK), call, did=did)
                if what == "points" and Capability.ASYNC in tracker.capabilities:
                    said = _details(caught.error)
                    kept = len(stored(run, "m")) - 1
                    check(said == count - kept, did=f"{did}; {kept} of {count} were kept", came=f"{said} were said to be lost")
            run.log_metric("after", 1, step=0)
            check(stored(run, "after") == [(0, 1.0)], did="logged when the backend was back", came=stored(run, "after"))
            run.end()

    @rule("ET-41", severity=2, needs=Capability.ASYNC, kind="fault", wire=True)
    def test_an_outage_that_is_buffered_disturbs_nobody(self, harness: ExperimentTrackerHarness) -> None:
        """With `on_outage: buffer`, logging and ending runs raise nothing while the backend is away; it is all stored afterwards, or said to be lost."""
        with harness.make(**harness.impatient) as tracker:
            tracker.start_run(buffered=True).end()
            buffering = isinstance(tracker.config, BufferedTrackerConfig)
            check(buffering, did="looked at the config", came=type(tracker.config), mend="derive it from BufferedTrackerConfig")
        with harness.make(**{**harness.impatient, "on_outage": "buffer"}) as tracker:
            run, other = tracker.start_run(), tracker.start_run()
            with harness.outage(tracker), attempt(did="logged, and ended a run, while the backend was away", mend="buffer it"):
                within(harness.patience, partial(_log_everything, run), did="logged while the backend was away")
                within(harness.patience, partial(_in_its_block, other), did="entered a run and ended it while the backend was away")
            until(lambda: "t" in tracker.get_run(run.id).tags, harness.patience, did="waited for a tag that was set in an outage")
            run.set_tag("t", "last")
            within(harness.patience, run.flush, did="flushed when the backend was back")
            check_points(run, "m", points("m", range(50)), "logged in an outage", "send what waits when the backend is back")
            record = reread(run)
            wanted = {"p": 1, **_more_than_a_call(tracker)}
            check(
                dict(record.params) == wanted, did=f"logged {len(wanted)} parameters in an outage", came=f"{len(record.params)} are there"
            )
            came = record.tags.get("t")
            check(came == "last", did="set a tag in an outage, and again after it", came=came, mend="let no call overtake those that wait")
            check(reread(other).status is RunStatus.FINISHED, did="ended a run in an outage", came=reread(other).status)
            run.end()
        with harness.make(**{**harness.impatient, "on_outage": "buffer", "buffer_points": 10}) as tracker:
            run = tracker.start_run()
            with harness.outage(tracker):
                did = "logged five times what the buffer holds while the backend was away"
                with attempt(did=did):
                    within(harness.patience, partial(_log_one_by_one, run, 50), did=did)
            said = 0
            with contextlib.suppress(*_AWAY):
                try:
                    within(harness.patience, run.flush, did="flushed when the backend was back")
                except DovetailError as error:
                    said = _details(error)
                    raise
            kept = len(stored(run, "m"))
            check(
                said == 50 - kept > 0, did=f"{did}; {kept} of 50 were kept", came=f"{said} were said to be lost", mend="count what is lost"
            )
            run.end()

    @rule("ET-16", severity=1, kind="fault", wire=True)
    def test_a_lost_answer_doubles_nothing(self, harness: ExperimentTrackerHarness) -> None:
        """A call whose answer was lost is repeated without a second effect: no run, no point, is there twice."""
        with harness.make() as tracker:
            with attempt(did="started a run; the answer was lost", mend="tell the repeated call by its key"), harness.lost_answer(tracker):
                run = tracker.start_run("once", experiment="once")
            if Capability.SEARCH in tracker.capabilities:
                found = [one.id for one in tracker.iter_runs(experiments=["once"])]
                check(found == [run.id], did="started a run; the answer was lost", came=f"{len(found)} runs")
            with (
                attempt(did="logged points; the answer was lost", mend="tell the repeated call by its batch"),
                harness.lost_answer(tracker),
            ):
                run.log_points(points("m", range(5)))
                run.flush()
            check_points(run, "m", points("m", range(5)), "logged points; the answer was lost", "tell the repeated call by its batch")
            for what, call in (
                ("logged a parameter", partial(run.log_param, "p", 1)),
                ("set a tag", partial(run.set_tag, "t", "1")),
                ("ended the run", run.end),
            ):
                with attempt(did=f"{what}; the answer was lost"), harness.lost_answer(tracker):
                    call()
            record = tracker.get_run(run.id)
            facts = (record.params.get("p"), record.tags.get("t"), record.status)
            check(facts == (1, "1", RunStatus.FINISHED), did="read the run", came=facts)

    @rule("ET-31", severity=1, hooks=("kill",), kind="fault")
    def test_what_was_flushed_survives_a_kill(self, tracker: ExperimentTracker, tmp_path: Path, effort: Effort) -> None:
        """A process that is killed while it logs has lost nothing that it had flushed, and left nothing twice; others go on with the run."""
        for number in range(effort.pick(2, 5, 15)):
            run = tracker.start_run()
            said = tmp_path / f"said-{number}"
            killed = kill_after(_log_for_ever, tracker, run.id, str(said), seconds=0.01 * number, when=partial(_lines, said))
            check(killed.killed, did="killed a process that logs", came=killed)
            flushed = _lines(said)
            steps = [step for step, _ in stored(run, "m")]
            check(
                steps[:flushed] == list(range(flushed)),
                did=f"killed a process that had flushed {flushed} points",
                came=f"{len(steps)} points",
            )
            check(steps == list(range(len(steps))), did="looked at all its points", came="a gap, or a point twice")
            run.log_metric("m", 1.0, step=len(steps))
            run.end()
            came = [step for step, _ in stored(run, "m")]
            check(came == list(range(len(steps) + 1)), did="went on with the run", came=f"{len(came)} points")


def _fail() -> None:
    raise ValueError("mine")


def _log_and_flush(run: Run, count: int) -> None:
    run.log_points(points("m", range(1, count + 1)))
    run.flush()


def _log_one_by_one(run: Run, count: int) -> None:
    for point in points("m", range(count)):
        run.log_metric(*point)


def _log_everything(run: Run) -> None:
    _log_one_by_one(run, 50)
    run.log_param("p", 1)
    run.log_params(_more_than_a_call(run.tracker))
    for number in range(_TAGS):
        run.set_tag("t", str(number))


def _in_its_block(run: Run) -> None:
    with run:
        run.set_tag("t", "x")


def _more_than_a_call(tracker: ExperimentTracker) -> dict[str, int]:
    return {f"p{number}": number for number in range(2 * min(tracker.params_per_call, 100) + 1)}


def _details(error: Any) -> int:
    return int(getattr(error, "details", {}).get("lost", 0))


def _log_for_ever(tracker: ExperimentTracker, run_id: str, said: str) -> None:
    run, step = tracker.attach(run_id), 0
    with open(said, "a", buffering=1) as file:
        while True:
            for _ in range(50):
                run.log_metric("m", step, step=step)
                step += 1
            run.flush()
            file.write(f"{step}\n")


def _lines(said: Path) -> int:
    """Return how many points were said to be flushed."""
    lines = said.read_text().splitlines() if said.exists() else []
    return int(lines[-1]) if lines else 0

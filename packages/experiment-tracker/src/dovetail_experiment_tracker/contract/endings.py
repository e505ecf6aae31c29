"""How runs end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from dovetail_conformance import check, raises, rule
from dovetail_core.errors import Conflict, NotFound
from dovetail_experiment_tracker.capabilities import ExperimentTrackerCapability as Capability
from dovetail_experiment_tracker.contract.programs import program, terminated
from dovetail_experiment_tracker.contract.samples import reread, stored
from dovetail_experiment_tracker.interface import ExperimentTracker
from dovetail_experiment_tracker.records import RunStatus

_BLOCKS: list[tuple[BaseException | None, RunStatus]] = [
    (None, RunStatus.FINISHED),
    (SystemExit(), RunStatus.FINISHED),
    (SystemExit(0), RunStatus.FINISHED),
    (SystemExit(3), RunStatus.FAILED),
    (SystemExit("no data"), RunStatus.FAILED),
    (ValueError("bad"), RunStatus.FAILED),
    (MemoryError(), RunStatus.FAILED),
    (KeyboardInterrupt(), RunStatus.KILLED),
    (asyncio.CancelledError(), RunStatus.KILLED),
]
_OPEN = "run = tracker.start_run()\nprint(run.id, flush=True)\nrun.log_metric('m', 1)\n"
_BLOCK = "import time\nwith tracker.start_run() as run:\n    print(run.id, flush=True)\n    run.log_metric('m', 1)\n    "


class EndingRules:
    """Rules about how runs end."""

    @rule("ET-01", severity=1)
    def test_what_leaves_the_block_says_how_the_run_ended(self, tracker: ExperimentTracker) -> None:
        """A run whose block ends normally is finished; after an exception it is failed, after an interruption killed, and the exception goes on."""
        for error, status in _BLOCKS:
            what = type(error).__name__ if error else "nothing"
            with contextlib.suppress(BaseException):
                with tracker.start_run() as run:
                    check(tracker.get_run(run.id).status is RunStatus.RUNNING, did="read a run within its block", came="it is not running")
                    if error is not None:
                        raise error
                check(error is None, did=f"raised {what} in the block of a run", came="it was swallowed")
            record = tracker.get_run(run.id)
            check(record.status is status, did=f"left the block of a run with {error!r}", came=record.status, mend=f"end it as {status}")
            check(
                record.ended is not None and record.ended >= record.started, did="compared its times", came=(record.started, record.ended)
            )
            check(tracker.active_run is None, did="asked for the active run after the block", came=tracker.active_run)

    @rule("ET-24", severity=1, hooks=("kill",))
    def test_a_run_that_nobody_ended_ends_with_its_process(self, tracker: ExperimentTracker, tmp_path: Path) -> None:
        """A process that ends, or is terminated, leaves no running run: it is finished only if the program came to its end."""
        for what, body, wanted in (
            ("ends", "", {RunStatus.FINISHED}),
            ("raises", "raise ValueError('bad')", {RunStatus.FAILED}),
            ("exits with 1", "raise SystemExit(1)", {RunStatus.FAILED, RunStatus.KILLED}),
        ):
            run_id, _ = program(tracker, _OPEN + body, tmp_path)
            status = tracker.get_run(run_id).status
            check(status in wanted, did=f"ran a program that {what} and ends no run", came=status, mend="end it at the exit of the process")
        for what, body in (("in its block", _BLOCK + "time.sleep(600)"), ("without a block", f"{_OPEN}import time\ntime.sleep(600)")):
            run_id, code = terminated(tracker, body, tmp_path)
            status = tracker.get_run(run_id).status
            check(status is RunStatus.KILLED, did=f"sent SIGTERM to a program with a run {what}", came=status, mend="end it as killed")
            check(code == -15, did="looked at how the program ended", came=f"exit code {code}", mend="let the signal end the process")

    @rule("ET-25", severity=2, hooks=("kill",))
    def test_the_end_of_a_process_delivers_everything(self, tracker: ExperimentTracker, tmp_path: Path) -> None:
        """What was logged and not flushed is stored when the process ends, by its end or an exception."""
        for body in ("", "raise ValueError('bad')"):
            logging = "for step in range(2000): run.log_metric('n', step, step=step)\n"
            run_id, _ = program(tracker, _OPEN + logging + body, tmp_path)
            found = [point.step for point in tracker.metric_history(run_id, "n")]
            check(found == list(range(2000)), did="ran a program that logs 2000 points and ends", came=f"{len(found)} points")

    @rule("ET-03", severity=1, needs=Capability.NESTED)
    def test_the_end_of_a_child_is_not_its_parents(self, tracker: ExperimentTracker) -> None:
        """Ending a nested run ends no other, at any depth; ending a parent leaves its children as they are."""
        with tracker.start_run("top") as top:
            with tracker.start_run("middle", parent=top) as middle:
                with tracker.start_run("low", parent=middle.id) as low:
                    check(tracker.active_run is low, did="asked for the active run", came=tracker.active_run)
                states = [reread(run).status for run in (top, middle, low)]
                wanted = [RunStatus.RUNNING, RunStatus.RUNNING, RunStatus.FINISHED]
                check(states == wanted, did="ended the lowest of three nested runs", came=states)
                check(tracker.active_run is middle, did="asked for the active run after the lowest ended", came=tracker.active_run)
            middle_child = tracker.start_run("open", parent=top)
        check(reread(middle_child).status is RunStatus.RUNNING, did="ended a parent", came="its child ended, too")
        middle_child.end(RunStatus.KILLED)
        parents = [tracker.get_run(run.id).parent for run in (top, middle, low, middle_child)]
        check(parents == [None, top.id, middle.id, top.id], did="read the parents of nested runs", came=parents)
        with raises(NotFound, did="started a run below a parent that is not there"):
            tracker.start_run(parent="0" * 32)

    @rule("ET-36", severity=2)
    def test_a_run_that_ended_takes_no_more(self, tracker: ExperimentTracker) -> None:
        """A run that was ended by its own object refuses to log with `Conflict`; ending it again changes nothing."""
        run = tracker.start_run()
        run.log_metric("m", 1, step=1)
        run.end(RunStatus.FAILED)
        run.end(RunStatus.FINISHED)
        check(reread(run).status is RunStatus.FAILED, did="ended a run twice", came=reread(run).status, mend="let the first end hold")
        calls: dict[str, Callable[[], object]] = {
            "a metric": lambda: run.log_metric("m", 2),
            "a parameter": lambda: run.log_param("p", 2),
            "a tag": lambda: run.set_tag("t", "2"),
        }
        for what, call in calls.items():
            with raises(Conflict, did=f"logged {what} to a run that has ended"):
                call()
        check(stored(run, "m") == [(1, 1.0)], did="read the metric", came=stored(run, "m"))

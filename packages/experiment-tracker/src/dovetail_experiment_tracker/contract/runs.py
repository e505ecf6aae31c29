"""Creating, resuming and deleting runs; experiments."""

from __future__ import annotations

from collections.abc import Callable

from dovetail_conformance import Effort, check, raises, rule
from dovetail_conformance.instruments import workers
from dovetail_core.errors import InvalidArgument, NotFound
from dovetail_experiment_tracker.capabilities import ExperimentTrackerCapability as Capability
from dovetail_experiment_tracker.contract.samples import check_points, points, stored
from dovetail_experiment_tracker.interface import ExperimentTracker
from dovetail_experiment_tracker.records import RunStatus


class RunRules:
    """Rules about runs as a whole."""

    @rule("ET-07", severity=1, needs=Capability.RESUME)
    def test_a_run_that_is_resumed_goes_on(self, tracker: ExperimentTracker) -> None:
        """A resumed run is running again under its id, has all that it had, and its counted steps go on after the highest."""
        with tracker.start_run("first", experiment="resumed", tags={"t": "1"}, params={"p": 1}) as run:
            for value in (1, 2, 3):
                run.log_metric("m", value)
            run.log_metric("high", 1, step=41)
        with tracker.start_run(resume=run.id, tags={"u": "2"}) as again:
            record = tracker.get_run(run.id)
            came = (again.id, again.name, again.experiment, record.status, record.ended)
            wanted = (run.id, "first", "resumed", RunStatus.RUNNING, None)
            check(came == wanted, did="resumed a run that had ended", came=came)
            again.log_metric("m", 4)
            again.log_metric("high", 2)
            again.log_metric("late", 5, step=0)
            again.log_param("q", 2)
        steps = stored(again, "m")
        check(steps == [(0, 1.0), (1, 2.0), (2, 3.0), (3, 4.0)], did="logged a point more to a run that was resumed", came=steps)
        check(stored(again, "high") == [(41, 1.0), (42, 2.0)], did="logged after step 41", came=stored(again, "high"))
        record = tracker.get_run(run.id)
        facts = (dict(record.params), {key: record.tags.get(key) for key in "tu"}, record.status)
        check(facts == ({"p": 1, "q": 2}, {"t": "1", "u": "2"}, RunStatus.FINISHED), did="read the run after its second end", came=facts)
        with raises(InvalidArgument, did="resumed a run in another experiment"):
            tracker.start_run(resume=run.id, experiment="other")
        with raises(NotFound, did="resumed a run that is not there"):
            tracker.start_run(resume="0" * 32)

    @rule("ET-19", severity=2, kind="race")
    def test_of_many_that_name_an_experiment_there_is_one(self, tracker: ExperimentTracker, effort: Effort) -> None:
        """Many that start the first run of an experiment at once all succeed, and it is one experiment."""
        count = effort.pick(8, 32, 64)
        results = workers(lambda number: tracker.start_run(f"r{number}", experiment="wanted"), [(number,) for number in range(count)])
        failed = [result for result in results if isinstance(result, BaseException)]
        check(not failed, did=f"started {count} runs of a new experiment at once", came=failed[:2])
        for run in results:
            run.end()
        check(len({run.id for run in results}) == count, did="looked at their ids", came="two runs have one id")
        if Capability.SEARCH in tracker.capabilities:
            named = [name for name in tracker.experiments() if name == "wanted"]
            found = list(tracker.iter_runs(experiments=["wanted"]))
            check((len(named), len(found)) == (1, count), did="listed the experiment and its runs", came=(named, len(found)))

    @rule("ET-20", severity=2)
    def test_what_was_deleted_is_not_there(self, tracker: ExperimentTracker) -> None:
        """A deleted run, and a run of a deleted experiment, is `NotFound` for every call; the experiment's name is free for a new, empty one."""
        for what in ("run", "experiment"):
            run = tracker.start_run("doomed", experiment="doomed")
            run.log_metric("m", 1)
            run.flush()
            kept = tracker.start_run("kept", experiment="kept")
            tracker.delete_run(run.id) if what == "run" else tracker.delete_experiment("doomed")
            for name, call in _calls(tracker, run.id):
                with raises(NotFound, did=f"called {name} after the {what} was deleted", mend="raise NotFound, and record nothing"):
                    call()
            check(tracker.get_run(kept.id).id == kept.id, did="read a run of another experiment", came="another run")
            kept.end()
            fresh = tracker.start_run("new", experiment="doomed")
            fresh.end()
            check(fresh.id != run.id and stored(fresh, "m") == [], did="used the experiment's name again", came="what was deleted is there")
            if Capability.SEARCH in tracker.capabilities:
                found = [one.name for one in tracker.iter_runs(experiments=["doomed"])]
                check(found == ["new"], did="listed the runs of the experiment", came=found)
            tracker.delete_run(fresh.id)
        with raises(NotFound, did="deleted an experiment that is not there"):
            tracker.delete_experiment("never there")

    @rule("ET-37", severity=2)
    def test_a_run_is_read_as_it_was_started(self, tracker: ExperimentTracker) -> None:
        """A run is read with the name, experiment, tags and parameters that it was started with; without a name it is given one."""
        tags = {"pipeline": "digits", "step": "train é"}
        run = tracker.start_run("näme 1", experiment="ex/peri ment", tags=tags, params={"lr": 0.1})
        record = tracker.get_run(run.id)
        facts = (record.id, record.name, record.experiment, record.status, dict(record.params), record.parent, record.ended)
        check(facts == (run.id, "näme 1", "ex/peri ment", RunStatus.RUNNING, {"lr": 0.1}, None, None), did="read a run", came=facts)
        check(tags.items() <= record.tags.items(), did="read its tags", came=dict(record.tags))
        others = [tracker.start_run(), tracker.start_run("näme 1")]
        check(all(one.name for one in others), did="started a run without a name", came=[one.name for one in others])
        check(len({run.id, *(one.id for one in others)}) == 3, did="started several runs", came="two have one id")
        for one in (run, *others):
            one.end()

    @rule("ET-30", severity=1, kind="race")
    def test_many_writers_of_a_run_lose_nothing(self, tracker: ExperimentTracker, harness: object, effort: Effort) -> None:
        """Threads, and processes, that log to one run at once: every point is there, in order, none twice."""
        each = effort.pick(200, 1000, 5000)
        with tracker.start_run() as run:
            results = workers(lambda number: _log(tracker, run.id, number, each), [(number,) for number in range(4)])
            if getattr(harness, "processes", False):
                results += workers(_log, [(tracker, run.id, number, each) for number in (4, 5)], kind="spawn")
            failed = [result for result in results if isinstance(result, BaseException)]
            check(not failed, did="logged to one run from several threads and processes", came=failed[:2])
            for number in range(len(results)):
                check_points(run, f"own-{number}", points("m", range(each)), "logged to one run from several threads and processes")
            shared = stored(run, "shared")
            wanted = sorted((step, float(number)) for number in range(len(results)) for step in range(each))
            check(sorted(shared) == wanted, did="logged to one metric from all of them", came=f"{len(shared)} of {len(wanted)} points")
            steps = [step for step, _ in shared]
            check(steps == sorted(steps), did="read the metric that all logged to", came="its points are not in the order of steps")


def _log(tracker: ExperimentTracker, run_id: str, number: int, count: int) -> None:
    with type(tracker)(tracker.config) as mine, mine.attach(run_id) as run:
        for point in points(f"own-{number}", range(count)):
            run.log_metric(*point)
            run.log_metric("shared", number, step=point.step)
        run.flush()


def _calls(tracker: ExperimentTracker, run_id: str) -> list[tuple[str, Callable[[], object]]]:
    return [
        ("get_run", lambda: tracker.get_run(run_id)),
        ("metric_history", lambda: list(tracker.metric_history(run_id, "m"))),
        ("log_params", lambda: tracker.log_params(run_id, {"p": 1})),
        ("set_tags", lambda: tracker.set_tags(run_id, {"t": "1"})),
        ("log_metric", lambda: _log_one(tracker, run_id)),
        ("attach", lambda: tracker.attach(run_id)),
        ("delete_run", lambda: tracker.delete_run(run_id)),
    ]


def _log_one(tracker: ExperimentTracker, run_id: str) -> None:
    tracker.send_points(run_id, points("m", [1]), Capability.ASYNC in tracker.capabilities)
    tracker.flush(run_id)

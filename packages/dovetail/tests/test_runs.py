"""Pipelines run on the default stack, and what they did is found again."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
from project_directory import ProjectDirectory

from dovetail import RunFailed, RunHistory, get_run, pipeline, step, step_context
from dovetail_core import Conflict, DovetailError, NotFound, NotReady
from dovetail_metadata_store.records import State


def states(run: Any) -> dict[str, str]:
    return {name: step.state.value for name, step in run.steps.items()}


@step
def one() -> int:
    return 1


@step
def add(x: int, y: int = 1) -> Annotated[int, "sum"]:
    return x + y


@step
def both(x: int) -> tuple[Annotated[int, "half"], Annotated[str, "text"]]:
    return x // 2, str(x)


@step
def total(numbers: list[int]) -> int:
    return sum(numbers)


def test_values_flow_from_step_to_step_and_are_loaded_again(project: ProjectDirectory) -> None:
    @pipeline
    def flow(start: int = 9) -> None:
        halves = both(add(one(), start))
        total([add(halves.half), halves.half])

    run = flow(start=9)
    assert run.state is State.SUCCEEDED
    assert run.steps["both"].outputs["text"].load() == "10"
    assert run.steps["total"].outputs["output"].load() == 11
    again = get_run(run.name)
    assert again.id == run.id
    assert get_run(run.id[:12]).steps["add"].outputs["sum"].load() == 10


def test_a_run_is_found_by_another_process(project: ProjectDirectory) -> None:
    @pipeline
    def flow() -> None:
        add(one(), 41)

    run = flow.with_options(run_name="the-answer")()
    code = "from dovetail import get_run; print(get_run('the-answer').steps['add'].outputs['sum'].load())"
    assert project.run(code).strip() == "42"
    assert run.name == "the-answer"


def test_the_second_run_is_cached_and_a_run_without_cache_is_not(project: ProjectDirectory) -> None:
    @pipeline
    def flow() -> None:
        add(one())

    assert set(states(flow()).values()) == {"succeeded"}
    assert set(states(flow()).values()) == {"cached"}
    assert set(states(flow.with_options(cache=False)()).values()) == {"succeeded"}


def test_fan_out_executes_at_the_same_time_and_fan_in_keeps_the_order(project: ProjectDirectory) -> None:
    meeting = threading.Barrier(2, timeout=20)

    @step(cache=False)
    def meet(number: int) -> int:
        meeting.wait()
        return number

    @step
    def listed(numbers: list[int]) -> list[int]:
        return numbers

    @pipeline
    def flow() -> None:
        listed(meet.map([7, 3]))

    project.write("dovetail.yaml", "components: {orchestrator: {default: {flavor: local, max_parallel: 2}}}\n")
    assert flow().steps["listed"].outputs["output"].load() == [7, 3]


def test_a_failing_step_names_itself_and_skips_what_is_below(project: ProjectDirectory) -> None:
    @step
    def broken(x: int) -> int:
        raise RuntimeError(f"cannot take {x}")

    @pipeline
    def flow() -> None:
        add(broken(one()))

    with pytest.raises(RunFailed) as caught:
        flow.with_options(run_name="broken-run")()
    assert "step 'broken' failed: RuntimeError: cannot take 1" in str(caught.value)
    assert isinstance(caught.value.__cause__, RuntimeError)
    run = get_run("broken-run")
    assert states(run) == {"one": "succeeded", "broken": "failed", "add": "skipped"}
    assert run.state is State.FAILED
    assert "cannot take 1" in (run.steps["broken"].record.failure or pytest.fail()).traceback


def test_a_run_that_its_orchestrator_refuses_has_no_step_that_still_waits(project: ProjectDirectory) -> None:
    @pipeline
    def flow() -> None:
        add(one())

    with pytest.raises(DovetailError, match="gpu"):
        flow.with_options(run_name="too-large", steps={"add": {"resources": {"gpu": 64}}})()
    assert get_run("too-large").state is State.FAILED
    assert set(states(get_run("too-large")).values()) == {"skipped"}


def test_continue_lets_independent_steps_go_on(project: ProjectDirectory) -> None:
    @step
    def broken() -> int:
        raise RuntimeError

    @pipeline
    def flow() -> None:
        add(broken())
        add(one(), after=[])

    with pytest.raises(RunFailed):
        flow.with_options(failure_mode="continue", run_name="partly")()
    assert states(get_run("partly")) == {"broken": "failed", "add": "skipped", "one": "succeeded", "add_2": "succeeded"}


def test_resume_executes_only_what_did_not_commit(project: ProjectDirectory) -> None:
    healthy: list[bool] = []
    executed: list[str] = []

    @step(cache=False)
    def first() -> int:
        executed.append("first")
        return 5

    @step(cache=False)
    def second(x: int) -> int:
        executed.append("second")
        if not healthy:
            raise RuntimeError
        return x * 2

    @pipeline
    def flow() -> None:
        add(second(first()))

    with pytest.raises(RunFailed):
        flow.with_options(run_name="stopped")()
    healthy.append(True)
    run = flow.run(resume="stopped")
    assert executed == ["first", "second", "second"]
    assert states(run) == {"first": "cached", "second": "succeeded", "add": "succeeded"}
    assert run.record.resumed_from == get_run("stopped").id
    assert run.steps["add"].outputs["sum"].load() == 11


def test_a_resumed_run_keeps_its_options_and_executes_again_what_is_given_something_else(project: ProjectDirectory) -> None:
    healthy: list[bool] = []
    executed: list[str] = []

    @step(cache=False)
    def first(x: int, scale: int = 1) -> int:
        executed.append(f"first {x} {scale}")
        return x * scale

    @step(cache=False)
    def other(y: int) -> int:
        executed.append(f"other {y}")
        return y

    @step(cache=False)
    def second(x: int, y: int, limit: int = 1) -> int:
        if not healthy:
            raise RuntimeError
        return x + y + limit

    @pipeline
    def flow(x: int = 1, y: int = 1) -> None:
        second(first(x), other(y))

    steps = {"first": {"parameters": {"scale": 10}}, "second": {"retries": 0, "parameters": {"limit": 100}, "resources": {"memory": "1GB"}}}
    with pytest.raises(RunFailed):
        flow.with_options(run_name="stopped", failure_mode="continue", steps=steps, parameters={"x": 2, "y": 3})()
    healthy.append(True)
    again = flow.run(resume="stopped")
    assert again.steps["second"].outputs["output"].load() == 2 * 10 + 3 + 100
    assert again.record.parameters == {"x": 2, "y": 3}
    assert again.name != "stopped"
    assert sorted(executed) == ["first 2 10", "other 3"]
    changed = flow.with_options(parameters={"x": 4}).run(resume="stopped")
    assert changed.steps["second"].outputs["output"].load() == 4 * 10 + 3 + 100
    assert sorted(executed) == ["first 2 10", "first 4 10", "other 3"]


def test_a_run_of_another_pipeline_is_not_resumed(project: ProjectDirectory) -> None:
    @pipeline
    def flow() -> None:
        one()

    @pipeline
    def stranger() -> None:
        one()

    flow.with_options(run_name="of-flow")()
    with pytest.raises(Conflict, match="'of-flow' is of pipeline 'flow', not of 'stranger'"):
        stranger.run(resume="of-flow")


def test_output_is_logged_per_step_and_attempt(project: ProjectDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    tries: list[int] = []

    @step(retry={"retries": 1, "delay": 0})
    def talk() -> int:
        tries.append(1)
        print(f"attempt {len(tries)}")
        if len(tries) == 1:
            raise RuntimeError
        return 1

    @step
    def other() -> int:
        print("other")
        return 1

    @pipeline
    def flow() -> None:
        talk()
        other()

    run = flow()
    assert list(run.steps["talk"].logs(1)) == ["attempt 1"]
    assert list(run.steps["talk"].logs()) == ["attempt 2"]
    assert list(run.steps["other"].logs()) == ["other"]
    assert "attempt 2" in capsys.readouterr().out


def test_the_log_of_a_cached_step_is_that_of_the_step_that_was_executed(project: ProjectDirectory) -> None:
    @step
    def say(word: str) -> str:
        print(word)
        return word

    @step
    def shout(word: str) -> None:
        print(word.upper())

    @pipeline
    def flow(words: list[str]) -> None:
        say.map(words)
        shout.map(words)

    flow(words=["alpha", "beta"])
    run = flow(words=["beta", "alpha"])
    assert set(states(run).values()) == {"cached"}
    assert [list(step.logs()) for step in run.steps.values()] == [["beta"], ["alpha"], ["BETA"], ["ALPHA"]]


def test_the_step_context_knows_run_step_stack_and_a_directory_that_goes_away(project: ProjectDirectory) -> None:
    seen: dict[str, Any] = {}

    @step
    def look(x: int) -> int:
        context = step_context()
        seen.update(run=context.run.name, step=context.step, attempt=context.attempt, parameters=dict(context.parameters))
        seen["flavor"] = context.stack.artifact_store.flavor
        (context.temporary_directory / "file").write_text("x")
        seen["directory"] = context.temporary_directory
        context.add_metadata(rows=3, loss=float("nan"))
        return x

    @pipeline
    def flow() -> None:
        look(4)

    run = flow.with_options(run_name="looked")()
    directory: Path = seen.pop("directory")
    assert seen == {"run": "looked", "step": "look", "attempt": 1, "parameters": {"x": 4}, "flavor": "local"}
    assert not directory.exists()
    assert run.steps["look"].metadata["rows"] == 3
    with pytest.raises(NotReady):
        step_context()


def test_hooks_are_called_and_what_they_raise_changes_nothing(project: ProjectDirectory) -> None:
    called: list[str] = []

    def succeeded(context: Any) -> None:
        called.append(f"good {context.step}")
        raise ValueError

    def failed(context: Any, failure: Any) -> None:
        called.append(f"bad {context.step} {failure.kind}")

    @step(on_success=succeeded)
    def good() -> int:
        return 1

    @step(on_failure=failed)
    def bad(x: int) -> int:
        raise KeyError("x")

    @pipeline(on_failure=lambda run, failure: called.append(f"run {run.state.value} {failure.kind}"))
    def flow() -> None:
        bad(good())

    with pytest.raises(RunFailed):
        flow()
    assert called == ["good good", "bad bad KeyError", "run failed KeyError"]


def test_events_tell_how_the_run_goes(project: ProjectDirectory) -> None:
    told: list[tuple[str, str]] = []

    @pipeline
    def flow() -> None:
        add(one())

    flow.run(on_event=lambda event: told.append((getattr(event, "step", "run"), event.state)))
    assert told == [
        ("run", "running"),
        ("one", "running"),
        ("one", "succeeded"),
        ("add", "running"),
        ("add", "succeeded"),
        ("run", "succeeded"),
    ]


def test_a_deleted_run_is_gone_with_its_artifacts_and_those_of_others_stay(project: ProjectDirectory) -> None:
    @pipeline
    def flow() -> None:
        add(one())

    flow.with_options(run_name="first")()
    second = flow.with_options(run_name="second")()
    alone = flow.with_options(run_name="alone", cache=False)()
    key = alone.steps["add"].outputs["sum"].artifact.key
    assert get_run("alone").delete() == 2
    assert not alone.stack.artifact_store.exists(key)
    assert get_run("first").delete() == 0
    assert second.steps["add"].outputs["sum"].load() == 2
    with pytest.raises(NotFound):
        get_run("first")


def test_states_and_logs_of_a_deleted_run_are_gone_too(project: ProjectDirectory) -> None:
    @pipeline
    def flow() -> None:
        one()

    ids = {name: flow.with_options(run_name=name, cache=False)().id for name in ("kept", "deleted")}
    folder = project.path / ".dovetail" / "runs"
    assert {path.name for path in folder.iterdir()} == set(ids.values())
    get_run("deleted").delete()
    assert [path.name for path in folder.iterdir()] == [ids["kept"]]


inside = threading.Event()


@step(cache=False)
def lasting() -> None:
    inside.set()
    time.sleep(600)


@pipeline
def inner() -> None:
    lasting()


@step(cache=False)
def around() -> None:
    inner.with_options(run_name="inner")()


def test_to_cancel_a_run_cancels_the_run_within_its_step(project: ProjectDirectory) -> None:
    @pipeline
    def outer() -> None:
        around()

    def cancel() -> None:
        inside.wait(60)
        get_run("outer").cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(RunFailed):
        outer.with_options(run_name="outer")()
    thread.join(60)
    assert [get_run(name).state for name in ("outer", "inner")] == [State.CANCELLED, State.CANCELLED]


def test_a_failed_attempt_leaves_no_artifact_of_an_output_that_it_stored_first(project: ProjectDirectory) -> None:
    @step
    def two() -> tuple[Annotated[list[list[int]], "good"], Annotated[Any, "bad"]]:
        return [[1]], threading.Lock()

    @pipeline
    def flow() -> None:
        two()

    with pytest.raises(RunFailed, match="output 'bad'"):
        flow.with_options(run_name="half")()
    assert list(get_run("half").stack.artifact_store.list("runs")) == []


def test_with_a_run_goes_what_attempts_left_that_never_committed_and_not_what_others_use(project: ProjectDirectory) -> None:
    @step
    def mixed(x: int) -> dict[str, Any]:
        return {"small": np.zeros(3), "large": np.ones((50, 50)), "x": x}

    @pipeline
    def flow() -> None:
        mixed(one())

    first = flow.with_options(run_name="first")()
    second = flow.with_options(run_name="second")()
    store = first.stack.artifact_store
    left = [f"runs/{first.id}/0000-one.7.output.json", f"runs/{first.id}/0001-mixed.7.output/a/b", f"runs/{first.id}x/other"]
    for key in left:
        store.write_bytes(key, b"left over")
    assert first.delete() == 0
    assert [store.exists(key) for key in left] == [False, False, True]
    assert second.steps["mixed"].outputs["output"].load()["x"] == 1
    assert second.delete() == 2
    assert [info.key for info in store.list("runs")] == left[2:]


def test_lineage_leads_from_a_result_to_all_that_it_came_from(project: ProjectDirectory) -> None:
    @pipeline
    def flow() -> None:
        halves = both(add(one(), 9))
        total([halves.half])

    run = flow()
    found = run.steps["total"].outputs["output"].lineage("up")
    assert {artifact.step for artifact in found.artifacts.values()} == {"one", "add", "both", "total"}
    assert len(RunHistory().search(pipeline="flow").items) == 1


def test_a_step_without_result_can_be_waited_for(project: ProjectDirectory) -> None:
    @step
    def nothing() -> None:
        return None

    @pipeline
    def flow() -> None:
        one(after=nothing())

    assert states(flow()) == {"nothing": "succeeded", "one": "succeeded"}


def test_a_fan_in_is_a_list_unless_a_tuple_is_asked_for(project: ProjectDirectory) -> None:
    @step
    def pair(x: int) -> tuple[int, int]:
        return x, x

    @step
    def listed(pairs: list[tuple[int, int]]) -> str:
        return type(pairs).__name__

    @step
    def tupled(pairs: Annotated[tuple[tuple[int, int], ...], "all"]) -> str:
        return type(pairs).__name__

    @pipeline
    def flow() -> None:
        pairs = pair.map([1, 2])
        listed(pairs)
        tupled(pairs)

    steps = flow().steps
    assert [steps[name].outputs["output"].load() for name in ("listed", "tupled")] == ["list", "tuple"]


def test_a_tuple_of_one_named_output_is_unpacked(project: ProjectDirectory) -> None:
    @step
    def wine() -> tuple[Annotated[float, "red"]]:
        return (1.5,)

    @pipeline
    def flow() -> None:
        wine()

    assert flow().steps["wine"].outputs["red"].load() == 1.5


def test_a_value_of_another_class_than_the_annotation_is_refused_and_not_tried_again(project: ProjectDirectory) -> None:
    tries: list[int] = []

    @step(retry={"retries": 3, "delay": 0})
    def wrong() -> tuple[Annotated[str, "name"], Annotated[int, "number"]]:
        tries.append(1)
        return "x", "5"  # type: ignore[return-value]

    @pipeline
    def flow() -> None:
        wrong()

    with pytest.raises(RunFailed, match=r"step 'wrong', output 'number': annotated int, and the function returned str"):
        flow.with_options(run_name="refused")()
    assert tries == [1]
    assert [info.key for info in get_run("refused").stack.artifact_store.list("runs")] == []


def test_a_wrong_number_of_results_is_said_plainly(project: ProjectDirectory) -> None:
    @step
    def pair() -> tuple[Annotated[int, "a"], Annotated[int, "b"]]:
        return 1, 2, 3  # type: ignore[return-value]

    @pipeline
    def flow() -> None:
        pair()

    with pytest.raises(RunFailed, match=r"returned a tuple of 3, and its annotation says 2 outputs \(a, b\)"):
        flow()

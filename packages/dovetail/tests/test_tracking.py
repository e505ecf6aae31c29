"""Steps as runs of an experiment tracker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from project_directory import ProjectDirectory

from dovetail import RunFailed, get_run, pipeline, step, step_context
from dovetail_core import ConfigError, NotFound
from dovetail_experiment_tracker import LocalExperimentTracker, RunRecord, active_run

Tracked = Callable[..., LocalExperimentTracker]


@pytest.fixture
def tracked(project: ProjectDirectory) -> Tracked:
    """Return a function that puts a tracker into the project's stack, and gives one on the same directory."""

    def put(**settings: Any) -> LocalExperimentTracker:
        lines = ["components:", "  experiment_tracker:", "    lab:", "      flavor: local", "      path: lab"]
        lines += [f"      {key}: {value!r}" for key, value in settings.items()]
        lines += ["stacks:", "  tracked:", "    orchestrator: default", "    artifact_store: default", "    metadata_store: default"]
        lines += ["    experiment_tracker: lab", "active: tracked"]
        project.write("dovetail.yaml", "\n".join(lines) + "\n")
        return LocalExperimentTracker(path=project.path / "lab")

    return put


def runs(tracker: LocalExperimentTracker, experiment: str = "flow") -> dict[str, RunRecord]:
    return {run.name: run for run in tracker.iter_runs(experiments=[experiment])}


@step(cache=False)
def train(rate: float, fails: int = 0) -> float:
    run = step_context().experiment_run
    for number in range(3):
        run.log_metric("loss", rate / (number + 1))
    if step_context().attempt <= fails:
        raise ValueError("it diverged")
    return rate


@step(cache=False)
def silent() -> int:
    return 1


def test_a_step_is_a_run_with_pipeline_run_and_step_as_tags(tracked: Tracked) -> None:
    tracker = tracked()

    @pipeline
    def flow() -> None:
        train(0.5, after=silent())

    run = flow.with_options(run_name="nightly")()
    ((name, found),) = runs(tracker).items()
    assert name == "nightly/train"
    assert found.status == "finished"
    assert found.params == {"rate": 0.5, "fails": 0}
    assert found.tags == {
        "dovetail.pipeline": "flow",
        "dovetail.run": "nightly",
        "dovetail.run_id": run.id,
        "dovetail.step": "train",
        "dovetail.attempt": "1",
    }
    assert [point.value for point in tracker.metric_history(found.id, "loss")] == [0.5, 0.25, 0.5 / 3]
    entry = get_run("nightly").steps["train"].metadata["experiment_run"]
    assert (entry["tracker"], entry["id"]) == ("lab", found.id)


def test_a_retry_is_told_apart_and_a_failed_step_ends_its_run_as_failed(tracked: Tracked) -> None:
    tracker = tracked()

    @pipeline
    def flow() -> None:
        train.with_options(retries=1)(0.5, fails=1)
        train.with_options(name="hopeless")(0.5, fails=9)

    with pytest.raises(RunFailed):
        flow.with_options(run_name="nightly", failure_mode="continue")()
    found = {name: (run.status.value, run.tags["dovetail.attempt"]) for name, run in runs(tracker).items()}
    assert found == {
        "nightly/train": ("failed", "1"),
        "nightly/train (attempt 2)": ("finished", "2"),
        "nightly/hopeless": ("failed", "1"),
    }


def test_the_active_run_is_per_task(tracked: Tracked, project: ProjectDirectory) -> None:
    tracker = tracked()

    @step(cache=False, experiment_tracker=True)
    def candidate(number: int) -> str:
        run = active_run()
        assert run is not None
        run.log_metric("number", number)
        return run.id

    @pipeline
    def flow() -> None:
        candidate.map(list(range(6)))

    flow.with_options(run_name="wide")()
    found = runs(tracker)
    assert len(found) == 6
    for number in range(6):
        assert found[f"wide/candidate[{number}]"].metrics == {"number": number}
    assert active_run() is None


def test_files_of_a_step_are_in_the_stacks_artifact_store(tracked: Tracked, project: ProjectDirectory, tmp_path: Path) -> None:
    tracked()

    @step(cache=False)
    def draw() -> str:
        file = step_context().temporary_directory / "plot.txt"
        file.write_text("picture")
        step_context().experiment_run.log_artifact(file)
        return step_context().experiment_run.id

    @pipeline
    def flow() -> None:
        draw()

    run = flow()
    stored = [info.key for info in run.stack.artifact_store.list("experiments")]
    assert len(stored) == 1 and stored[0].endswith("/plot.txt")


def test_a_killed_step_does_not_leave_its_run_running(tracked: Tracked, project: ProjectDirectory) -> None:
    tracker = tracked()
    project.write(
        "flows.py",
        """
        import os, signal
        from dovetail import pipeline, step, step_context

        @step(isolated=True)
        def doomed() -> int:
            step_context().experiment_run.log_metric("alive", 1)
            os.kill(os.getpid(), signal.SIGKILL)
            return 1

        @pipeline
        def flow() -> None:
            doomed()
        """,
    )
    project.run("from flows import flow; flow.with_options(run_name='killed')()", expected=1)
    assert runs(tracker)["killed/doomed"].status == "failed"


def test_inherited_environment_redirects_nothing(tracked: Tracked, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = tracked()
    for name in ("MLFLOW_RUN_ID", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "WANDB_RUN_ID"):
        monkeypatch.setenv(name, "elsewhere")

    @pipeline
    def flow() -> None:
        train(0.5)

    flow.with_options(run_name="here")()
    assert set(runs(tracker)) == {"here/train"}


def test_an_experiment_that_the_config_names_is_kept(tracked: Tracked) -> None:
    tracker = tracked(experiment="papers")

    @pipeline
    def flow() -> None:
        train(0.5)

    flow()
    assert len(runs(tracker, "papers")) == 1


def test_a_tracker_that_the_stack_does_not_have_is_refused_before_anything_runs(tracked: Tracked, project: ProjectDirectory) -> None:
    @pipeline
    def flow() -> None:
        silent.with_options(experiment_tracker=True)()

    with pytest.raises(ConfigError, match=r"step 'silent'.*has none"):
        flow()
    tracked()

    @pipeline
    def other() -> None:
        silent.with_options(experiment_tracker="lap")()

    with pytest.raises(ConfigError, match="did you mean 'lab'"):
        other()


def test_a_step_that_is_not_to_be_tracked_is_not(tracked: Tracked) -> None:
    tracker = tracked()

    @pipeline
    def flow() -> None:
        train.with_options(experiment_tracker=False)(0.5)

    with pytest.raises(RunFailed) as raised:
        flow()
    assert isinstance(raised.value.__cause__, NotFound)
    assert not runs(tracker)

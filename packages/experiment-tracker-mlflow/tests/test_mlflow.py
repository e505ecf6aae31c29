"""The MLflow flavor on a database file: what its contract's rules do not ask."""

from __future__ import annotations

import math
import os
import sqlite3
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dovetail_core import ConfigError, Conflict, InvalidArgument, NotFound, Unavailable, Unsupported
from dovetail_experiment_tracker import RunStatus
from dovetail_experiment_tracker.contract.stores import FolderStore
from dovetail_experiment_tracker_mlflow import MlflowConfig, MlflowExperimentTracker
from dovetail_experiment_tracker_mlflow.activation import _Active
from dovetail_experiment_tracker_mlflow.errors import of_code
from dovetail_experiment_tracker_mlflow.search import _runs


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlflow") / "mlflow.db"


@pytest.fixture
def tracker(file: Path) -> Iterator[MlflowExperimentTracker]:
    with MlflowExperimentTracker(tracking_uri=str(file), experiment=f"experiment {uuid.uuid4().hex}") as made:
        yield made


def globals_of_mlflow() -> dict[str, Any]:
    """Return what MLflow keeps for the process, and for this thread."""
    import mlflow
    from mlflow.tracking import fluent
    from mlflow.tracking._tracking_service import utils
    from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS

    return {
        "tracking uri": utils._tracking_uri,
        "experiment": fluent._active_experiment_id,
        "run": mlflow.active_run(),
        "environment": {name: value for name, value in os.environ.items() if name.startswith("MLFLOW")},
        "autologging": {name: dict(config) for name, config in AUTOLOGGING_INTEGRATIONS.items() if config},
    }


def values(tracker: MlflowExperimentTracker, run_id: str, key: str) -> list[float]:
    return [point.value for point in tracker.metric_history(run_id, key)]


# Importing, and settings


def test_importing_the_flavor_and_making_a_tracker_imports_no_mlflow() -> None:
    code = (
        "import sys; from dovetail_experiment_tracker_mlflow import MlflowExperimentTracker as T; T(tracking_uri='http://127.0.0.1:9'); "
        "print({'mlflow', 'sqlalchemy', 'requests', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tracking_uri": "http://user:secret@127.0.0.1:5000"}, "credentials have settings of their own"),
        ({"tracking_uri": "postgresql://localhost/mlflow"}, "behind a tracking server"),
        ({"tracking_uri": "http://127.0.0.1:5000", "username": "anna"}, "go together"),
        ({"tracking_uri": "http://127.0.0.1:5000", "username": "anna", "password": "x", "token": "y"}, "exclude"),
        ({"tracking_uri": "runs.db", "token": "y"}, "takes no credentials"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        MlflowExperimentTracker(**settings)


def test_a_relative_file_is_absolute_in_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert MlflowConfig(tracking_uri="runs/mlflow.db").file == tmp_path / "runs" / "mlflow.db"


@pytest.mark.parametrize("spoil", ["a damaged file", "a parent that is a file", "a parent that cannot be made", "an unknown schema"])
def test_a_file_that_cannot_be_opened_is_a_matter_of_the_settings(tmp_path: Path, spoil: str) -> None:
    (tmp_path / "file").write_text("no database" * 100)
    with closing(sqlite3.connect(tmp_path / "old.db")) as database, database:
        database.executescript("CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('unknown')")
    places = {
        "a damaged file": tmp_path / "file",
        "a parent that is a file": tmp_path / "file" / "x.db",
        "an unknown schema": tmp_path / "old.db",
    }
    tracker = MlflowExperimentTracker(tracking_uri=str(places.get(spoil, Path("/proc/nowhere/x.db"))))
    with pytest.raises(ConfigError, match="cannot be opened") as wrong:
        tracker.check()
    assert "`tracking_uri`" in wrong.value.remedy


def test_a_file_that_is_locked_is_away(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "new.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable, match="locked"):
            MlflowExperimentTracker(tracking_uri=str(tmp_path / "new.db"), outage_seconds=0.1).check()


def test_only_what_passes_is_tried_again() -> None:
    codes = ("TEMPORARILY_UNAVAILABLE", "DEADLINE_EXCEEDED", "REQUEST_LIMIT_EXCEEDED", "INTERNAL_ERROR", "NOT_IMPLEMENTED", "A_NEW_ONE")
    assert [code for code in codes if of_code(code, "a call").retryable] == list(codes[:3])
    assert of_code("INTERNAL_ERROR", "a call", "(sqlite3.OperationalError) database is locked").retryable


# MLflow's own client, and what it keeps for the process


def test_mlflow_s_own_calls_land_in_the_run_that_is_active(tracker: MlflowExperimentTracker) -> None:
    import mlflow

    with tracker.start_run() as run:
        mlflow.log_metric("direct", 1.5)
        mlflow.log_param("p", "x")
        mlflow.set_tag("t", "y")
        with mlflow.start_run(run_name="inner", nested=True):
            mlflow.log_metric("direct", 2.5)
        mlflow.log_metric("direct", 3.5, step=1)
    assert values(tracker, run.id, "direct") == [1.5, 3.5]
    record = tracker.get_run(run.id)
    assert (record.params, record.tags, record.status) == ({"p": "x"}, {"t": "y"}, RunStatus.FINISHED)
    inner = next(tracker.iter_runs('name = "inner"'))
    assert (inner.parent, inner.experiment, inner.metrics) == (run.id, run.experiment, {"direct": 2.5})


def test_two_threads_log_to_two_runs_by_mlflow_s_own_calls(tracker: MlflowExperimentTracker) -> None:
    import mlflow

    both, ids = threading.Barrier(2, timeout=60), {}

    def work(name: str) -> None:
        with tracker.start_run(name) as run:
            ids[name] = run.id
            both.wait()
            for step in range(20):
                mlflow.log_metric(name, step, step=step)
            both.wait()

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, run_id in ids.items():
        assert dict(tracker.get_run(run_id).metrics) == {name: 19.0}
        assert values(tracker, run_id, name) == [float(step) for step in range(20)]


@pytest.mark.parametrize("error", [None, ValueError("mine"), KeyboardInterrupt()])
def test_a_run_leaves_nothing_of_its_own_in_mlflow(
    tracker: MlflowExperimentTracker, monkeypatch: pytest.MonkeyPatch, error: BaseException | None
) -> None:
    import mlflow

    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    before = globals_of_mlflow()
    try:
        with tracker.start_run(autolog=True), tracker.start_run():
            assert globals_of_mlflow() != before
            mlflow.start_run(nested=True)  # and nobody ends it
            if error is not None:
                raise error
    except (ValueError, KeyboardInterrupt) as caught:
        assert caught is error
    assert globals_of_mlflow() == before


def test_what_the_user_set_in_mlflow_is_there_again(tracker: MlflowExperimentTracker, tmp_path: Path) -> None:
    import mlflow
    from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS

    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mine.db")
    mlflow.sklearn.autolog(max_tuning_runs=3, silent=True)
    try:
        before = globals_of_mlflow()
        with tracker.start_run(autolog=True):
            mlflow.log_metric("m", 1)
        assert globals_of_mlflow() == before
    finally:
        mlflow.sklearn.autolog(disable=True, silent=True)
        AUTOLOGGING_INTEGRATIONS["sklearn"] = {}  # else it counts as switched off by hand
        mlflow.set_tracking_uri(None)
    assert not (tmp_path / "mine.db").exists()


def test_a_run_of_a_second_tracker_is_said_not_to_be_mlflow_s(
    tracker: MlflowExperimentTracker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import mlflow

    with MlflowExperimentTracker(tracking_uri=str(tmp_path / "other.db")) as other, tracker.start_run() as run, other.start_run() as inner:
        mlflow.log_metric("m", 1)
        inner.log_metric("n", 2, step=0)
    assert "another MLflow tracker is active" in caplog.text
    assert values(tracker, run.id, "m") == [1.0]
    assert dict(other.get_run(inner.id).metrics) == {"n": 2.0}


def test_leaving_an_entry_leaves_those_of_other_tasks() -> None:
    stack: list[object] = [object(), object(), object(), object()]
    _, mine, begun_inside, other = stack
    here, there = _Active(mine), _Active(other)
    here.leave(stack)
    assert begun_inside not in stack and stack[-1] is other
    there.leave(stack)
    there.leave(stack)
    assert len(stack) == 1


# What is recorded


def test_a_run_with_a_parent_is_nested_in_mlflow_too(tracker: MlflowExperimentTracker) -> None:
    with tracker.start_run("parent") as parent, tracker.start_run("child", parent=parent) as child:
        pass
    assert tracker.get_run(child.id).parent == parent.id
    assert tracker._run(child.id).data.tags["mlflow.parentRunId"] == parent.id
    assert [run.name for run in tracker.iter_runs(f"parent = '{parent.id}'")] == ["child"]


def test_a_resumed_run_goes_on(tracker: MlflowExperimentTracker) -> None:
    with tracker.start_run() as run:
        run.log_metric("m", 1)
    with tracker.start_run(resume=run) as again:
        assert tracker.get_run(run.id).status is RunStatus.RUNNING
        again.log_metric("m", 2)
    assert [(point.step, point.value) for point in tracker.metric_history(run.id, "m")] == [(0, 1.0), (1, 2.0)]


def test_floats_that_are_no_finite_numbers_come_back(tracker: MlflowExperimentTracker) -> None:
    logged = [math.inf, -math.inf, math.nan, 1e308, 5e-324]
    with tracker.start_run() as run:
        for step, value in enumerate(logged):
            run.log_metric("m", value, step=step)
    assert str(values(tracker, run.id, "m")) == str(logged)


def test_points_that_are_equal_are_each_kept(tracker: MlflowExperimentTracker) -> None:
    with tracker.start_run() as run:
        for _ in range(3):
            run.log_metric("m", 1.0, step=0, time=run.record.started)
    assert values(tracker, run.id, "m") == [1.0] * 3


def test_values_that_mlflow_would_cut_are_refused(tracker: MlflowExperimentTracker) -> None:
    with tracker.start_run() as run:
        for call in (lambda: run.log_param("p", "x" * 6001), lambda: run.set_tag("t", "x" * 8001), lambda: run.log_metric("a//b", 1)):
            with pytest.raises(InvalidArgument):
                call()
        run.log_param("p", "x" * 5990)
        run.set_tag("t", "x" * 5000)
    record = tracker.get_run(run.id)
    assert (len(str(record.params["p"])), len(record.tags["t"])) == (5990, 5000)


def test_a_parameter_with_another_value_is_a_conflict_and_nothing_is_recorded(tracker: MlflowExperimentTracker) -> None:
    with tracker.start_run(params={"lr": 0.1}) as run:
        run.log_param("lr", 0.1)
        with pytest.raises(Conflict, match="'lr'"):
            run.log_params({"new": 1, "lr": 0.2})
    assert dict(tracker.get_run(run.id).params) == {"lr": 0.1}


def test_runs_are_found_by_what_they_hold(tracker: MlflowExperimentTracker) -> None:
    for number in range(4):
        with tracker.start_run(f"run {number}", params={"lr": number / 10}, tags={"kind": "even" if number % 2 == 0 else "odd"}) as run:
            run.log_metric("loss", -number, step=0)
    mine = {"experiments": [run.experiment]}
    assert [found.name for found in tracker.iter_runs("metrics.loss < -0.5", order_by="metrics.loss", **mine)] == [
        "run 3",
        "run 2",
        "run 1",
    ]
    assert {found.name for found in tracker.iter_runs('tags.kind = "even" and params.lr >= 0.1', **mine)} == {"run 2"}
    page = tracker.search_runs(limit=3, **mine)
    assert [found.name for found in (*page.items, *tracker.search_runs(limit=3, token=page.token, **mine).items)] == [
        f"run {number}" for number in (3, 2, 1, 0)
    ]


@pytest.mark.parametrize("bound", ["1e20", "1.5e+300", "-1e-7"])
def test_a_number_of_any_size_is_compared(tracker: MlflowExperimentTracker, bound: str) -> None:
    with tracker.start_run() as run:
        run.log_metric("m", float(bound) / 2, step=0)
    operator = "<" if float(bound) > 0 else ">"
    assert [found.id for found in tracker.iter_runs(f"metrics.m {operator} {bound}", experiments=[run.experiment])] == [run.id]


@pytest.mark.parametrize("what", ["starts", "is deleted"])
def test_a_run_that_starts_or_is_deleted_meanwhile_shifts_no_page(
    tracker: MlflowExperimentTracker, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    runs = [tracker.start_run(f"run {number}") for number in range(9)]
    for number, run in enumerate(runs):
        run.end()
        moment = [1000, 1000, 2000, 2000, 2000, 2000, 2000, 3000, 4000][number]
        with closing(sqlite3.connect(tracker.config.file)) as database, database:
            database.execute("UPDATE runs SET start_time = ? WHERE run_uuid = ?", (moment, run.id))
    monkeypatch.setattr("dovetail_experiment_tracker_mlflow.search._PAGE", 2)
    found: list[str] = []
    names = tracker._experiments_known.active()
    for record in _runs(tracker._client, {number: name for number, name in names.items() if name == runs[0].experiment}, ""):
        found.append(record.name)
        if len(found) == 1 and what == "is deleted":
            tracker.delete_run(runs[8].id)
        if len(found) == 1 and what == "starts":
            tracker.start_run("newer").end()
    assert found[:2] == ["run 8", "run 7"]
    assert sorted(found) == [f"run {number}" for number in range(9)]


def test_a_deleted_experiment_s_name_is_free(tracker: MlflowExperimentTracker) -> None:
    with tracker.start_run("old") as run:
        run.log_metric("m", 1)
    tracker.delete_experiment(run.experiment)
    with pytest.raises(NotFound):
        tracker.delete_experiment(run.experiment)
    with pytest.raises(NotFound):
        tracker.get_run(run.id)
    assert run.experiment not in tracker.experiments()
    with tracker.start_run("new") as later:
        pass
    assert [found.name for found in tracker.iter_runs(experiments=[later.experiment])] == ["new"]


def test_an_experiment_that_somebody_else_deleted_is_made_again(tracker: MlflowExperimentTracker) -> None:
    with tracker.start_run("old") as old:
        pass
    with MlflowExperimentTracker(tracker.config) as other:
        other.delete_experiment(old.experiment)
    with tracker.start_run("new") as run:
        run.log_metric("m", 1)
    assert [found.name for found in tracker.iter_runs(experiments=[run.experiment])] == ["new"]


def test_an_experiment_that_is_in_mlflow_s_bin_is_told(tracker: MlflowExperimentTracker) -> None:
    from mlflow import MlflowClient

    with tracker.start_run() as run:
        pass
    MlflowClient(tracker.config.tracking_uri).delete_experiment(tracker._run(run.id).info.experiment_id)
    for _ in range(2):
        with pytest.raises(InvalidArgument, match="deleted experiment"):
            tracker.start_run()


def test_files_are_kept_beside_the_database_and_nothing_in_the_working_directory(
    tracker: MlflowExperimentTracker, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here"
    (folder / "sub").mkdir(parents=True)
    (folder / "empty").write_bytes(b"")
    (folder / "sub" / "a b.txt").write_text("text")
    monkeypatch.chdir(tmp_path)
    with tracker.start_run() as run:
        run.log_artifact(folder, "files")
    assert [(info.path, info.size) for info in tracker.list_artifacts(run.id)] == [("files/empty", 0), ("files/sub/a b.txt", 4)]
    back = tracker.download_artifact(run.id, "files", tmp_path / "back")
    assert (back / "sub" / "a b.txt").read_text() == "text"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back", "here"]
    assert sorted(path.name for path in file.parent.iterdir() if not path.name.startswith("mlflow.db-")) == [
        "mlflow-artifacts",
        "mlflow.db",
    ]


def test_files_go_where_one_of_mlflow_s_repositories_puts_them(file: Path, tmp_path: Path) -> None:
    from mlflow.store.artifact.artifact_repository_registry import _artifact_repository_registry
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

    place = tmp_path / "place"
    _artifact_repository_registry.register("elsewhere", lambda uri, *_, **__: LocalArtifactRepository(uri.replace("elsewhere:", "file:")))
    (tmp_path / "x.txt").write_text("text")
    settings = {"tracking_uri": str(file), "experiment": f"elsewhere {place}", "artifact_location": f"elsewhere://{place}"}
    with MlflowExperimentTracker(**settings) as tracker, tracker.start_run() as run:
        run.log_artifact(tmp_path / "x.txt", "sub/y.txt")
        assert [info.path for info in tracker.list_artifacts(run.id)] == ["sub/y.txt"]
        assert tracker.download_artifact(run.id, "sub/y.txt", tmp_path / "back").read_text() == "text"
        with pytest.raises(NotFound):
            tracker.download_artifact(run.id, "sub/z.txt", tmp_path / "none")
    assert [path.read_text() for path in place.rglob("y.txt")] == ["text"]


def test_an_artifact_store_is_refused(tracker: MlflowExperimentTracker, tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="artifact_store"):
        tracker.use_artifact_store(FolderStore(tmp_path))


def test_a_file_has_no_address(tracker: MlflowExperimentTracker) -> None:
    with tracker.start_run() as run:
        assert run.url is None


# Models


def fitted() -> tuple[Any, Any]:
    import numpy as np
    from sklearn.linear_model import LinearRegression

    x = np.arange(12.0).reshape(6, 2)
    return LinearRegression().fit(x, x.sum(axis=1)), x


def test_a_model_is_logged_with_its_signature_and_registered(tracker: MlflowExperimentTracker) -> None:
    import mlflow
    from mlflow import MlflowClient

    model, x = fitted()
    before = globals_of_mlflow()
    with tracker.start_run() as run:
        pass
    uri = tracker.log_model(run.id, model, "model", input_example=x, registered_model_name="adder", pip_requirements=["scikit-learn"])
    assert globals_of_mlflow() == before
    versions = MlflowClient(tracker.config.tracking_uri).search_model_versions("name = 'adder'")
    assert [(str(version.version), version.run_id) for version in versions] == [("1", run.id)]
    mlflow.set_tracking_uri(tracker.config.tracking_uri)
    try:
        loaded = mlflow.pyfunc.load_model(uri)
    finally:
        mlflow.set_tracking_uri(None)
    assert loaded.metadata.signature.inputs.inputs[0].shape == (-1, 2)
    assert loaded.predict(x[:1]).tolist() == pytest.approx([1.0])


def test_a_model_of_an_unknown_library_is_refused(tracker: MlflowExperimentTracker) -> None:
    with tracker.start_run() as run, pytest.raises(InvalidArgument, match="no flavor"):
        tracker.log_model(run.id, object(), "model")


def test_libraries_are_logged_automatically_on_request_only(tracker: MlflowExperimentTracker) -> None:
    with tracker.start_run() as silent:
        fitted()
    with tracker.start_run(autolog=True) as run:
        fitted()
    fitted()
    assert dict(tracker.get_run(silent.id).params) == {}
    assert tracker.get_run(run.id).params["fit_intercept"] == "True"
    assert len(list(tracker.iter_runs(experiments=[run.experiment]))) == 2

"""Steps that call MLflow themselves, on a stack that tracks with MLflow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from dovetail_experiment_tracker import RunStatus
from dovetail_experiment_tracker_mlflow import MlflowExperimentTracker

FLOWS = """
import mlflow

from dovetail import pipeline, step, step_context


@step(cache=False, experiment_tracker=True)
def fit(rate: float) -> float:
    for number in range(3):
        mlflow.log_metric("loss", rate * number, step=number)
    mlflow.log_param("kind", "svm")
    step_context().experiment_run.log_metric("own", rate)
    return rate


@step(cache=False, experiment_tracker=True)
def fail(values: list[float]) -> float:
    mlflow.log_metric("seen", len(values))
    return 1 / 0


@pipeline
def several() -> None:
    fail(fit.map([0.1, 0.2, 0.3]))
"""


def do(folder: Path, *words: str, code: int = 0) -> str:
    """Execute a command of `dovetail` with what an earlier program may have left in the environment, and return what it said."""
    elsewhere = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'wrong.db'}", "MLFLOW_RUN_ID": "0" * 32, "MLFLOW_EXPERIMENT_NAME": "wrong"}
    command = [sys.executable, "-m", "dovetail.cli", *words]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **elsewhere}, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_what_steps_log_by_mlflow_s_own_calls_is_in_their_runs(tmp_path: Path) -> None:
    (tmp_path / "flows.py").write_text(FLOWS)
    database = tmp_path / "mlflow.db"
    do(tmp_path, "experiment-tracker", "register", "lab", "--flavor", "mlflow", "--tracking-uri", str(database))
    do(tmp_path, "orchestrator", "register", "threads", "--flavor", "local", "--max-parallel", "3")
    parts = ["--orchestrator", "threads", "--artifact-store", "default", "--metadata-store", "default", "--experiment-tracker", "lab"]
    do(tmp_path, "stack", "register", "tracked", *parts, "--set")
    assert "ZeroDivisionError" in do(tmp_path, "run", "flows:several", code=1)
    with MlflowExperimentTracker(tracking_uri=str(database)) as tracker:
        found = {record.tags["dovetail.step"]: record for record in tracker.iter_runs(experiments=["several"])}
        fits = [record for step, record in found.items() if step.startswith("fit")]
        assert sorted(record.params["rate"] for record in fits) == [0.1, 0.2, 0.3]
        for record in fits:
            rate = record.params["rate"]
            assert [(point.step, point.value) for point in tracker.metric_history(record.id, "loss")] == [(n, rate * n) for n in range(3)]
            assert (record.metrics["own"], record.params["kind"], record.status) == (rate, "svm", RunStatus.FINISHED)
        assert (found["fail"].metrics, found["fail"].status) == ({"seen": 3.0}, RunStatus.FAILED)
    assert not (tmp_path / "wrong.db").exists()

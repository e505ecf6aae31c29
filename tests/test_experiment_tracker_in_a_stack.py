"""Experiment trackers with the packages around them: the stack's artifact store, and the command line."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from dovetail.cli import main
from dovetail.project import Project
from dovetail_artifact_store import LocalArtifactStore
from dovetail_experiment_tracker import LocalExperimentTracker


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    assert main(["experiment-tracker", "register", "tracks", "--flavor", "local"]) == 0
    words = ["stack", "register", "mine", "--orchestrator", "default", "--artifact-store", "default", "--metadata-store", "default"]
    assert main([*words, "--experiment-tracker", "tracks", "--set"]) == 0
    with LocalExperimentTracker(path=".dovetail/experiments") as tracker:
        for name, rate in (("low", 0.1), ("high", 0.9)):
            with tracker.start_run(name, params={"rate": rate, "model": "svm"}) as run:
                for step in range(30):
                    run.log_metric("loss", rate / (step + 1), step=step)
        with tracker.start_run("odd") as run:
            run.log_metric("loss", math.nan, step=0)
    return tmp_path


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    capsys.readouterr()
    assert main(["experiment-tracker", *words, "--output", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert main(["experiment-tracker", *words]) != 0
    return capsys.readouterr().err


def test_runs_are_filtered_and_sorted(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [run["name"] for run in printed(capsys, "runs")] == ["odd", "high", "low"]
    assert [run["name"] for run in printed(capsys, "runs", "--order-by", "metrics.loss", "--limit", "2")] == ["low", "high"]
    assert [run["name"] for run in printed(capsys, "runs", "--filter", "params.rate > 0.5")] == ["high"]
    assert printed(capsys, "runs", "--experiment", "none") == []
    assert "not understood at character 1" in told(capsys, "runs", "--filter", "loss < 1")


def test_runs_are_compared_side_by_side(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = printed(capsys, "compare", "low", "high", "--differing")
    assert rows == [
        {"kind": "param", "key": "rate", "low": 0.1, "high": 0.9},
        {"kind": "metric", "key": "loss", "low": 0.1 / 30, "high": 0.9 / 30},
    ]
    assert {row["key"] for row in printed(capsys, "compare", "low", "odd")} == {"rate", "model", "loss"}
    assert "no run 'absent'" in told(capsys, "compare", "low", "absent")


@pytest.mark.parametrize(("name", "beginning"), [("loss.png", b"\x89PNG"), ("loss.svg", b"<?xml"), ("loss.pdf", b"%PDF")])
def test_metrics_are_drawn_into_a_file(project: Path, name: str, beginning: bytes) -> None:
    pytest.importorskip("matplotlib")
    assert main(["experiment-tracker", "plot", "low", "high", "--metric", "loss", "--to", name, "--log", "--x", "time"]) == 0
    assert (project / name).read_bytes().startswith(beginning)
    assert not list(project.glob(".*.*[gf]"))


def test_what_cannot_be_drawn_is_told(project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert ".png, .svg, .pdf" in told(capsys, "plot", "low", "--metric", "loss", "--to", "loss.txt")
    pytest.importorskip("matplotlib")
    assert "Their metrics: loss" in told(capsys, "plot", "low", "--metric", "accuracy")
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    assert "pip install 'dovetail-experiment-tracker[plot]'" in told(capsys, "plot", "low", "--metric", "loss")


def test_the_commands_of_the_type_stand_beside_those_of_every_type(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment-tracker", "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in ("compare", "plot", "runs", "register", "list"))
    assert main(["artifact-store", "--help"]) == 0
    assert "  plot " not in capsys.readouterr().out


def test_without_a_tracker_in_the_stack_the_way_out_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "dovetail stack update default --experiment-tracker" in told(capsys, "runs")


def test_files_of_runs_are_kept_in_the_artifact_store_of_the_stack(project: Path) -> None:
    (project / "weights").mkdir()
    (project / "weights" / "w.bin").write_bytes(b"w" * 1000)
    store = LocalArtifactStore(path=project / "artifacts")
    with LocalExperimentTracker(path=project / "e") as tracker:
        tracker.use_artifact_store(store, "tracked")
        with tracker.start_run() as run:
            run.log_artifact(project / "weights")
        assert [info.key for info in store.list("tracked")] == [f"tracked/{run.id}/weights/w.bin"]
        assert [(info.path, info.size) for info in tracker.list_artifacts(run.id)] == [("weights/w.bin", 1000)]
        tracker.download_artifact(run.id, "weights", project / "back")
        assert (project / "back" / "w.bin").read_bytes() == b"w" * 1000
        tracker.delete_run(run.id)
        assert list(store.list("tracked")) == []


def test_a_stack_builds_its_tracker_below_the_project(project: Path) -> None:
    found = Project.find()
    with found.stack() as stack:
        assert stack.experiment_tracker.config.path == project / ".dovetail" / "experiments"
        assert sorted(run.name for run in stack.experiment_tracker.iter_runs()) == ["high", "low", "odd"]

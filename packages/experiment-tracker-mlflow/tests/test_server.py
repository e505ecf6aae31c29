"""The MLflow flavor before a real tracking server with users and an artifact proxy."""

from __future__ import annotations

import http.server
import logging
import multiprocessing
import os
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from mlflow.exceptions import MlflowException
from mlflow_writers import log_from_threads

from dovetail_conformance.instruments import FaultProxy, ResetBefore
from dovetail_core import AuthenticationFailed, DovetailError, InvalidArgument, NotFound, Timeout, Unavailable
from dovetail_experiment_tracker import RunStatus
from dovetail_experiment_tracker_mlflow import MlflowConfig, MlflowExperimentTracker
from dovetail_experiment_tracker_mlflow._connections import session
from dovetail_experiment_tracker_mlflow.activation import native
from dovetail_experiment_tracker_mlflow.testing import MlflowServer

PASSWORD = "a-password-that-nobody-sees"
spawn = multiprocessing.get_context("spawn")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[MlflowServer]:
    with MlflowServer(folder, PASSWORD) as started:
        yield started


@pytest.fixture
def settings(server: MlflowServer, request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"tracking_uri": server.url, "username": "admin", "password": PASSWORD, "experiment": request.node.name}


@pytest.fixture
def tracker(settings: dict[str, Any]) -> Iterator[MlflowExperimentTracker]:
    with MlflowExperimentTracker(**settings) as made:
        yield made


class Recorder(http.server.BaseHTTPRequestHandler):
    """Notes each request's credentials, and sends it elsewhere."""

    seen: list[tuple[str, str | None]]
    status = 404

    def do_GET(self) -> None:
        self.seen.append((self.path.partition("?")[0], self.headers.get("Authorization")))
        self.send_response(self.status)
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def recorder() -> Iterator[tuple[str, type[Recorder]]]:
    handler = type("Handler", (Recorder,), {"seen": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}", handler
        listening.shutdown()
        thread.join()


# Credentials


def test_a_token_goes_to_the_server_only_and_into_nothing_that_is_seen(
    recorder: tuple[str, type[Recorder]], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url, handler = recorder
    caplog.set_level(logging.DEBUG)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login foreign password foreign")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    said = ""
    for token in ("a-token-that-nobody-sees", None):
        for status in (404, 302, 500):
            handler.status = status
            tracker = MlflowExperimentTracker(tracking_uri=url, token=token, outage_seconds=0.1)
            with pytest.raises(DovetailError) as caught:
                tracker.get_run("0" * 32)
            said += f"{caught.value!r} {caught.value} {tracker!r} {tracker.config!r} {caught.value.__cause__!r}"
    credentials = {found for _, found in handler.seen}
    assert credentials == {"Bearer a-token-that-nobody-sees", None}
    assert "nobody-sees" not in said + caplog.text
    assert {path for path, _ in handler.seen} == {"/api/2.0/mlflow/runs/get"}


def test_a_redirect_is_not_followed(recorder: tuple[str, type[Recorder]]) -> None:
    url, handler = recorder
    handler.status = 302
    with pytest.raises(Unavailable, match="a redirect"):
        MlflowExperimentTracker(tracking_uri=url).get_run("0" * 32)
    assert len(handler.seen) == 1


def test_a_wrong_password_is_said_without_any(settings: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said = ""
    for more in ({"password": "not-the-password"}, {"password": None, "username": None}):
        with MlflowExperimentTracker(**{**settings, **more}) as stranger, pytest.raises(AuthenticationFailed) as caught:
            stranger.start_run()
        said += f"{caught.value!r} {stranger!r} {stranger.config!r} {caught.value.__cause__!r}"
    assert "not-the-password" not in said + caplog.text
    assert PASSWORD not in said + caplog.text


def test_mlflow_s_own_calls_have_the_credentials_while_a_run_is_active_only(tracker: MlflowExperimentTracker) -> None:
    import mlflow

    before = {name: value for name, value in os.environ.items() if name.startswith("MLFLOW")}
    with tracker.start_run() as run:
        mlflow.log_metric("m", 1.5)
        mlflow.log_text("text", "note.txt")
    assert {name: value for name, value in os.environ.items() if name.startswith("MLFLOW")} == before
    assert dict(tracker.get_run(run.id).metrics) == {"m": 1.5}
    assert [info.path for info in tracker.list_artifacts(run.id)] == ["note.txt"]


@pytest.mark.parametrize("secret", [{"username": "admin", "password": PASSWORD}, {"token": PASSWORD}])
def test_a_child_inherits_no_credentials_and_no_other_server_gets_them(
    settings: dict[str, Any], recorder: tuple[str, type[Recorder]], secret: dict[str, str]
) -> None:
    from mlflow.tracking import MlflowClient

    url, handler = recorder
    config = MlflowConfig(**{**settings, "username": None, "password": None, **secret, "tracking_uri": url})
    with MlflowExperimentTracker(**settings) as tracker, tracker.start_run() as run:
        entity = tracker._run(run.id)
        if "password" in secret:
            inherited = subprocess.run(["env"], capture_output=True, text=True, check=True).stdout
            assert PASSWORD not in inherited and "MLFLOW_TRACKING_AUTH=dovetail" in inherited
    with native(config, entity, False):
        inherited = subprocess.run(["env"], capture_output=True, text=True, check=True).stdout
        assert PASSWORD not in inherited
        for uri in (url, url.replace("127.0.0.1", "localhost")):
            with pytest.raises(MlflowException):
                MlflowClient(uri).get_run("0" * 32)
    assert [bool(header) for _, header in handler.seen] == [True, False]


def test_a_server_that_does_not_answer_is_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        tracker = MlflowExperimentTracker(tracking_uri=url, timeout=0.2, outage_seconds=0.1)
        for call in (lambda: tracker.get_run("0" * 32), lambda: tracker.set_tags("0" * 32, {"t": "x"})):
            with pytest.raises(Timeout, match="no answer in time"):
                call()


def connections(server: MlflowServer) -> set[int]:
    """Return this process's connections to a server, by their own ports."""
    return {found.laddr.port for found in psutil.Process().net_connections() if found.raddr and found.raddr.port == server.port}


def test_to_close_a_tracker_closes_its_connections(server: MlflowServer, settings: dict[str, Any]) -> None:
    before = connections(server)
    with MlflowExperimentTracker(**settings) as tracker:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda _: tracker.check(), range(12)))
        assert connections(server) - before
    assert not connections(server) - before


def test_a_connection_that_waits_is_probed(server: MlflowServer) -> None:
    with session() as made, made.get(f"{server.url}/health", stream=True, timeout=30) as answer:
        assert answer.raw.connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_an_experiment_that_somebody_else_deleted_is_made_again(tracker: MlflowExperimentTracker, settings: dict[str, Any]) -> None:
    with tracker.start_run("old") as old:
        pass
    with MlflowExperimentTracker(**settings) as other:
        other.delete_experiment(old.experiment)
    with tracker.start_run("new") as run:
        pass
    assert [found.name for found in tracker.iter_runs(experiments=[run.experiment])] == ["new"]


def test_a_block_is_entered_and_left_in_an_outage_that_is_buffered(server: MlflowServer, settings: dict[str, Any]) -> None:
    import mlflow

    with FaultProxy("127.0.0.1", server.port) as proxy:
        more = {"tracking_uri": proxy.url, "on_outage": "buffer", "outage_seconds": 1.0}
        with MlflowExperimentTracker(**{**settings, **more}) as tracker:
            run = tracker.start_run()
            with proxy.fault(ResetBefore(), times=None), run:
                assert mlflow.active_run().info.run_id == run.id
                run.log_metric("m", 1, step=0)
                run.log_params({f"p{number}": number for number in range(101)})
            tracker.flush()
            record = tracker.get_run(run.id)
    assert (record.status, dict(record.metrics), len(record.params)) == (RunStatus.FINISHED, {"m": 1.0}, 101)


# Files, models, addresses


def test_files_go_through_the_proxy(
    tracker: MlflowExperimentTracker, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, here = tmp_path / "source", tmp_path / "here"
    (source / "sub ä" / "deep").mkdir(parents=True)
    here.mkdir()
    monkeypatch.chdir(here)
    contents = {"empty": b"", "sub ä/50% off?.bin": bytes(range(256)) * 5000, "sub ä/deep/1.txt": b"text"}
    for name, content in contents.items():
        (source / name).write_bytes(content)
    with tracker.start_run() as run:
        run.log_artifact(source, "files")
        run.log_artifact(source / "empty")
    assert {info.path: info.size for info in tracker.list_artifacts(run.id, "files")} == {
        f"files/{name}": len(content) for name, content in contents.items()
    }
    assert [info.path for info in tracker.list_artifacts(run.id, "empty")] == ["empty"]
    back = tracker.download_artifact(run.id, "files", tmp_path / "back")
    assert {name: (back / name).read_bytes() for name in contents} == contents
    with pytest.raises(NotFound):
        tracker.download_artifact(run.id, "nothing", tmp_path / "none")
    assert list(here.iterdir()) == []
    assert [path for path in (folder / "artifacts").rglob("1.txt")] != []


def test_a_name_that_the_server_refuses_is_said(tracker: MlflowExperimentTracker, tmp_path: Path) -> None:
    (tmp_path / "#1.txt").write_text("text")
    with tracker.start_run() as run, pytest.raises(InvalidArgument, match="Invalid path"):
        run.log_artifact(tmp_path / "#1.txt")


def test_a_model_is_logged_through_the_proxy_and_registered(tracker: MlflowExperimentTracker) -> None:
    import numpy as np
    from sklearn.linear_model import LinearRegression

    x = np.arange(12.0).reshape(6, 2)
    with tracker.start_run() as run:
        model, more = LinearRegression().fit(x, x.sum(axis=1)), {"pip_requirements": ["scikit-learn"]}
        uri = tracker.log_model(run.id, model, "model", input_example=x, registered_model_name="adder", **more)
    assert uri.startswith("models:/")
    found = tracker._client.server.send("GET", "/api/2.0/mlflow/model-versions/search", params={"filter": "name='adder'"}).json()
    assert [(version["version"], version["run_id"]) for version in found["model_versions"]] == [("1", run.id)]


def test_a_run_s_address_is_that_of_mlflow_s_ui(tracker: MlflowExperimentTracker, server: MlflowServer) -> None:
    with tracker.start_run() as run:
        pass
    number = tracker._run(run.id).info.experiment_id
    assert run.url == f"{server.url}/#/experiments/{number}/runs/{run.id}?workspace=default"


# Many writers, and a server that is killed


def stored_points(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        return int(database.execute("SELECT count(*) FROM metrics").fetchone()[0])


@pytest.mark.timeout(3600)
def test_two_processes_lose_and_double_nothing_while_the_server_is_killed_and_restarted(
    server: MlflowServer, settings: dict[str, Any], tracker: MlflowExperimentTracker, folder: Path
) -> None:
    """With DOVETAIL_FULL=1: eight threads each, with 50 000 points each."""
    threads, count = (8, 50_000) if os.environ.get("DOVETAIL_FULL") else (4, 2000)
    begun, before = time.monotonic(), stored_points(folder)
    with tracker.start_run() as run:
        more = {**settings, "outage_seconds": 600.0}
        all_begun = spawn.Barrier(3)
        processes = [spawn.Process(target=log_from_threads, args=(more, run.id, number, threads, count, all_begun)) for number in range(2)]
        for process in processes:
            process.start()
        all_begun.wait(120)
        while stored_points(folder) - before < threads * count // 4:
            assert all(process.is_alive() for process in processes)
            time.sleep(0.01)
        server.stop(signal.SIGKILL)
        stored = stored_points(folder) - before
        assert 0 < stored < 2 * threads * count, "the server was to be killed in the middle"
        server.start()
        for process in processes:
            process.join(3000)
        assert [process.exitcode for process in processes] == [0, 0]
        logged = time.monotonic() - begun
        for key in [f"{process}-{thread}" for process in range(2) for thread in range(threads)]:
            points = [(point.step, point.value) for point in tracker.metric_history(run.id, key)]
            assert points == [(step, step + 0.5) for step in range(count)]
        assert dict(run.refresh().metrics) == {key: count - 0.5 for key in run.record.metrics} and len(run.record.metrics) == 2 * threads
    total, read = 2 * threads * count, time.monotonic() - begun - logged
    print(f"\n{total} points, {stored} of them before the server was killed: logged in {logged:.0f} s, read in {read:.0f} s")

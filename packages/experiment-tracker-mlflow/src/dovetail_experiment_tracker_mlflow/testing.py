"""Harnesses of the flavor, for the conformance suite: a real tracking server with users and an artifact proxy, or one that `--config` names; and a file."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Self

from dovetail_conformance import Deviation, HarnessError, Untested, until
from dovetail_conformance.instruments import FaultProxy
from dovetail_experiment_tracker import ExperimentTracker
from dovetail_experiment_tracker.contract import ExperimentTrackerHarness
from dovetail_experiment_tracker_mlflow.tracker import MlflowExperimentTracker


class MlflowServer:
    """A tracking server of MLflow's on loopback, with runs in a database file and an artifact proxy, as a context manager.

    It has workspaces. With `password`, only the user `admin` is let in, by basic authentication. Stopped and started again, it has what it had.
    """

    def __init__(self, folder: Path, password: str | None = None) -> None:
        self._folder = folder
        self._password = password
        self.port: int = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of the server, and of its UI."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server, and return when it answers."""
        words = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        words += ["--backend-store-uri", f"sqlite:///{self._folder}/mlflow.db", "--artifacts-destination", str(self._folder / "artifacts")]
        words += ["--enable-workspaces"]
        words += ["--app-name", "basic-auth"] if self._password else []
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        environment = {**kept, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true", **self._users()}
        log = (self._folder / "server.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=self._folder, start_new_session=True
            )
        until(self._answers, 120, did="waited for MLflow's server", mend=f"look at {self._folder}/server.log")

    def _users(self) -> dict[str, str]:
        """Return variables that tell the server which users there are; a password that was checked is remembered, since that is slow by design."""
        if self._password is None:
            return {}
        lines = {
            "default_permission": "READ", "database_uri": f"sqlite:///{self._folder}/users.db", "admin_username": "admin",
            "admin_password": self._password, "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
            "auth_cache_ttl_seconds": "3600",
        }  # fmt: skip
        file = self._folder / "users.ini"
        file.write_text("\n".join(["[mlflow]", *(f"{name} = {value}" for name, value in lines.items())]))
        return {"MLFLOW_AUTH_CONFIG_PATH": str(file), "MLFLOW_FLASK_SERVER_SECRET_KEY": uuid.uuid4().hex}

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Stop the server and what it started."""
        process, self._process = self._process, None
        if process is not None:
            os.killpg(process.pid, number)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    @property
    def pid(self) -> int:
        """Number of the server's process, and of its group."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise HarnessError(f"MLflow's server ended with {self._process.returncode}: see {self._folder}/server.log")
        try:
            urllib.request.urlopen(f"{self.url}/health", timeout=2).close()
        except OSError:
            return False
        return True


class SharedServer:
    """One server for all workers of a run of the suite, since each takes half a gigabyte: the first that comes starts it, the last that goes stops it.

    Whoever uses it holds a lock on a file, which the system takes back from a process that dies.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port: int = 0
        self.password: str = ""

    def __enter__(self) -> Self:
        with self._alone():
            self._use = (self._folder / "use").open("w")
            fcntl.flock(self._use, fcntl.LOCK_SH)
            known = self._folder / "server.json"
            if not known.exists():
                password = uuid.uuid4().hex
                server = MlflowServer(self._folder, password)
                server.start()
                known.write_text(json.dumps([server.port, password, server.pid]))
            self.port, self.password, self._pid = json.loads(known.read_text())
        return self

    def __exit__(self, *_: object) -> None:
        with self._alone(), self._use:
            fcntl.flock(self._use, fcntl.LOCK_UN)
            try:
                fcntl.flock(self._use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # another worker uses it
                return
            with suppress(ProcessLookupError):
                os.killpg(self._pid, signal.SIGKILL)
            shutil.rmtree(self._folder, ignore_errors=True)

    def workspace(self) -> str:
        """Return the name of a new workspace."""
        name = f"conformance-{uuid.uuid4().hex}"
        login = base64.b64encode(f"admin:{self.password}".encode()).decode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/3.0/mlflow/workspaces",
            data=json.dumps({"name": name}).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Basic {login}"},
        )
        urllib.request.urlopen(request, timeout=60).close()
        return name

    @contextmanager
    def _alone(self) -> Iterator[None]:
        while True:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with (self._folder / "coming-and-going").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if self._folder.exists():  # else the last one went while this one waited
                    yield
                    return


def _shared() -> SharedServer:
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    return SharedServer(Path(tempfile.gettempdir(), f"dovetail-mlflow-{run}"))


_DEVIATIONS = {
    "ET-08": Deviation(
        "MLflow's database keeps infinity as the largest finite float, so that the two cannot be told apart",
        owner="backend",
        link="https://github.com/mlflow/mlflow/pull/1573",
    ),
}


class MlflowHarness(ExperimentTrackerHarness):
    """The flavor before a real server, through the fault proxy. With settings, which are those of the flavor: before a live server."""

    flavor: ClassVar[type[MlflowExperimentTracker]] = MlflowExperimentTracker
    environment: str = "embedded"
    deviations: Mapping[str, Deviation] = _DEVIATIONS
    impatient: Mapping[str, object] = {"outage_seconds": 3.0, "timeout": 2.0}
    """A busy machine's server takes a second for an answer now and then."""

    def __init__(self, settings: Mapping[str, object] | None = None) -> None:
        super().__init__(settings)
        self._live = bool(self.settings)
        if self._live:
            self.environment = "live"

    def __enter__(self) -> Self:
        if not self._live:
            self.server: SharedServer = self.enter_context(_shared())
            self._proxy = self.enter_context(FaultProxy("127.0.0.1", self.server.port))
        return self

    def has(self, hook: str) -> bool:
        """A live server is not disturbed."""
        return super().has(hook) and not (self._live and hook == "proxy")

    @property
    def proxy(self) -> FaultProxy:
        """The fault proxy before the server."""
        if self._live:
            raise Untested("a live service is not disturbed")
        return self._proxy

    def make(self, **config: Any) -> ExperimentTracker:
        """Return a tracker with a workspace of its own, which is empty; before a live server, with what the settings name."""
        if self._live:
            return self.flavor(**{**self.settings, **config})
        workspace = self.server.workspace()
        base = {"tracking_uri": self._proxy.url, "username": "admin", "password": self.server.password, "workspace": workspace}
        return self.flavor(**{**base, **config})

    def credentials(self, kind: str) -> ExperimentTracker:
        """Return a tracker with a password that is wrong."""
        if kind != "bad" or self._live:
            raise Untested(f"the server has no {kind} credentials: whoever may log in may make experiments")
        return self.make(password="not the password")

    def foreign_environment(self) -> Mapping[str, str]:
        """Return what MLflow's own client would heed."""
        return {
            "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
            "MLFLOW_RUN_ID": "0" * 32,
            "MLFLOW_EXPERIMENT_NAME": "elsewhere",
            "MLFLOW_EXPERIMENT_ID": "12345",
            "MLFLOW_WORKSPACE": "elsewhere",
            "MLFLOW_TRACKING_TOKEN": "foreign",
            "MLFLOW_TRACKING_USERNAME": "foreign",
            "MLFLOW_TRACKING_PASSWORD": "foreign",
        }


class MlflowFileHarness(ExperimentTrackerHarness):
    """The flavor before a database file, without a server."""

    flavor: ClassVar[type[MlflowExperimentTracker]] = MlflowExperimentTracker
    deviations: Mapping[str, Deviation] = _DEVIATIONS
    impatient: Mapping[str, object] = {"outage_seconds": 1.0, "timeout": 0.7}

    def __enter__(self) -> Self:
        self._folder = self.enter_context(tempfile.TemporaryDirectory(prefix="dovetail-mlflow-"))
        return self

    def make(self, **config: Any) -> ExperimentTracker:
        """Return a tracker on a file of its own, which is not made yet."""
        return self.flavor(**{"tracking_uri": f"{self._folder}/{uuid.uuid4().hex}/mlflow.db", **config})

    @contextmanager
    def outage(self, component: ExperimentTracker) -> Iterator[None]:
        """Keep the database locked, as another process would."""
        with closing(sqlite3.connect(component.config.file, isolation_level=None)) as other:  # type: ignore[attr-defined]
            other.execute("BEGIN EXCLUSIVE")
            yield


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

"""The harness of the flavor, for the conformance suite: a real tracking server with an artifact proxy, or one that `--config` names."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from dovetail_conformance import HarnessError, Untested, until
from dovetail_conformance.instruments import FaultProxy
from dovetail_experiment_tracker import ExperimentTracker
from dovetail_experiment_tracker.contract import ExperimentTrackerHarness
from dovetail_experiment_tracker_mlflow.tracker import MlflowExperimentTracker


class MlflowServer:
    """A tracking server of MLflow's on loopback, with runs in a database file and an artifact proxy, as a context manager."""

    def __init__(self, folder: Path, port: int = 0, app: str | None = None) -> None:
        self._folder = folder
        self._app = app
        self.port = port or _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of the server, and of its UI."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server, and return when it answers."""
        words = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        words += ["--backend-store-uri", f"sqlite:///{self._folder}/mlflow.db", "--artifacts-destination", str(self._folder / "artifacts")]
        words += ["--app-name", self._app] if self._app else []
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        environment = {**kept, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        log = (self._folder / "server.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=self._folder, start_new_session=True
            )
        until(self._answers, 120, did="waited for MLflow's server", mend=f"look at {self._folder}/server.log")

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


class MlflowHarness(ExperimentTrackerHarness):
    """The flavor before a real server, through the fault proxy. With settings, which are those of the flavor: before a live server."""

    flavor = MlflowExperimentTracker
    environment = "embedded"
    impatient: Mapping[str, object] = {"outage_seconds": 1.0, "timeout": 0.7}
    patience = 30.0

    def __init__(self, settings: Mapping[str, object] | None = None) -> None:
        super().__init__(settings)
        self._live = bool(self.settings)
        if self._live:
            self.environment = "live"

    def __enter__(self) -> Self:
        if not self._live:
            self._folder = tempfile.TemporaryDirectory(prefix="dovetail-mlflow-")
            self.server = MlflowServer(Path(self._folder.name))
            self.server.start()
            self._proxy = FaultProxy("127.0.0.1", self.server.port)
            self._proxy.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._live:
            self._proxy.__exit__(None, None, None)
            self.server.stop()
            self._folder.cleanup()

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
        """Return a tracker whose runs are in an experiment of its own unless they name another."""
        base = dict(self.settings) if self._live else {"tracking_uri": self._proxy.url}
        return self.flavor(**{"experiment": f"conformance-{uuid.uuid4().hex}", **base, **config})

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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

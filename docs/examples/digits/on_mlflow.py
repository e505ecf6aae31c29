"""Tracks the digits pipeline on an MLflow server that runs here, compares the classifiers, draws their curves, and lets a variant fail.

The stack is registered by the command line, as a user would do it. With `--keep` the server goes on until it is interrupted, for a look at its UI.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from dovetail import get_run
from dovetail_experiment_tracker_mlflow.testing import MlflowServer

HERE = Path(__file__).parent


def dovetail(*words: str, fails: bool = False) -> None:
    """Show a command, and execute it; one that `fails` must."""
    print(f"\n$ dovetail {' '.join(words)}", flush=True)
    done = subprocess.run([sys.executable, "-m", "dovetail.cli", *words], check=False)
    if (done.returncode != 0) is not fails:
        raise SystemExit(f"dovetail {words[0]} ended with {done.returncode}")


def register(url: str) -> None:
    """Declare a stack with a tracker on the server, and an alerter."""
    dovetail("init")
    dovetail("experiment-tracker", "register", "lab", "--flavor", "mlflow", "--tracking-uri", url)
    dovetail("alerter", "register", "ops", "--flavor", "console")
    parts = ["--orchestrator", "default", "--artifact-store", "default", "--metadata-store", "default"]
    dovetail("stack", "register", "tracked", *parts, "--experiment-tracker", "lab", "--alerter", "ops")
    dovetail("stack", "set", "tracked")


def show(directory: Path) -> None:
    """Compare the classifiers, draw their curves, and say where each can be looked at."""
    steps = get_run("tracked").steps
    entries = {name: step.metadata["experiment_run"] for name, step in steps.items() if name.startswith("candidate")}
    ids = [entry["id"] for entry in entries.values()]
    dovetail("experiment-tracker", "compare", *ids, "--differing")
    dovetail("experiment-tracker", "plot", *ids, "--metric", "accuracy", "--metric", "error", "--to", str(directory / "metrics.png"))
    for name, entry in entries.items():
        print(f"  {name:14} {steps[name].outputs['accuracy'].load():.4f}  {entry['url']}")


def main() -> None:
    """Run the pipelines in a fresh directory, on a server of their own."""
    directory = Path(tempfile.mkdtemp(prefix="dovetail-demo-"))
    for name in ("digits.py", "tracked.py"):
        shutil.copy(HERE / name, directory)
    os.chdir(directory)
    (directory / "mlflow").mkdir()
    with MlflowServer(directory / "mlflow") as server:
        register(server.url)
        dovetail("run", "tracked:candidates", "--name", "tracked")
        show(directory)
        dovetail("run", "tracked:failing", "--name", "broken", fails=True)
        print(f"\nMetrics: {directory / 'metrics.png'}\nMLflow's UI: {server.url}")
        if "--keep" in sys.argv:
            signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()

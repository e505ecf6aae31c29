"""Runs the digits pipeline twice on a stack whose artifacts are in S3, on a server that runs here; every step has a process of its own.

The stack is registered by the command line, as a user would do it, and the pipeline is run by it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from dovetail import RunView, get_run
from dovetail_artifact_store_s3.testing import MotoServer, Server

KEYS = "[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"


def dovetail(*words: str) -> None:
    """Show a command, and execute it."""
    print(f"\n$ dovetail {' '.join(words)}", flush=True)
    subprocess.run([sys.executable, "-m", "dovetail.cli", *words], check=True)


def register(server: Server) -> None:
    """Declare a stack whose artifact store is in the server's bucket; the keys are in a file, which is all that knows them."""
    keys = Path("keys")
    keys.touch(mode=0o600)
    keys.write_text(KEYS.format(id=server.keys.id, secret=server.keys.secret))
    place = ["--bucket", server.bucket, "--prefix", "digits", "--endpoint-url", server.url, "--credentials-file", str(keys)]
    dovetail("init")
    dovetail("artifact-store", "register", "bucket", "--flavor", "s3", *place)
    dovetail("orchestrator", "register", "processes", "--flavor", "local", "--mode", "processes")
    dovetail("stack", "register", "s3", "--orchestrator", "processes", "--artifact-store", "bucket", "--metadata-store", "default")
    dovetail("stack", "set", "s3")


def states(run: RunView) -> set[str]:
    """Return the states of a run's steps."""
    return {step.state.value for step in run.steps.values()}


def show(run: RunView) -> None:
    """Print where the artifacts of a run are."""
    print("\nWhere the artifacts are:")
    for step in run.steps.values():
        for name, output in step.outputs.items():
            print(f"  {step.record.name + '.' + name:24} {output.artifact.size:>9,} bytes  {output.artifact.uri}")
    print("\n" + run.steps["report"].outputs["report"].load())


def main() -> None:
    """Run the pipeline twice in a fresh directory and show what came of it."""
    directory = Path(tempfile.mkdtemp(prefix="dovetail-demo-"))
    shutil.copy(Path(__file__).with_name("digits.py"), directory)
    os.chdir(directory)
    with MotoServer() as server:
        register(server)
        for name in ("first", "second"):
            dovetail("run", "digits:digits", "--name", name)
        first, second = get_run("first"), get_run("second")
        show(second)
        if (states(first), states(second)) != ({"succeeded"}, {"cached"}):
            raise SystemExit(f"it was to be computed, then cached: {states(first)}, {states(second)}")


if __name__ == "__main__":
    main()

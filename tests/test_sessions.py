"""The sessions of the noxfile take the words that CONTRIBUTING.md says they take."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from workspace import ROOT


def session(name: str, *words: str, environments: Path) -> subprocess.CompletedProcess[str]:
    """Run a session in the environment of the tests, where all that it would install is."""
    command = [sys.executable, "-m", "nox", "--no-venv", "--no-install", f"--envdir={environments}", "-s", name, "--", *words]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)


def test_certificates_are_renewed_by_the_names_of_flavors(tmp_path: Path) -> None:
    done = session("certify", "alerter/nobody", environments=tmp_path)
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "no package is called" not in said
    assert "no installed package offers a harness for 'alerter/nobody'" in said


def test_an_unknown_package_is_refused_before_anything_is_installed(tmp_path: Path) -> None:
    done = session("conformance", "artifact_store/s3", environments=tmp_path)
    assert done.returncode == 1 and "no package is called 'artifact_store/s3'" in done.stdout + done.stderr

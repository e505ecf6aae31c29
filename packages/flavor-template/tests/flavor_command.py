"""Runs the command, as a program of its own, in a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def flavor(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `dovetail flavor`, with nobody at a terminal."""
    return python(folder, "-P", "-m", "dovetail_flavor_template", *words)


def python(folder: Path, *words: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder; `path` is looked for modules first."""
    environment = {**os.environ, **({"PYTHONPATH": str(path)} if path else {})}
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

"""A component type of one method, with a contract, a flavor and its harness, as files that a test puts on the path."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PLAIN = "from gauge import *\n"
ENTRY_POINTS = """
[dovetail.component_types.v1]
gauge = gauge:TYPE
[dovetail.flavors.v1.gauge]
memory = gauge:MemoryGauge
wired = wired_gauge:WiredGauge
lines = line_gauge:LineGauge
[dovetail.contracts.v1]
gauge = gauge:GaugeContract
[dovetail.conformance.v1]
gauge.memory = gauge:MemoryHarness
gauge.wired = wired_gauge:WiredHarness
gauge.lines = line_gauge:LineHarness
"""


def install_gauge(folder: Path) -> None:
    """Make a distribution `gauge` in a folder that is on the path."""
    for name in ("gauge.py", "wired_gauge.py", "line_gauge.py"):
        (folder / name).write_text(Path(__file__).with_name(name).read_text())
    information = folder / "gauge-0.3.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: gauge\nVersion: 0.3\n")
    (information / "entry_points.txt").write_text(ENTRY_POINTS)


class Project:
    """A folder on the path, in which the suite is run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        install_gauge(folder)

    def write(self, text: str) -> None:
        (self.folder / "mine.py").write_text(PLAIN + text)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        words = (sys.executable, "-m", "dovetail_conformance", *words)
        return subprocess.run(words, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)

    def pytest(self, *words: str) -> subprocess.CompletedProcess[str]:
        words = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words)
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        return subprocess.run(words, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)

    def run(self, *words: str, harness: str = "Mine") -> subprocess.CompletedProcess[str]:
        return self.command("run", "gauge/mine", "--harness", f"mine:{harness}", "-n", "1", *words)


def counted(done: subprocess.CompletedProcess[str]) -> str:
    return [line for line in done.stdout.splitlines() if line.startswith("=====") and " in " in line][-1]

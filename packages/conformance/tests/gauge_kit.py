"""A component type of one method, with a contract, a flavor and its harness, as files that a test puts on the path."""

from __future__ import annotations

from pathlib import Path

ENTRY_POINTS = """
[dovetail.component_types.v1]
gauge = gauge:TYPE
[dovetail.flavors.v1.gauge]
memory = gauge:MemoryGauge
wired = wired_gauge:WiredGauge
[dovetail.contracts.v1]
gauge = gauge:GaugeContract
[dovetail.conformance.v1]
gauge.memory = gauge:MemoryHarness
gauge.wired = wired_gauge:WiredHarness
"""


def install_gauge(folder: Path) -> None:
    """Make a distribution `gauge` in a folder that is on the path."""
    for name in ("gauge.py", "wired_gauge.py"):
        (folder / name).write_text(Path(__file__).with_name(name).read_text())
    information = folder / "gauge-0.3.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: gauge\nVersion: 0.3\n")
    (information / "entry_points.txt").write_text(ENTRY_POINTS)

"""Packages that are as if installed: distributions of synthetic flavors in a directory on the import path."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

FLAVOR = """
from dovetail_core import ComponentConfig
from dovetail_artifact_store import ArtifactStore

class {name}(ArtifactStore):
    flavor = "{flavor}"
    interface = "{interface}"
    def _base_uri(self): return "x://"
    def _stat(self, key): ...
    def _read(self, key, start, end): ...
    def _upload(self, key, condition, metadata): ...
    def _list(self, prefix, recursive): ...
    def _delete(self, keys): ...
"""


class Site:
    """A directory of synthetic distributions."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def distribution(self, name: str, points: str, version: str = "1.0", folder: str = "") -> Path:
        """Install metadata with entry points, given as the text of `entry_points.txt`."""
        info = self.path / (folder or f"{name.replace('-', '_')}-{version}.dist-info")
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n")
        (info / "entry_points.txt").write_text(textwrap.dedent(points))
        return info

    def module(self, name: str, text: str) -> None:
        """Install a module."""
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / f"{name}.py").write_text(textwrap.dedent(text))

    def flavor(self, flavor: str, interface: str = "1.0", distribution: str = "") -> None:
        """Install an artifact store flavor that works."""
        module = f"flavor_{flavor}"
        self.module(module, FLAVOR.format(name="Store", flavor=flavor, interface=interface))
        points = f"[dovetail.flavors.v1.artifact_store]\n{flavor} = {module}:Store\n"
        self.distribution(distribution or f"acme-{flavor}", points)

    def ask(self, code: str) -> object:
        """Return what code prints as JSON, in a process that sees these distributions."""
        environment = {**os.environ, "PYTHONPATH": f"{self.path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
        command = [sys.executable, "-c", textwrap.dedent(code)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=self.path)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

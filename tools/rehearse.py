"""Rehearses the publication of every package, on loopback: build, upload, install one by one by name, run the demo.

python tools/rehearse.py [--installer uv] [--installer pip] [--demo REQUIREMENT] [PACKAGE ...]

Each package is installed by its name into a fresh environment, by uv and by pip. There it must be, file for file, what was built, and so
must be the siblings that came with it; it imports, every public name of it exists, and its flavors are found and load. Then the digits
demo runs on installed packages, far from the repository. What else packages need comes from where the machine's installers look.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import wheels
from environments import INSTALLERS, Environment
from loopback_index import LoopbackIndex
from workspace import ROOT, Package, Workspace

PROOF = Path(__file__).with_name("proof.py")
DEMO = ROOT / "docs" / "examples" / "digits"


@dataclass(frozen=True)
class Rehearsal:
    """What is published: the wheel of each package, in a folder of the rehearsal's own, and the index that serves them."""

    folder: Path
    built: dict[str, Path]
    index: LoopbackIndex

    def install(self, installer: str, name: str, *requirements: str) -> Environment:
        """Return a fresh environment in which requirements are installed from the index, by name."""
        environment = Environment(self.folder / f"{installer}-{name}", installer)
        environment.install(*requirements, index=self.index.url, constraints=map(wheels.exact, self.built.values()))
        environment.check()
        return environment

    def prove(self, installer: str, name: str) -> str:
        """Install one package by name, and return what was proved. Raises `CalledProcessError` with what is wrong."""
        began = time.monotonic()
        environment = self.install(installer, name, name)
        proved = environment.run("-I", PROOF, self._digests(), name).strip()
        shutil.rmtree(environment.folder)
        return f"{installer:4} install {name}: {time.monotonic() - began:.1f} s; {proved}"

    def demonstrate(self, installer: str, requirement: str) -> str:
        """Run the demo with everything that is published installed, and return what was seen."""
        began = time.monotonic()
        others = [name for name in self.built if name != requirement.partition("[")[0]]
        environment = self.install(installer, "demo", requirement, *others)
        for name in self.built:
            environment.run("-I", PROOF, self._digests(), name)
        place = self.folder / f"{installer}-digits"
        shutil.copytree(DEMO, place, ignore=shutil.ignore_patterns("__pycache__"))
        printed = environment.run("run.py", folder=place)
        environment.run(environment.folder / "bin" / "dovetail", "doctor", folder=place)
        return f"{installer:4} demo: {time.monotonic() - began:.1f} s; {printed.count(' cached ')} steps cached in the second run"

    def _digests(self) -> Path:
        return self.folder / "digests.json"


def publish(packages: Iterable[Package], folder: Path, index: LoopbackIndex) -> Rehearsal:
    """Build packages and upload them, dependencies first."""
    built = {package.distribution: wheels.build(package.folder, folder / "dist") for package in packages}
    for wheel in built.values():
        index.publish(*sorted(wheel.parent.iterdir()))
    (folder / "digests.json").write_text(json.dumps({name: wheels.digests(wheel) for name, wheel in built.items()}))
    return Rehearsal(folder, built, index)


def main(arguments: list[str] | None = None) -> int:
    """Rehearse and return the exit code."""
    parser = argparse.ArgumentParser(description="Rehearse the publication of the packages.")
    parser.add_argument("packages", nargs="*", help="packages to install one by one; default: all")
    parser.add_argument("--installer", action="append", choices=INSTALLERS, help="default: both")
    parser.add_argument(
        "--demo", metavar="REQUIREMENT", default="", help="what the demo needs, such as dovetail[sklearn]; default: no demo"
    )
    parser.add_argument("--workers", type=int, default=2, help="environments at once")
    given = parser.parse_args(arguments)
    workspace = Workspace()
    chosen = [workspace[name] for name in given.packages] or list(workspace.packages.values())
    with tempfile.TemporaryDirectory(prefix="dovetail-rehearsal-") as name, LoopbackIndex(Path(name) / "index") as index:
        rehearsal = publish(workspace.packages.values(), Path(name), index)
        print(f"published: {', '.join(path.name for path in rehearsal.built.values())}", flush=True)
        with ThreadPoolExecutor(given.workers) as pool:
            installers = given.installer or INSTALLERS
            tasks = [pool.submit(rehearsal.prove, each, package.distribution) for each in installers for package in chosen]
            tasks += [pool.submit(rehearsal.demonstrate, each, given.demo) for each in installers if given.demo]
            failures = 0
            for task in tasks:
                try:
                    print(task.result(), flush=True)
                except subprocess.CalledProcessError as error:
                    failures += 1
                    print(f"FAILED: {' '.join(error.cmd)}", *error.__notes__, sep="\n", file=sys.stderr, flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())

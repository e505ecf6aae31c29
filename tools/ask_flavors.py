"""Asks flavors every rule of their contract, several flavors at once, and prints a table.

    python tools/ask_flavors.py FOLDER --ask TARGET[:VARIANT:FILE[:EFFORT]] ... [--at-once N] [OPTION ...]

FOLDER gets a report of each; FILE is `--config` of the run. Options that are not this program's go to `dovetail conformance run`. What a
run that fails has said is printed; what the others said is in the folder. A flavor before a server mostly waits, so that several at once
take little more than the longest of them: name these first. Exit code 1 if a flavor does not keep its contract.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from dovetail_conformance.report import Report, grade, read
from dovetail_core.errors import DovetailError

OUTCOMES = ("passed", "absent", "deviation", "untested", "advisory", "failed", "blocked", "error")


@dataclass(frozen=True)
class Asking:
    """A run of the suite."""

    target: str
    variant: str = ""
    config: str = ""
    effort: str = ""
    """How hard this one is asked, where the options for all do not say it."""

    @classmethod
    def of(cls, text: str) -> Asking:
        """Read `target`, `target:variant:file` or `target:variant:file:effort`."""
        return cls(*text.split(":", 3))

    @property
    def name(self) -> str:
        """The name of the folder with its report."""
        return self.target.replace("/", "-") + (f"-{self.variant}" if self.variant else "")

    def command(self, folder: Path, options: list[str]) -> list[str]:
        """Return the command that asks."""
        config = [f"--config={self.config}"] if self.config else []
        config += [f"--effort={self.effort}"] if self.effort else []  # one that comes later goes before it
        return [sys.executable, "-m", "dovetail_conformance", "run", self.target, *config, f"--report={folder / self.name}", *options]


@dataclass(frozen=True)
class Asked:
    """What came of a run."""

    asking: Asking
    code: int
    seconds: float
    report: Report | None

    def row(self) -> str:
        """Return a line of the table."""
        if self.report is None:
            return f"{self.asking.name:34} no report: the run ended with {self.code}"
        counts = [self.report.summary.get(outcome, 0) for outcome in OUTCOMES]
        return (
            f"{self.asking.name:34}"
            + "".join(f"{count:>10}" for count in counts)
            + f"{self.seconds:>9.0f}  {grade(self.report).tier or 'none'}"
        )


def ask(asking: Asking, folder: Path, options: list[str]) -> Asked:
    """Run the suite, with what it says in a file."""
    folder.mkdir(parents=True, exist_ok=True)
    said = folder / f"{asking.name}.log"
    (folder / asking.name / "report.json").unlink(missing_ok=True)
    began = time.monotonic()
    with said.open("wb") as file:
        code = subprocess.run(
            asking.command(folder, options), stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False
        ).returncode
    seconds = time.monotonic() - began
    try:
        report = read(folder / asking.name / "report.json")
    except DovetailError:
        report = None
    if code:
        sys.stdout.write(f"{said.read_text(errors='replace')}\n")
    print(f"{asking.name}: {'kept' if not code else f'not kept, exit code {code}'}, {seconds:.0f} s", flush=True)
    return Asked(asking, code, seconds, report)


def main() -> int:
    """Ask, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ask", action="append", required=True, type=Asking.of, metavar="TARGET[:VARIANT:FILE[:EFFORT]]")
    parser.add_argument("--at-once", type=int, default=3, help="runs at once")
    arguments, options = parser.parse_known_args()
    with ThreadPoolExecutor(arguments.at_once) as pool:
        done = list(pool.map(lambda asking: ask(asking, arguments.folder, options), arguments.ask))
    print(f"\n{'':34}" + "".join(f"{outcome:>10}" for outcome in OUTCOMES) + f"{'seconds':>9}  tier")
    for asked in done:
        print(asked.row())
    failed = [asked.asking.name for asked in done if asked.code]
    if failed:
        print(f"\nThese do not keep their contract: {', '.join(failed)}.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

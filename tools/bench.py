"""Measures what is promised of speed, each next to the same work done by hand, in the same run.

    python tools/bench.py [--json FILE]

Figures are medians, and only their ratios mean anything: the machine may be busy.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from blake3 import blake3

from dovetail import pipeline, step
from dovetail.materializers import Registry, load, save
from dovetail_artifact_store import LocalArtifactStore
from dovetail_core import new_id
from dovetail_metadata_store import SqliteMetadataStore
from dovetail_metadata_store.records import Run

STEPS = 200
ARRAY = 256 * 1024**2


@dataclass
class Row:
    """One measured promise."""

    what: str
    ours: str
    by_hand: str
    ratio: float
    budget: float

    @property
    def kept(self) -> bool:
        """Whether the promise is kept."""
        return self.ratio <= self.budget


moments: list[float] = []


@step
def tick() -> int:
    """Do nothing, and note when."""
    moments.append(time.perf_counter())
    return 1


@pipeline
def ticking(length: int = STEPS) -> None:
    """Run trivial steps one after the other."""
    last = tick()
    for _ in range(length - 1):
        last = tick(after=last)


def between(times: list[float]) -> float:
    """Return the median time between two moments, in microseconds."""
    return statistics.median((later - sooner) * 1e6 for sooner, later in itertools.pairwise(times))


class Hand:
    """The work of a trivial step without Dovetail: a call, JSON to a temporary file, a rename, one SQLite transaction."""

    def __init__(self, folder: Path, settings: tuple[str, ...]) -> None:
        self.files = Path(tempfile.mkdtemp(dir=folder))
        self.database = sqlite3.connect(self.files / "hand.db", isolation_level=None)
        for pragma in settings:
            self.database.execute(f"PRAGMA {pragma}")
        self.prepare()

    def prepare(self) -> None:
        """Make the tables."""
        self.database.execute("CREATE TABLE outputs (id TEXT PRIMARY KEY, path TEXT)")

    def microseconds(self) -> float:
        """Return the median time of a step."""
        times = []
        for number in range(STEPS):
            times.append(time.perf_counter())
            data = json.dumps(tick.function()).encode()
            path = f"{self.files}/{number}.json"
            with open(f"{path}.part", "wb") as file:
                file.write(data)
            os.replace(f"{path}.part", path)
            self.database.execute("BEGIN IMMEDIATE")
            self.record(number, path, data)
            self.database.execute("COMMIT")
        self.database.close()
        return between(times)

    def record(self, number: int, path: str, data: bytes) -> None:
        """Write what is remembered of a step."""
        self.database.execute("INSERT INTO outputs VALUES (?, ?)", (str(number), path))


class HandWithRecord(Hand):
    """The same, with the record that Dovetail keeps: the step's state and keys, the artifact with its digest, the lineage, indexed."""

    def prepare(self) -> None:
        """Make the tables and indexes of the metadata store, and a run whose steps are pending."""
        with SqliteMetadataStore(path=self.files / "store.db") as store:
            self.run = Run(new_id(), "by-hand", "ticking", "default")
            store.create_run(self.run, [str(number) for number in range(STEPS)], {})
        with sqlite3.connect(self.files / "store.db") as made:
            made.backup(self.database)
        made.close()

    def record(self, number: int, path: str, data: bytes) -> None:
        """Write what is remembered of a step."""
        now, artifact, keys = time.time_ns() // 1000, new_id(), (f"c{number:063}", f"p{number:063}")
        self.database.execute(
            "UPDATE dovetail_steps SET state = 'succeeded', attempt = 1, started = ?, attempt_started = ?, ended = ?, cache_key = ?,"
            " provenance_key = ? WHERE run_id = ? AND name = ? AND state = 'pending'",
            (now, now, now, *keys, self.run.id, str(number)),
        )
        self.database.execute(
            "INSERT INTO dovetail_artifacts VALUES (?, ?, ?, 'output', ?, ?, 'int', 'json', 'json/1', ?, ?, ?, '{}')",
            (artifact, self.run.id, str(number), path, f"file://{path}", len(data), f"blake3:{blake3(data).hexdigest()}", now),
        )
        self.database.execute("INSERT INTO dovetail_links VALUES (?, ?, 'out', 'output', 0, ?)", (self.run.id, str(number), artifact))


TUNED = ("journal_mode=WAL", "synchronous=NORMAL")
HANDS: dict[str, Callable[[Path], Hand]] = {
    "one row, SQLite's defaults": lambda folder: Hand(folder, ()),
    "the same record, our settings": lambda folder: HandWithRecord(folder, TUNED),
    "one row, our settings": lambda folder: Hand(folder, TUNED),
}
"""By hand, from the plainest to the least that can be done; the sqlite flavor's settings do not wait for the disk at each step."""


def trivial_steps(folder: Path) -> Iterator[Row]:
    """Compare a trivial step with the same work by hand."""
    uncached = ticking.with_options(cache=False)
    uncached()
    for name, hand in HANDS.items():
        hands, ours = [], []
        for _ in range(3):
            hands.append(hand(folder).microseconds())
            moments.clear()
            uncached()
            ours.append(between(moments))
        one, other = min(ours), min(hands)
        yield Row(f"trivial step, cache off; by hand with {name}", f"{one:.0f} us", f"{other:.0f} us", one / other, 3.0)


def cached_steps() -> Iterator[Row]:
    """Compare the statements that a wholly cached run of 100 steps sends with those of one of 10 steps."""
    counts = []
    for length in (10, 100):
        chosen = ticking.with_options(parameters={"length": length})
        chosen()
        run = chosen()
        assert {item.state.value for item in run.steps.values()} == {"cached"}
        counts.append(run.stack.metadata_store.statements_sent)
    yield Row("statements of a cached run: 100 steps, and 10", str(counts[1]), str(counts[0]), counts[1] / counts[0], 1.0)


def array(folder: Path) -> Iterator[Row]:
    """Compare a 256 MiB array through the artifact store with numpy's own save and load, each to new files."""
    value = np.random.default_rng(0).random(ARRAY // 8)
    store, registry = LocalArtifactStore(path=folder / "arrays"), Registry()

    def ours() -> None:
        key = new_id()
        found = load(save(value, store, key, registry=registry), store, registry=registry)
        assert found[-1] == value[-1]
        store.rmtree(key)

    def numpys() -> None:
        path = folder / f"{new_id()}.npy"
        np.save(path, value)
        assert np.load(path)[-1] == value[-1]
        path.unlink()

    one, other = fastest(ours), fastest(numpys)
    yield Row("256 MiB array, saved and loaded", f"{one:.0f} ms", f"{other:.0f} ms", one / other, 1.2)
    peak = peak_memory(folder)
    yield Row("peak memory of saving it, in arrays", f"{peak:.2f}", "1", peak, 1.3)


def fastest(work: Callable[[], None], times: int = 5) -> float:
    """Return the milliseconds of the fastest of some executions."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        spent.append((time.perf_counter() - began) * 1e3)
    return min(spent)


PEAK = """
import sys
import numpy as np
from dovetail.materializers import Registry, load, save
from dovetail_artifact_store import LocalArtifactStore
store, registry = LocalArtifactStore(path=sys.argv[1]), Registry()
load(save(np.zeros(10), store, "small", registry=registry), store, registry=registry)
def peak():  # ru_maxrss would begin with the size of the parent
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) * 1024
before = peak()
value = np.ones(int(sys.argv[2]) // 8)
save(value, store, "large", registry=registry)
print((peak() - before) / value.nbytes)
"""


def peak_memory(folder: Path) -> float:
    """Return by how many times the array's size the memory of a process grows that makes and saves it."""
    arguments = [sys.executable, "-c", PEAK, str(folder / "peak"), str(ARRAY)]
    return float(subprocess.run(arguments, capture_output=True, text=True, check=True).stdout)


def many_runs(folder: Path) -> Iterator[Row]:
    """Compare the first page of runs, and one more run, in a store of 100 000 runs with the same in one of 100."""
    spent = []
    for count in (100, 100_000):
        with SqliteMetadataStore(path=filled(folder / f"runs-{count}.db", count)) as store:
            assert store.search_runs(limit=50).token
            look = fastest(lambda store=store: store.search_runs(limit=50), 20)  # type: ignore[misc]
            more = fastest(lambda store=store: store.create_run(Run(new_id(), new_id(), "p", "s"), ["only"], {}), 20)  # type: ignore[misc]
            spent.append(look + more)
    yield Row("first page and one more run: 100 000 runs, and 100", f"{spent[1]:.2f} ms", f"{spent[0]:.2f} ms", spent[1] / spent[0], 2.0)


def filled(path: Path, count: int) -> Path:
    """Make a database with so many runs of one step: one that the store creates, and copies of its rows with other ids."""
    with SqliteMetadataStore(path=path) as store:
        store.create_run(Run(new_id(), "run", "pipeline", "stack"), ["only"], {})
    identifier = "printf('%.20s%012x', {}, number)"
    changed = {
        "dovetail_runs": {"id": identifier.format("id"), "name": "'run-' || number", "created": "created - number"},
        "dovetail_steps": {"run_id": identifier.format("run_id")},
    }
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        for table, expressions in changed.items():
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            chosen = ", ".join(expressions.get(column, column) for column in columns)
            numbers = "WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?)"
            database.execute(f"INSERT INTO {table} {numbers} SELECT {chosen} FROM {table}, numbers", (count - 1,))
    return path


def start_up() -> Iterator[Row]:
    """Compare the processor time of the command line with that of an interpreter that reads the entry points."""
    bare = processor_time([sys.executable, "-c", "import importlib.metadata as m; m.entry_points()"])
    for words in (["--help"], ["artifact-store", "flavor", "list"]):
        ours = processor_time([sys.executable, "-m", "dovetail.cli", *words])
        yield Row(f"dovetail {' '.join(words)}; a bare interpreter", f"{ours:.0f} ms", f"{bare:.0f} ms", ours / bare, 2.5)


def processor_time(command: list[str], times: int = 10) -> float:
    """Return the least processor time of a command, in milliseconds."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    spent = []
    for _ in range(times):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3)
    return min(spent[1:])


def measured(folder: Path) -> list[Row]:
    """Return every row."""
    return [*start_up(), *trivial_steps(folder), *cached_steps(), *array(folder), *many_runs(folder)]


def main() -> int:
    """Print the table and return the exit code: 0, since figures are read, not asserted."""
    parser = argparse.ArgumentParser(description="Measure what is promised of speed.")
    parser.add_argument("--json", type=Path, help="file for the table as JSON")
    given = parser.parse_args()
    target = given.json.absolute() if given.json else None
    with tempfile.TemporaryDirectory(prefix="dovetail-bench-") as name:
        os.chdir(name)
        rows = measured(Path(name))
        os.chdir("/")
    width = max(len(row.what) for row in rows)
    print(f"{'what':{width}}  {'ours':>10}  {'by hand':>10}  {'ratio':>6}  budget")
    for row in rows:
        print(f"{row.what:{width}}  {row.ours:>10}  {row.by_hand:>10}  {row.ratio:6.2f}  {row.budget:g}{'' if row.kept else '  exceeded'}")
    table = json.dumps([asdict(row) | {"kept": row.kept} for row in rows], indent=1)
    if target is None:
        print(table)
    else:
        target.write_text(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""The figures as a table, as JSON, and against what is promised."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib import metadata
from typing import Any

from measuring import Result
from place import MIB, Place, Sizes
from tasks import TASKS

FAST = {
    "put-large": 0.9,
    "get-large": 0.9,
    "put-tree": 0.8,
    "get-tree": 0.8,
    "read-many": 0.6,
    "write-many": 0.4,
    "list": 0.5,
    "delete": 0.5,
}
"""Part of obstore's own speed that is promised with the extra `[fast]`.

Of calls for single small objects from eight threads it is less than of as many at once: obstore with a BLAKE3 digest, and nothing else, comes to
0.7 to 0.8 there, since whatever Python does between two requests is waited for by seven threads.
"""
RIVALS = ("boto3", "boto3 tuned", "boto3 crt", "s3fs")
"""Than whom the store is not to be slower without the extra."""


def table(results: Sequence[Result], sizes: Sizes) -> str:
    """Return a line per task and contender; ratios are speeds, of the fast store's own."""
    lines = [
        f"{'task':11} {'contender':15} {'median':>9} {'rate':>12} {'cpu':>9} {'memory':>9} {'requests':>8} {'speed':>6} {'per cpu':>8}"
    ]
    for task in dict.fromkeys(result.task for result in results):
        rows = [result for result in results if result.task == task]
        lines.append(f"{task}: {TASKS[task].call}")
        lines += [_line(row, rows[0], sizes) for row in rows]
    return "\n".join(lines)


def _line(row: Result, first: Result, sizes: Sizes) -> str:
    requests = "-" if row.requests is None else str(row.requests)
    memory = f"{max(row.memory) / MIB:.0f} MiB"
    return (
        f"{'':11} {row.contender:15} {row.median:7.2f} s {_rate(row, sizes):>12} {row.busy:7.2f} s {memory:>9} {requests:>8}"
        f" {first.median / row.median:6.2f} {first.busy / row.busy:8.2f}"
    )


def _rate(row: Result, sizes: Sizes) -> str:
    if row.task.endswith("large"):
        return f"{sizes.large / MIB / row.median:.0f} MiB/s"
    return f"{(sizes.keys if row.task in ('list', 'delete') else sizes.objects) / row.median:.0f} /s"


def promises(results: Sequence[Result]) -> Iterator[dict[str, Any]]:
    """Yield what is promised and what came, by wall clock and by the client's processor time."""
    by_place = {(result.task, result.contender): result for result in results}
    for task in dict.fromkeys(result.task for result in results):
        found = {name: by_place[task, name] for name in ("dovetail[fast]", "dovetail", "obstore", *RIVALS) if (task, name) in by_place}
        if "dovetail[fast]" in found and "obstore" in found:
            yield _promise(task, found["dovetail[fast]"], found["obstore"], FAST[task])
        rivals = [found[name] for name in RIVALS if name in found]
        if "dovetail" in found and rivals:
            yield _promise(task, found["dovetail"], min(rivals, key=lambda result: result.median), 1.0)


def _promise(task: str, ours: Result, other: Result, promised: float) -> dict[str, Any]:
    ratio = other.median / ours.median
    return {
        "task": task,
        "ours": ours.contender,
        "other": other.contender,
        "promised": promised,
        "ratio": ratio,
        "ratio of cpu": other.busy / ours.busy,
        "kept": ratio >= promised,
    }


def targets(results: Sequence[Result]) -> str:
    """Return a line for each promise."""
    lines = ["", "speed, as a part of another's (1.00: as fast):"]
    for row in promises(results):
        said = "kept" if row["kept"] else "missed"
        lines.append(
            f"  {row['task']:11} {row['ours']:15} / {row['other']:12} {row['ratio']:5.2f}  promised {row['promised']:.2f}  {said:6}"
            f"  (by cpu {row['ratio of cpu']:.2f})"
        )
    return "\n".join(lines)


def as_json(results: Sequence[Result], place: Place) -> dict[str, Any]:
    """Return all figures, and what they are of."""
    return {
        "endpoint": place.endpoint,
        "sizes": asdict(place.sizes),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in ("dovetail-artifact-store-s3", "boto3", "obstore", "s3fs", "awscrt")},
        "results": [asdict(result) | {"median": result.median, "call": TASKS[result.task].call} for result in results],
        "promises": list(promises(results)),
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None

"""Runs the measurements: turn by turn, each in a process of its own, and once more through a proxy that counts requests."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from place import Place
from tasks import TASKS, Task
from worker import MARK

from dovetail_conformance.instruments import FaultProxy

WORKER = Path(__file__).with_name("worker.py")


@dataclass
class Result:
    """What one contender took for one task."""

    task: str
    contender: str
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    requests: int | None = None
    """None where they could not be counted."""

    @property
    def median(self) -> float:
        """Median of the seconds."""
        return statistics.median(self.seconds)

    @property
    def busy(self) -> float:
        """Median of the seconds of the client's processor."""
        return statistics.median(self.cpu)


class Failed(Exception):
    """A contender could not do a task."""


def measured(place: Place, tasks: Sequence[str], contenders: Sequence[str], repetitions: int) -> list[Result]:
    """Return what each contender took for each task; one that fails is left out, which is said."""
    results: list[Result] = []
    for name in tasks:
        task = TASKS[name](place)
        found = {contender: Result(name, contender) for contender in contenders}
        if not task.once:
            task.prepare()
        for turn in range(repetitions):
            _one_turn(found, place, task, _order(list(found), turn))
        for result in found.values():
            result.requests = _counted(result, place, task)
        results += found.values()
    return results


def _order(names: list[str], turn: int) -> list[str]:
    """Return names so that in the turns nobody is always first, nor after the same one."""
    first = turn // 2 % len(names)
    return (names[first:] + names[:first])[:: -1 if turn % 2 else 1]


def _one_turn(found: dict[str, Result], place: Place, task: Task, order: list[str]) -> None:
    for contender in order:
        try:
            _add(found[contender], place, task)
            print(f"{task.prefix.rpartition('/')[2]}: {contender} {found[contender].seconds[-1]:.2f} s", file=sys.stderr, flush=True)
        except Failed as error:
            print(f"{contender} is left out of {found.pop(contender).task}: {error}", file=sys.stderr, flush=True)


def _add(result: Result, place: Place, task: Task) -> None:
    found = _work(result, place, task)
    result.seconds.append(found["seconds"])
    result.cpu.append(found["cpu"])
    result.memory.append(int(found["memory"]))


def _work(result: Result, place: Place, task: Task, *flags: str) -> dict[str, float]:
    if task.once:
        task.prepare()
    os.sync()  # what another left to be written to the disk would be written meanwhile
    words = [sys.executable, str(WORKER), place.as_text(), result.contender, result.task, *flags]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed((done.stderr.strip().splitlines() or ["it ended without a word"])[-1])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}
    return found


def _counted(result: Result, place: Place, task: Task) -> int | None:
    """Return how many requests the task itself takes: those between the worker's two marks."""
    server = urlsplit(place.endpoint)
    if server.scheme != "http":
        return None
    with FaultProxy(server.hostname or "", server.port or 80) as proxy:
        _work(result, replace(place, endpoint=proxy.url), task, "--mark")
        first, last = (item.number for item in proxy.requests if item.path == MARK)
    return last - first - 1

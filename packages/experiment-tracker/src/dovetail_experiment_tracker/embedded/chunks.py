"""Points of a metric, packed: a training that logs all the time stores 24 bytes a point, and one row for many of them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dovetail_core.timestamps import from_microseconds, to_microseconds
from dovetail_experiment_tracker.records import MetricPoint


@dataclass(frozen=True)
class Chunk:
    """The points of one metric in one batch, in the order in which they were logged."""

    key: str
    low: int
    """Lowest step."""
    high: int
    """Highest step."""
    data: bytes
    """Steps, times and values, each as a row of eight bytes a point, little-endian."""


def packed(points: Iterable[MetricPoint]) -> list[Chunk]:
    """Return points as a chunk per metric."""
    by_key: dict[str, list[MetricPoint]] = {}
    for point in points:
        by_key.setdefault(point.key, []).append(point)
    return [_chunk(key, group) for key, group in by_key.items()]


def _chunk(key: str, points: Sequence[MetricPoint]) -> Chunk:
    _, values, steps, times = zip(*points, strict=True)
    count = len(points)
    data = struct.pack(f"<{2 * count}q{count}d", *steps, *map(to_microseconds, times), *values)
    return Chunk(key, min(steps), max(steps), data)


def unpacked(key: str, data: bytes) -> Iterator[MetricPoint]:
    """Yield the points of a chunk."""
    count = len(data) // 24
    numbers = struct.unpack(f"<{2 * count}q{count}d", data)
    for index in range(count):
        yield MetricPoint(key, numbers[2 * count + index], numbers[index], from_microseconds(numbers[count + index]))


def overlapping(chunks: Iterable[tuple[int, int, int]]) -> Iterator[list[int]]:
    """Yield the numbers of chunks whose steps overlap together, given (number, low, high) by rising `low`: groups that follow each other."""
    group: list[int] = []
    end = 0
    for number, low, high in chunks:
        if group and low > end:
            yield sorted(group)
            group = []
        end = max(high, end) if group else high
        group.append(number)
    if group:
        yield sorted(group)

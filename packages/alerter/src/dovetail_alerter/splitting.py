"""Splits text at a limit, between characters as readers see them, and where it reads best."""

from __future__ import annotations

from collections.abc import Callable, Iterator

Measure = Callable[[str], int]
"""Size of a text as it is sent: escaped, in the provider's unit."""


def split(text: str, limit: int, measure: Measure, first: int | None = None) -> list[str]:
    """Return consecutive pieces of `text`, each at most `limit` when measured (the first one at most `first`); joined they are `text`.

    A piece ends after a line if one ends in its last half, else after a space, else between two grapheme clusters (Unicode Annex 29).
    """
    room = limit if first is None else first
    if measure(text) <= room:
        return [text] if text else []
    pieces: list[str] = []
    clusters = list(_clusters(text, min(limit, room), measure))
    start = 0
    while start < len(clusters):
        end = _fitting(clusters, start, room, measure)
        pieces.append("".join(clusters[start:end]))
        start, room = end, limit
    return pieces


def shortened(text: str, limit: int, measure: Measure, mark: str = " \u2026") -> str:
    """Return `text`, or as much of its beginning as fits with `mark` at its end."""
    if measure(text) <= limit:
        return text
    return split(text, limit - measure(mark), measure)[0].rstrip() + mark


def _clusters(text: str, limit: int, measure: Measure) -> Iterator[str]:
    """Yield grapheme clusters; one that fits nowhere is given by code points."""
    import regex  # only what is too long pays for it

    for cluster in regex.findall(r"\X", text):
        if len(cluster) > 1 and measure(cluster) > limit:
            yield from cluster
        else:
            yield cluster


def _fitting(clusters: list[str], start: int, room: int, measure: Measure) -> int:
    """Return the end of the piece that begins at `start`: at least one cluster."""
    end, beyond = start, min(len(clusters), start + room)
    while end < beyond:
        middle = (end + beyond + 1) // 2
        if measure("".join(clusters[start:middle])) <= room:
            end = middle
        else:
            beyond = middle - 1
    if end == len(clusters):
        return end
    return _pause(clusters, start, end) if end > start else start + 1


def _pause(clusters: list[str], start: int, end: int) -> int:
    """Return where a piece that may end at `end` ends best."""
    half = start + (end - start) // 2
    for wanted in ("\n", " "):
        for position in range(end, half, -1):
            if clusters[position - 1] == wanted:
                return position
    return end

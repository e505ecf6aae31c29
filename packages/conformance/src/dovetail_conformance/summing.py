"""What a run says at its end: which rules are not kept, and why others are neither kept nor not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from dovetail_conformance.outcomes import Outcome
from dovetail_conformance.recording import BAD, Record


def summary(records: Iterable[Record]) -> Iterator[tuple[str, list[str]]]:
    """Yield sections, each with its title and lines; the one to be looked at first comes last, where a terminal shows it."""
    ordered = sorted(records, key=lambda record: (record.outcome, record.rule.id))
    others = [record for record in ordered if record.outcome not in (Outcome.PASSED, *BAD)]
    if others:
        yield "rules with another outcome", list(_others(others))
    if bad := [record for record in ordered if record.outcome in BAD]:
        yield "rules that are not kept", [line for record in bad for line in _bad(record)]


def _others(records: list[Record]) -> Iterator[str]:
    for (outcome, reason), group in groupby(records, key=lambda record: (record.outcome, _first(record.detail))):
        ids = [record.rule.id for record in group]
        named = [f"{len(ids)} rules"] if outcome is Outcome.BLOCKED and len(ids) > 1 else ids
        yield from (f"{outcome}: {name}: {reason}" for name in named)


def _bad(record: Record) -> Iterator[str]:
    yield f"{record.outcome}: {record.rule.id}: {record.rule.text}"
    came = next((line for line in record.detail.splitlines() if line.startswith("  came: ")), f"  came: {_first(record.detail)}")
    yield came


def _first(text: str) -> str:
    return text.splitlines()[0] if text else ""

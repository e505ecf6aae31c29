"""Says in an alert what became of a run or a step: written once, for every alerter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dovetail_alerter.alerts import Alert, Level
from dovetail_alerter.reports import RunReport
from dovetail_alerter.text import sendable
from dovetail_core import Failure

_LEVELS = {
    "succeeded": Level.SUCCESS,
    "failed": Level.ERROR,
    "cancelled": Level.WARNING,
    "retrying": Level.WARNING,
}
_COLORS = re.compile(r"\x1b\[[0-9;:]*m")
_LINES = 30
_WIDTH = 300


def render(report: RunReport) -> Alert:
    """Return the alert that tells a report: what and how it ended in the title, why in the body, facts as fields, traceback and log below.

    Its thread is the run, so that one run is one thread. Its key is the run, step, attempt and state: an event that is told twice is
    shown once where the alerter can do that.
    """
    name = _line(report.pipeline) or "pipeline"
    about = f"step {_line(report.step)} of {name}" if report.step else name
    return Alert(
        title=f"{about} {_line(report.state) or 'changed'}",
        body="\n\n".join(_paragraphs(report)),
        level=_LEVELS.get(report.state, Level.INFO),
        fields=dict(_facts(report)),
        links=report.links,
        details="\n\n".join(_blocks(report)),
        thread=_line(report.run_id),
        key=_line(" ".join(filter(None, (report.run_id, report.step, str(report.attempt or ""), report.state)))),
    )


def duration_text(seconds: float) -> str:
    """Return a duration for people: `850 ms`, `12.3 s`, `4 min 5 s`, `2 h 3 min`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _paragraphs(report: RunReport) -> Iterator[str]:
    if report.failure is not None:
        yield _reason(report.failure)
    if report.command:
        yield f"To see more: {_line(report.command)}"


def _reason(failure: Failure) -> str:
    return sendable(f"{failure.kind}: {failure.message}" if failure.message else failure.kind)


def _facts(report: RunReport) -> Iterator[tuple[str, str]]:
    yield "Pipeline", _line(report.pipeline)
    yield "Run", f"{_line(report.run_name)} ({_line(report.run_id)})" if report.run_name else _line(report.run_id)
    if report.step:
        yield "Step", _line(report.step)
    if report.failed_steps:
        yield "Failed steps", _line(", ".join(report.failed_steps))
    if report.attempt > 1:
        yield "Attempt", str(report.attempt)
    if report.duration is not None:
        yield "Duration", duration_text(report.duration)


def _blocks(report: RunReport) -> Iterator[str]:
    if report.failure is not None and report.failure.traceback:
        yield _tail(report.failure.traceback.splitlines())
    if report.log_lines:
        yield "Last lines of the log:\n" + _tail(report.log_lines)


def _tail(lines: Iterable[str]) -> str:
    """Return the last lines, without colors, of which long ones are cut; what is left out is said."""
    found = [_COLORS.sub("", sendable(line.rstrip("\r\n"))) for line in lines]
    kept = [line if len(line) <= _WIDTH else f"{line[:_WIDTH]} \u2026 {len(line) - _WIDTH:,} more characters" for line in found[-_LINES:]]
    left = len(found) - len(kept)
    return "\n".join([f"\u2026 {left:,} lines above", *kept] if left else kept)


def _line(text: str) -> str:
    return " ".join(sendable(text).split())

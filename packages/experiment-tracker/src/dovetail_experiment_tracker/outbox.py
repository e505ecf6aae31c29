"""Metric points on their way to the backend: a bounded queue, and a thread that sends what is in it.

What was put is delivered, waits, or is lost and said to be: nothing vanishes without a word.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from dovetail_core import DovetailError, RateLimited, Timeout, Unavailable, new_id, threads
from dovetail_core.retry import delays
from dovetail_experiment_tracker import process_end
from dovetail_experiment_tracker.records import MetricPoint

log: logging.Logger = logging.getLogger("dovetail.experiment_tracker")

Send = Callable[[str, Sequence[MetricPoint], str], None]
"""Sends points of a run under the id of their batch; called again with the same after an error that says `retryable`."""

_IDLE = 5.0


@dataclass
class Loss:
    """What was lost of a run, and why."""

    error: BaseException
    points: int = 0
    others: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return ", ".join([*([f"{self.points} metric points"] if self.points else []), *self.others])


@dataclass
class _Lot:
    """What waits, or is being sent."""

    points: dict[str, list[MetricPoint]] = field(default_factory=lambda: defaultdict(list))
    calls: list[tuple[str, str, Callable[[], object]]] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(map(len, self.points.values())) + len(self.calls)


@dataclass(frozen=True)
class Terms:
    """How an outbox behaves."""

    label: str
    batch: int
    """Most points of one call."""
    capacity: int
    """Most points that wait."""
    interval: float
    """Seconds after which a point is sent at the latest, if the backend answers."""
    patient: bool
    """Whether an outage is waited for as long as it takes, and points that do not fit are lost; else what waits is lost when `patience` is over."""
    patience: float
    """Seconds for which an outage is waited for, from its first failure on; after that, what waits is tried once, for as long again."""


class Outbox:
    """Sends metric points in the background. Safe to use from any thread; a process that was forked begins with an empty one."""

    def __init__(self, send: Send, terms: Terms) -> None:
        self._send = send
        self._terms = terms
        self._reset()
        _outboxes.add(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        """Entered by itself, and not by `_changed`: that does it in code of Python's, which an interruption can leave with the lock held."""
        self._changed = threading.Condition(self._lock)
        self._waiting = _Lot()
        self._count = 0
        """Points and calls that wait or are being sent."""
        self._calls = 0
        """How many of these are calls."""
        self._lots = self._lots_done = 0
        """How often all that waited was taken, and how many of these lots are done with."""
        self._losses: dict[str, Loss] = {}
        self._thread: threading.Thread | None = None
        self._wanted = self._closing = self._away = False
        self._away_since = self._failed_at = 0.0

    # Putting

    @property
    def away(self) -> bool:
        """Whether the backend did not answer when it was last asked."""
        return self._away

    @property
    def clear(self) -> bool:
        """Whether a call can be made at once: the backend is there as far as is known, and no earlier call would be overtaken."""
        return not self._away and not self._calls

    def put_call(self, run_id: str, what: str, call: Callable[[], object]) -> None:
        """Accept a call about a run that is made when the backend is there; what it is told to be is lost where the queue is full."""
        with self._lock:
            if self._count >= self._terms.capacity:
                self._lose(run_id, what, self._full())
                return
            self._waiting.calls.append((run_id, what, call))
            self._count += 1
            self._calls += 1
            self._want()

    def _full(self) -> Unavailable:
        return Unavailable(f"{self._terms.label} is away, and its buffer is full")

    def put(self, run_id: str, points: Sequence[MetricPoint]) -> None:
        """Accept points. Where the queue is full, waits for room; if the terms are patient, loses what does not fit in an outage.

        Raises what earlier points of the run met, if they were lost since that was last said.
        """
        with self._lock:
            if self._losses and not self._terms.patient:
                self._tell(run_id)
            if self._count + len(points) <= self._terms.capacity:
                self._accept(run_id, points)
                return
            for start in range(0, len(points), self._terms.batch):
                self._put_piece(run_id, points[start : start + self._terms.batch])

    def _accept(self, run_id: str, points: Sequence[MetricPoint]) -> None:
        before = self._count
        self._waiting.points[run_id].extend(points)
        self._count += len(points)
        if self._thread is None:
            self._start()
        elif before == 0 or before < self._terms.batch <= self._count:
            self._changed.notify_all()

    def _put_piece(self, run_id: str, points: Sequence[MetricPoint]) -> None:
        while self._count and self._count + len(points) > self._terms.capacity:
            if self._terms.patient and self._away:
                self._lose(run_id, len(points), self._full())
                return
            if not self._wanted:  # else threads that wait for room would wake each other without end
                self._want()
            self._pause(1.0)
            if not self._terms.patient:
                self._tell(run_id)
        self._accept(run_id, points)

    # Saying what became of it

    def flush(self, run_id: str | None = None, timeout: float | None = None) -> None:
        """Return when all that was put before is stored.

        Raises what points that were lost met, of this run or of any, with their count as `lost` in the details; and `Timeout`, with the
        count as `waiting`, if after `timeout` seconds points still wait.
        """
        with self._lock:
            if not self._wait(timeout):
                raise self._late()
            self._tell(run_id)

    def _wait(self, timeout: float | None) -> bool:
        """Wait until all that was put before is delivered or lost, and tell whether it was in time."""
        deadline = None if timeout is None else time.monotonic() + timeout
        goal = self._lots + bool(self._waiting)
        while self._lots_done < goal:
            self._want()
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return False
            self._pause(left)
        return True

    def _pause(self, seconds: float | None) -> None:
        """Wait until something changes; where no thread can be started, send what waits here."""
        if self._thread is not None or not self._waiting:
            self._changed.wait(seconds)
            return
        lot = self._taken()
        self._lock.release()
        try:
            self._send_lot(lot)
        finally:
            self._lock.acquire()

    def _want(self) -> None:
        if self._thread is None:
            self._start()
        self._wanted = True
        self._changed.notify_all()

    def _late(self) -> Timeout:
        return Timeout(
            f"{self._terms.label}: {self._count} metric points and calls are not stored yet",
            remedy="they wait: flush again",
            waiting=self._count,
        )

    def _tell(self, run_id: str | None) -> None:
        names = [run_id] if run_id is not None else list(self._losses)
        losses = {name: self._losses.pop(name) for name in names if name in self._losses}
        errors = [_told(loss, name) for name, loss in losses.items()]
        for error in errors[1:]:
            log.error("%s", error)
        if errors:
            raise errors[0]

    def close(self, timeout: float | None = None) -> None:
        """Deliver what waits, for `timeout` seconds at most, and end the thread. Raises what `flush` does; what is not delivered is lost."""
        with self._lock:
            self._wait(self._terms.patience if timeout is None else timeout)
            thread, self._closing = self._thread, True
            self._changed.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join(self._terms.patience)
        with self._lock:
            if self._count:
                raise self._late()
            self._tell(None)

    # The thread

    def _start(self) -> None:
        process_end.call_at_end(at_exit)
        self._closing = False
        thread = threading.Thread(target=self._work, name="dovetail-experiment-tracker", daemon=True)
        try:
            threads.start(thread)  # a signal may raise here: who waits for a thread that never started would wait for ever
        except RuntimeError:  # an interpreter that ends starts none (since Python 3.12): whoever waits sends
            return
        self._thread = thread

    def _work(self) -> None:
        me = threading.current_thread()
        with self._lock:
            if self._thread not in (None, me):  # an interruption hid that this one was started, and another took its place
                return
            self._thread = me
        while (lot := self._next_lot()) is not None:
            self._send_lot(lot)

    def _next_lot(self) -> _Lot | None:
        """Return all that waits, once it is much, old, or wanted; None if the thread is to end."""
        with self._lock:
            self._changed.wait_for(lambda: len(self._waiting) or self._closing, _IDLE)
            if not self._waiting:
                self._thread = None
                return None
            self._changed.wait_for(lambda: self._closing or self._wanted or self._count >= self._terms.batch, self._terms.interval)
            return self._taken()

    def _taken(self) -> _Lot:
        lot, self._waiting, self._wanted = self._waiting, _Lot(), False
        self._lots += 1
        return lot

    def _send_lot(self, lot: _Lot) -> None:
        hopeless: Exception | None = None
        for run_id, what, call in self._pieces_of(lot):
            error = hopeless or self._error_of(call)
            with self._lock:
                if error is not None:
                    self._lose(run_id, what, error)
                self._count -= what if isinstance(what, int) else 1
                self._calls -= isinstance(what, str)
                self._changed.notify_all()
            hopeless = error if self._is_long_away() else None  # where each of many tries takes its time, there would be no end
        with self._lock:
            self._lots_done += 1
            self._count, self._calls = len(self._waiting), len(self._waiting.calls)
            self._changed.notify_all()

    def _is_long_away(self) -> bool:
        return self._away and not self._endless and time.monotonic() - self._away_since > 2 * self._terms.patience

    @property
    def _endless(self) -> bool:
        """Whether an outage is waited for as long as it takes; whoever sends where no thread can be started does not."""
        return self._terms.patient and self._thread is not None

    def _pieces_of(self, lot: _Lot) -> Iterator[tuple[str, str | int, Callable[[], object]]]:
        """Yield calls, each with its run, and what is lost if it fails: points by their number, or what is told of it."""
        for run_id, points in lot.points.items():
            for start in range(0, len(points), self._terms.batch):
                piece = points[start : start + self._terms.batch]
                yield run_id, len(piece), partial(self._send, run_id, piece, new_id())
        yield from lot.calls

    def _error_of(self, call: Callable[[], object]) -> Exception | None:
        """Make a call, again and again while the backend is away and there is patience; return what it met at last, None if it is done."""
        waits, begun = delays(), time.monotonic()
        while (error := _error_in(call)) is not None:
            asked = (error.retry_after or 0.0) if isinstance(error, RateLimited) else 0.0
            with self._lock:
                self._note(error, begun)
                left = self._away_since + self._terms.patience - time.monotonic()
                if not self._away or self._closing or (not self._endless and left <= asked):
                    return error
                self._changed.notify_all()
                wait = next(waits) if self._endless else min(next(waits), left)
                self._changed.wait_for(lambda: self._closing, max(wait, asked))
            begun = time.monotonic()
        self._away = False
        return None

    def _note(self, error: Exception, begun: float) -> None:
        """Note whether an outage begins, goes on, or is over, by what a call met that was begun then."""
        known = self._away and begun - self._failed_at <= self._terms.patience  # of one that long ago nobody knows whether it went on
        self._away, self._failed_at = isinstance(error, DovetailError) and error.retryable, time.monotonic()
        if self._away and not known:
            self._away_since = self._failed_at

    def _lose(self, run_id: str, what: str | int, error: BaseException) -> None:
        """Note the loss of a number of points, or of something else."""
        loss = self._losses.setdefault(run_id, Loss(error))
        if isinstance(what, int):
            loss.points += what
        else:
            loss.others.append(what)


def _error_in(call: Callable[[], object]) -> Exception | None:
    try:
        call()
    except Exception as error:
        return error
    return None


def _told(loss: Loss, run_id: str) -> DovetailError:
    """Return the error that says what was lost: of the kind that the points met."""
    message = f"of run {run_id} were lost: {loss}; {loss.error}"
    kind = type(loss.error) if isinstance(loss.error, DovetailError) else Unavailable
    error = kind(message, remedy="log them again, or go on without", retryable=False, lost=loss.points, others=loss.others)
    error.__cause__ = loss.error
    return error


_outboxes: weakref.WeakSet[Outbox] = weakref.WeakSet()


def _begin_anew() -> None:
    for outbox in list(_outboxes):
        with contextlib.suppress(Exception):
            outbox._reset()  # what waits is the parent's to send, and its lock may be held by a thread that is not here


def at_exit() -> None:
    """Deliver what waits in any outbox, and log what was lost."""
    for outbox in list(_outboxes):
        try:
            outbox.close()
        except Exception as error:  # the others still have to be delivered
            log.error("at the end of the process: %s", error)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)

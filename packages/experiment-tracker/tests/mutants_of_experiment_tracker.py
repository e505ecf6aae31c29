"""Variants of experiment trackers, in memory and in files; each mutant has one small bug that exactly the named rules catch."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic import Field, SecretStr

from dovetail_conformance.mutants import equivalent, mutant
from dovetail_core import AlreadyExists, DovetailError, InvalidArgument, Unavailable, new_id
from dovetail_experiment_tracker import (
    ArtifactInfo,
    Found,
    InMemoryExperimentTracker,
    LocalExperimentTracker,
    MetricPoint,
    NewRun,
    Page,
    Run,
    RunQuery,
    RunRecord,
    RunStatus,
    matching,
    open_runs,
)
from dovetail_experiment_tracker import ExperimentTrackerCapability as Capability
from dovetail_experiment_tracker.delivery import Delivery
from dovetail_experiment_tracker.memory import Stored
from dovetail_experiment_tracker.outbox import Outbox
from dovetail_experiment_tracker.params import decode
from dovetail_experiment_tracker.testing import LocalHarness, MemoryHarness

# How runs end


class _AlwaysWell(Run):
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        super().__exit__(*(None, None, None) if isinstance(error, MemoryError) else (kind, error, trace))


@mutant("ET-01", of=MemoryHarness)
class AnExceptionIsAnEnd(InMemoryExperimentTracker):
    """A run is finished although an exception left its block."""

    run_class = _AlwaysWell


@mutant("ET-24", of=LocalHarness)
class NobodyEndsIt(LocalExperimentTracker):
    """A run that nobody ends is running for ever."""

    def start_run(self, *args: Any, **more: Any) -> Run:
        """Start a run, and leave it to its caller."""
        run = super().start_run(*args, **more)
        open_runs.discard(run)
        return run


@mutant("ET-25", of=LocalHarness)
class TheLastBatchIsLost(LocalExperimentTracker):
    """What is sent when the process is at its end does not arrive."""

    def _log_metrics(self, run_id: str, points: Sequence[MetricPoint], batch: str) -> None:
        if threading.main_thread().is_alive():
            super()._log_metrics(run_id, points, batch)


@mutant("ET-03", of=MemoryHarness)
class EndsTheFamily(InMemoryExperimentTracker):
    """Ending a run ends its children, too."""

    def _end_run(self, run_id: str, status: RunStatus, ended: Any) -> None:
        super()._end_run(run_id, status, ended)
        for stored in self._space.runs.values():
            if stored.record.parent == run_id and not stored.record.status.ended:
                stored.record = replace(stored.record, status=status, ended=ended)


class _EndsAgain(Run):
    def end(self, status: RunStatus = RunStatus.FINISHED) -> None:
        self._status = None
        super().end(status)


@mutant("ET-32", "ET-36", of=MemoryHarness)
class TheLastEndHolds(InMemoryExperimentTracker):
    """A run can be ended again, and otherwise."""

    run_class = _EndsAgain


@mutant("ET-04", of=MemoryHarness)
class AFailedEndStaysActive(InMemoryExperimentTracker):
    """A run whose end cannot be recorded is active ever after."""

    stuck: Run | None = None

    def finish_run(self, run: Run, status: RunStatus) -> None:
        """Keep a run whose end failed."""
        try:
            super().finish_run(run, status)
        except DovetailError:
            self.stuck = run
            raise

    @property
    def active_run(self) -> Run | None:
        """The run whose end failed, or the active one."""
        return self.stuck or super().active_run


# Whose run it is


class _Noted(Run):
    def _enter(self) -> None:
        super()._enter()
        self.tracker.entered.append(self)  # type: ignore[attr-defined]

    def _leave(self, error: BaseException | None) -> None:
        super()._leave(error)
        self.tracker.entered.remove(self)  # type: ignore[attr-defined]


@mutant("ET-02", of=MemoryHarness)
class OneActiveRunForAll(InMemoryExperimentTracker):
    """The active run is the one that was entered last, in whatever thread or task."""

    run_class = _Noted

    def setup(self) -> None:
        """Prepare the list of runs."""
        super().setup()
        self.entered: list[Run] = []

    @property
    def active_run(self) -> Run | None:
        """The run that was entered last."""
        return self.entered[-1] if self.entered else None


@mutant("ET-05", of=MemoryHarness)
class AsksTheEnvironment(InMemoryExperimentTracker):
    """An experiment in the environment is taken for the one that was asked for."""

    def _create_run(self, run: NewRun) -> RunRecord:
        return super()._create_run(replace(run, experiment=os.environ.get("TRACKING_EXPERIMENT_NAME", run.experiment)))


@mutant("ET-22", of=MemoryHarness)
class LeavesADirectory(InMemoryExperimentTracker):
    """A directory for what might come is made where the process happens to be, if nothing else is there."""

    def _create_run(self, run: NewRun) -> RunRecord:
        if not any(Path.cwd().iterdir()):
            Path("runs").mkdir()
        return super()._create_run(run)


@mutant("ET-23", of=MemoryHarness)
class AttachesToTheLast(InMemoryExperimentTracker):
    """Whoever attaches to a run gets the running one that was started last."""

    def attach(self, run_id: str, *, buffered: bool | None = None) -> Run:
        """Attach to the last run."""
        self.get_run(run_id)
        running = [stored.record.id for stored in self._space.runs.values() if stored.record.status is RunStatus.RUNNING]
        return super().attach((running or [run_id])[-1], buffered=buffered)


# Runs


@mutant("ET-07", of=MemoryHarness)
class CountsAnew(InMemoryExperimentTracker):
    """A run that is resumed counts its steps from 0 again."""

    def start_run(self, *args: Any, **more: Any) -> Run:
        """Forget the highest steps."""
        run = super().start_run(*args, **more)
        run._next_steps.clear()
        return run


@mutant("ET-19", of=MemoryHarness)
class LooksAndThenMakes(InMemoryExperimentTracker):
    """An experiment is looked for, and then made; another that made it meanwhile is an error."""

    def _create_run(self, run: NewRun) -> RunRecord:
        if run.experiment not in self._space.experiments:
            time.sleep(0.02)
            if run.experiment in self._space.experiments:
                raise AlreadyExists(f"there is an experiment {run.experiment}")
        return super()._create_run(run)


@mutant("ET-20", of=MemoryHarness)
class LogsToTheDead(InMemoryExperimentTracker):
    """Points of a run that was deleted vanish without a word."""

    def _log_metrics(self, run_id: str, points: Sequence[MetricPoint], batch: str) -> None:
        if run_id in self._space.runs:
            super()._log_metrics(run_id, points, batch)


@mutant("ET-37", of=MemoryHarness)
class NamesInAscii(InMemoryExperimentTracker):
    """Names of runs lose what is not ASCII."""

    def _create_run(self, run: NewRun) -> RunRecord:
        return super()._create_run(replace(run, name=run.name.encode("ascii", "ignore").decode()))


@mutant("ET-30", of=MemoryHarness)
class ReadsAndThenWrites(InMemoryExperimentTracker):
    """Points are added to a copy, which then takes the place of what is there."""

    def _log_metrics(self, run_id: str, points: Sequence[MetricPoint], batch: str) -> None:
        stored = self._stored(run_id)
        for point in points:
            grown = [*stored.points.get(point.key, ()), point]
            time.sleep(0)
            stored.points[point.key] = grown


# Metrics


@mutant("ET-06", of=MemoryHarness)
class EqualsAreOne(InMemoryExperimentTracker):
    """Points that are equal in everything are kept once."""

    def _log_metrics(self, run_id: str, points: Sequence[MetricPoint], batch: str) -> None:
        known = self._stored(run_id).points
        for point in points:
            if point not in known.get(point.key, ()):
                super()._log_metrics(run_id, [point], new_id())


@mutant("ET-08", of=MemoryHarness)
class TinyIsZero(InMemoryExperimentTracker):
    """The smallest floats are stored as zero."""

    def _log_metrics(self, run_id: str, points: Sequence[MetricPoint], batch: str) -> None:
        super()._log_metrics(run_id, [p._replace(value=0.0) if abs(p.value) < 1e-300 else p for p in points], batch)


@mutant("ET-33", of=MemoryHarness)
class TheLastLoggedIsTheLatest(InMemoryExperimentTracker):
    """Of several points of the highest step the one that was logged last counts."""

    def _whole(self, stored: Stored) -> RunRecord:
        latest = {key: max(enumerate(points), key=lambda pair: (pair[1].step, pair[0]))[1] for key, points in stored.points.items()}
        return replace(super()._whole(stored), latest=latest)


@mutant("ET-11", of=MemoryHarness)
class OnlyTheFirstTags(InMemoryExperimentTracker):
    """Of more tags than one call takes, the first are set."""

    def _send_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        super()._send_tags(run_id, dict(list(tags.items())[: self.tags_per_call]))


@mutant("ET-17", of=MemoryHarness)
class OnePageOfHistory(InMemoryExperimentTracker):
    """A history ends after a page."""

    def _metric_history(self, run_id: str, key: str) -> Iterable[MetricPoint]:
        return list(super()._metric_history(run_id, key))[:1000]


@mutant("ET-14", of=MemoryHarness)
class CloseForgets(InMemoryExperimentTracker):
    """Closing forgets what waits."""

    def close(self) -> None:
        """Forget."""
        if self._delivery._outbox is not None:
            self._delivery._outbox._reset()
        super().close()


@mutant("ET-14", of=LocalHarness)
class ForkedWorkersLoseTheirs(LocalExperimentTracker):
    """What a forked worker sends does not arrive."""

    def setup(self) -> None:
        """Note the process."""
        super().setup()
        self.made_in = os.getpid()

    def _log_metrics(self, run_id: str, points: Sequence[MetricPoint], batch: str) -> None:
        if os.getpid() == self.made_in:
            super()._log_metrics(run_id, points, batch)


@mutant("ET-38", of=MemoryHarness)
class AlwaysInTheBackground(InMemoryExperimentTracker):
    """Points are sent in the background, whatever was asked for."""

    def _is_buffered(self, wanted: bool | None) -> bool:
        return True


# Parameters, tags, keys


@mutant("ET-09", of=MemoryHarness)
class EqualNumbersAreTheSame(InMemoryExperimentTracker):
    """1 and 1.0 are the same value of a parameter."""

    def _log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        stored = self._stored(run_id).params
        same = {key: stored[key] for key, text in params.items() if key in stored and decode(stored[key]) == decode(text)}
        super()._log_params(run_id, {**params, **same})


class _LooksNot(Delivery):
    def _demand_no_conflict(self, run_id: str, params: Mapping[str, str]) -> None:
        pass


@mutant("ET-09", of=MemoryHarness)
class ConflictInTheSecondCall(InMemoryExperimentTracker):
    """Of parameters that need several calls, those before the conflict are kept."""

    def setup(self) -> None:
        """Take a delivery that looks for no conflict."""
        super().setup()
        self._delivery = _LooksNot(self)


class _OneByOne(Run):
    def log_metrics(self, values: Mapping[str, Any], step: int | None = None, time: Any = None) -> None:
        for key, value in values.items():
            self.log_metric(key, value, step, time)


@mutant("ET-10", of=MemoryHarness)
class ChecksOneByOne(InMemoryExperimentTracker):
    """Of several metrics those before a bad one are recorded."""

    run_class = _OneByOne


@mutant("ET-12", of=MemoryHarness)
class ColonsAreDashes(InMemoryExperimentTracker):
    """A colon in a metric's key becomes a dash."""

    def _log_metrics(self, run_id: str, points: Sequence[MetricPoint], batch: str) -> None:
        super()._log_metrics(run_id, [point._replace(key=point.key.replace(":", "-")) for point in points], batch)


@mutant("ET-13", of=MemoryHarness)
class OneLineParameters(InMemoryExperimentTracker):
    """Line ends in a parameter become spaces."""

    def _log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        super()._log_params(run_id, {key: text.replace("\n", " ") for key, text in params.items()})


@mutant("ET-35", of=MemoryHarness)
class CutsTags(InMemoryExperimentTracker):
    """Long tags are cut."""

    def _set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        super()._set_tags(run_id, {key: value[:4096] for key, value in tags.items()})


@mutant("ET-18", of=MemoryHarness)
class ShowsCredentials(InMemoryExperimentTracker):
    """The address of a run is the one that the client uses."""

    def run_url(self, run: RunRecord) -> str | None:
        """Return the address, with user and password."""
        return f"http://user:password@127.0.0.1:5000/runs/{run.id}"


@mutant("ET-18", of=MemoryHarness)
class TellsItsChildren(InMemoryExperimentTracker):
    """While a run is active, a variable of the environment holds the password."""

    class Config(InMemoryExperimentTracker.Config):
        """Settings with a password."""

        password: SecretStr = Field(default=SecretStr("a password that nobody sees"), description="Password.")

    config: Config

    @contextmanager
    def _activate(self, run_id: str, autolog: bool) -> Iterator[None]:
        os.environ["TRACKER_LOGIN"] = f"user:{self.config.password.get_secret_value()}"
        try:
            yield
        finally:
            os.environ.pop("TRACKER_LOGIN", None)


# Searching


@mutant("ET-27", of=MemoryHarness)
class AbsentIsOther(InMemoryExperimentTracker):
    """What a run does not have is unequal to everything."""

    def _search_runs(self, query: RunQuery, after: str | None, limit: int) -> Found[RunRecord]:
        loose = [one for one in query.conditions if one.operator != "!="]
        others = [one for one in query.conditions if one.operator == "!="]
        found = super()._search_runs(replace(query, conditions=tuple(loose)), after, limit)
        kept = [run for run in found.items if all(self._unequal(run, one) for one in others)]
        return Found(kept, found.after)

    def _unequal(self, run: RunRecord, one: Any) -> bool:
        return matching.value_of(run, one.field) is matching.ABSENT or matching.matches(run, [one])


@mutant("ET-28", of=MemoryHarness)
class PagesByCounting(InMemoryExperimentTracker):
    """A page begins after as many runs as were given."""

    def _search_runs(self, query: RunQuery, after: str | None, limit: int) -> Found[RunRecord]:
        start = int(after or 0)
        found = super()._search_runs(query, None, 1_000_000).items
        return Found(found[start : start + limit], str(start + limit) if len(found) > start + limit else None)


@mutant("ET-28", of=MemoryHarness)
class NoNumberIsZero(InMemoryExperimentTracker):
    """What is not a number is sorted among the numbers."""

    def _whole(self, stored: Stored) -> RunRecord:
        record = super()._whole(stored)
        if not self.sorting:
            return record
        return replace(record, latest={key: p._replace(value=0.0 if p.value != p.value else p.value) for key, p in record.latest.items()})

    sorting = False

    def _search_runs(self, query: RunQuery, after: str | None, limit: int) -> Found[RunRecord]:
        self.sorting = query.field.kind == "metrics"
        try:
            return super()._search_runs(query, after, limit)
        finally:
            self.sorting = False


@mutant("ET-29", of=MemoryHarness)
class NonsenseFindsNothing(InMemoryExperimentTracker):
    """A filter that is not understood finds nothing."""

    def search_runs(self, *args: Any, **more: Any) -> Page[RunRecord]:
        """Return nothing for what is not understood."""
        try:
            return super().search_runs(*args, **more)
        except InvalidArgument as error:
            if "condition on" in error.message:
                return Page(())
            raise


@mutant("ET-39", of=MemoryHarness)
class ListsWithoutTags(InMemoryExperimentTracker):
    """Runs in a listing have no tags."""

    def _search_runs(self, query: RunQuery, after: str | None, limit: int) -> Found[RunRecord]:
        found = super()._search_runs(query, after, limit)
        return Found([replace(run, tags={}) for run in found.items], found.after)


# Files


@mutant("ET-21", of=MemoryHarness)
class NothingIsNoFile(InMemoryExperimentTracker):
    """An empty file is not stored."""

    def _upload(self, run_id: str, source: Path, path: str) -> None:
        if source.stat().st_size:
            super()._upload(run_id, source, path)


@mutant("ET-40", of=MemoryHarness)
class CaseIsNothing(InMemoryExperimentTracker):
    """A directory is found whatever the case of its name."""

    def _list_artifacts(self, run_id: str, prefix: str) -> Iterator[ArtifactInfo]:
        for info in super()._list_artifacts(run_id, ""):
            if not prefix or f"{info.path.casefold()}/".startswith(f"{prefix.casefold()}/"):
                yield info


@mutant("ET-26", of=LocalHarness)
class WritesInPlace(LocalExperimentTracker):
    """A file of the tracker's own grows where it is to be."""

    def _upload(self, run_id: str, source: Path, path: str) -> None:
        if self.artifact_store is not None:
            return super()._upload(run_id, source, path)
        super()._get_run(run_id)
        target = self.config.path / "files" / run_id / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as old, target.open("wb") as new:
            while piece := old.read(1 << 16):
                new.write(piece)
                time.sleep(0)


@mutant("ET-42", of=LocalHarness)
class KeepsItsOwnPlace(LocalExperimentTracker):
    """An artifact store is accepted, and not used."""

    def _create_run(self, run: NewRun) -> RunRecord:
        store, self.artifact_store = self.artifact_store, None
        try:
            return super()._create_run(run)
        finally:
            self.artifact_store = store


# Faults


@mutant("ET-15", of=MemoryHarness)
class SaysNothingOfAnOutage(InMemoryExperimentTracker):
    """A parameter that is logged while the backend is away is forgotten."""

    def _log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        try:
            super()._log_params(run_id, params)
        except Unavailable:
            if self.config.on_outage == "buffer":
                raise


class _WaitsForEachCall(Outbox):
    def _error_of(self, call: Any) -> Exception | None:
        self._away = False
        return super()._error_of(call)

    def _is_long_away(self) -> bool:
        return False


class _WithThatOutbox(Delivery):
    def _made(self) -> Outbox:
        if self._outbox is None:
            self._outbox = _WaitsForEachCall(self._tracker._log_metrics, self._terms())
        return self._outbox


@mutant("ET-15", of=MemoryHarness)
class WaitsForEachCall(InMemoryExperimentTracker):
    """An outage is waited for again and again, with each call that the points take."""

    def setup(self) -> None:
        """Take an outbox that waits for each call."""
        super().setup()
        self._delivery = _WithThatOutbox(self)


class _Overtakes(Delivery):
    def now(self, run_id: str, what: str, call: Any) -> None:
        if self._outbox is not None and not self._outbox.away:
            self._outbox._calls = 0
        super().now(run_id, what, call)


@mutant("ET-41", of=MemoryHarness)
class OvertakesWhatWaits(InMemoryExperimentTracker):
    """A call is made at once when the backend is back, also while earlier ones wait."""

    def setup(self) -> None:
        """Take a delivery that overtakes."""
        super().setup()
        self._delivery = _Overtakes(self)

    def _set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        super()._set_tags(run_id, tags)
        if self.config.on_outage == "buffer":
            time.sleep(0.02)


class _AlwaysLooks(Delivery):
    def _stored_params(self, run_id: str) -> Mapping[str, Any]:
        return self._tracker.get_run(run_id).params


@mutant("ET-41", of=MemoryHarness)
class LooksInAnOutage(InMemoryExperimentTracker):
    """Before more parameters than one call takes, the run is read, also where an outage may fail nobody."""

    def setup(self) -> None:
        """Take a delivery that always looks."""
        super().setup()
        self._delivery = _AlwaysLooks(self)


@mutant("ET-41", of=MemoryHarness)
class ReadsTheRunToEnterIt(InMemoryExperimentTracker):
    """A run is read when its block is entered, also where an outage may fail nobody."""

    @contextmanager
    def _activate(self, run_id: str, autolog: bool) -> Iterator[None]:
        if self.config.on_outage == "buffer":
            self.get_run(run_id)
        yield


class _NeverLenient(Delivery):
    @property
    def _lenient(self) -> bool:
        return False


@mutant("ET-41", of=MemoryHarness)
class NeverBuffersAnOutage(InMemoryExperimentTracker):
    """An outage fails whoever logs, whatever the config says."""

    def setup(self) -> None:
        """Take a delivery that is never lenient."""
        super().setup()
        self._delivery = _NeverLenient(self)


@mutant("ET-16", of=MemoryHarness)
class EveryBatchIsNew(InMemoryExperimentTracker):
    """A batch that is sent again is stored again."""

    def _log_metrics(self, run_id: str, points: Sequence[MetricPoint], batch: str) -> None:
        super()._log_metrics(run_id, points, new_id())


@mutant("ET-16", of=MemoryHarness)
class EveryRunIsNew(InMemoryExperimentTracker):
    """A run that is created again is another one."""

    def _create_run(self, run: NewRun) -> RunRecord:
        return super()._create_run(replace(run, key=new_id()))


@mutant("ET-31", of=LocalHarness)
class FlushPromises(LocalExperimentTracker):
    """In a process that another started, flushing stores nothing before the end."""

    def flush(self, run_id: str | None = None, timeout: float | None = None) -> None:
        """Flush, in a main process."""
        if multiprocessing.parent_process() is None:
            super().flush(run_id, timeout)


# Equivalents


@equivalent(of=MemoryHarness)
class Slow(InMemoryExperimentTracker):
    """Every write takes a while."""

    def _log_metrics(self, run_id: str, points: Sequence[MetricPoint], batch: str) -> None:
        time.sleep(0.0005)
        super()._log_metrics(run_id, points, batch)

    def _set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        time.sleep(0.002)
        super()._set_tags(run_id, tags)


@equivalent(of=MemoryHarness)
class Spartan(InMemoryExperimentTracker):
    """Nothing beyond the mandatory contract."""

    capabilities = frozenset()


@equivalent(of=MemoryHarness)
class InTheForeground(InMemoryExperimentTracker):
    """Everything but the background."""

    capabilities = InMemoryExperimentTracker.capabilities - {Capability.ASYNC}


@equivalent(of=MemoryHarness)
class BigCalls(InMemoryExperimentTracker):
    """Calls of any size, and pages that are shorter than asked for."""

    points_per_call = params_per_call = tags_per_call = 5000

    def _search_runs(self, query: RunQuery, after: str | None, limit: int) -> Found[RunRecord]:
        return super()._search_runs(query, after, min(limit, 3))


@equivalent(of=MemoryHarness)
class PickyAboutKeys(InMemoryExperimentTracker):
    """Keys with a colon or at a path's place are refused."""

    def _unfit_key(self, key: str) -> str:
        return "it has a colon, or leads elsewhere" if ":" in key or ".." in key or key.startswith("/") else ""


@equivalent(of=LocalHarness)
class FullySynchronous(LocalExperimentTracker):
    """Small calls, in files."""

    points_per_call = 100
    params_per_call = tags_per_call = 4

"""What a local run leaves on disk, so that other processes can see it, read its logs, and stop it.

<path>/<run id>/journal          what happened; the process that executes the run is named in its first line
                cancel           present once somebody wants the run to stop
                logs/<step>.<attempt>.log
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from dovetail_core import Conflict, Failure, InvalidArgument, NotFound, new_id
from dovetail_orchestrator.journal import Header, Journal, JournalWriter
from dovetail_orchestrator.plan import PipelinePlan, StepState
from dovetail_orchestrator.process_identity import ProcessIdentity
from dovetail_orchestrator.scheduling import outcome
from dovetail_orchestrator.status import RunStatus, StepStatus

LOST = Failure("Lost", "the process that executed the run ended without a word")
_RUN_ID = re.compile(r"[A-Za-z0-9_\-]{1,100}")
_PLAIN = re.compile(r"[a-z0-9_\-\[\]]{1,80}")  # names that differ in case only are one file on some systems


class RunDirectory:
    """The directory of one run."""

    def __init__(self, root: Path, run_id: str) -> None:
        if not _RUN_ID.fullmatch(run_id):
            raise InvalidArgument(f"{run_id!r} is no id of a run", remedy="use letters, digits and dashes, at most 100", field="run_id")
        self.run_id = run_id
        self.path: Path = root / run_id
        self._cancel = f"{self.path}/cancel"
        self._logs = f"{self.path}/logs"

    def create(self, plan: PipelinePlan) -> JournalWriter | None:
        """Make the directory for this process to execute a plan, or return None if the plan was submitted before.

        It appears whole or not at all, to one of several callers. Raises `Conflict` if another plan was submitted.
        """
        header = Header.of(plan)
        made = self.path.parent / f".{new_id()}"
        writer = None
        try:
            (made / "logs").mkdir(parents=True)
            (made / "journal").write_bytes(header.line())
            writer = JournalWriter(made / "journal")  # before the run can be seen: one that cannot be written to must not appear
            os.rename(made, self.path)  # fails if it is there, since it is not empty
        except OSError:
            if writer is not None:
                writer.close()
            shutil.rmtree(made, ignore_errors=True)
            if not self._exists():
                raise
            self._ensure_same(header)
            return None
        return writer

    def _exists(self) -> bool:
        return (self.path / "journal").exists()

    def _ensure_same(self, header: Header) -> None:
        if self._read().header.digest != header.digest:
            raise Conflict(f"another plan was submitted as run {self.run_id}", remedy="submit it under a new run id")

    def status(self) -> RunStatus:
        """Return how far the run is; it has ended if its process is gone. Raises `NotFound`."""
        # the process is looked at before the second reading: one that ends between the two has written its last event by then
        journal = self._read()
        if journal.end is None and not journal.header.driver.alive():
            journal = self._read()
            if journal.end is None:
                return self._lost(journal)
        return RunStatus(self.run_id, journal.end or _on_its_way(journal), journal.named())

    def _lost(self, journal: Journal) -> RunStatus:
        if all(step.state.terminal for step in journal.steps):  # only the last line is missing
            return RunStatus(self.run_id, outcome({step.state for step in journal.steps}, self.cancel_requested()), journal.named())
        state, failure = (StepState.CANCELLED, None) if self.cancel_requested() else (StepState.FAILED, LOST)
        steps = {name: _ended(status, state, failure) for name, status in journal.named().items()}
        return RunStatus(self.run_id, state, steps, failure)

    def driver(self) -> ProcessIdentity:
        """Return the process that executes the run, or did."""
        return self._read().header.driver

    def _read(self) -> Journal:
        try:
            return Journal.read(self.path / "journal")
        except FileNotFoundError:
            what = f"there is no run {self.run_id} in {self.path.parent}"
            raise NotFound(what, remedy="check the id, and the orchestrator's `path`") from None

    def remove(self) -> None:
        """Remove the run; what tells that it was there goes last, so that a removal which was interrupted can be made again."""
        with suppress(FileNotFoundError):  # somebody else removes it, too
            shutil.rmtree(self._logs)
        Path(self._cancel).unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            shutil.rmtree(self.path)

    def request_cancel(self) -> None:
        """Ask the process that executes the run to stop it."""
        Path(self._cancel).touch()

    def cancel_requested(self) -> bool:
        """Tell whether somebody wants the run to stop."""
        return os.path.exists(self._cancel)

    def log(self, step: str, attempt: int) -> str:
        """Return the path of an attempt's log; it may not exist."""
        return f"{self._logs}/{encoded(step)}.{attempt}.log"


def encoded(step: str) -> str:
    """Return a file name for a step: the name itself where it is plain, else a part of it and a digest. No two steps share one."""
    if _PLAIN.fullmatch(step):
        return step
    digest = hashlib.sha256(step.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{re.sub('[^A-Za-z0-9_-]', '_', step)[:40]}%{digest}"


def _on_its_way(journal: Journal) -> StepState:
    return StepState.RUNNING if any(step.state is not StepState.PENDING for step in journal.steps) else StepState.PENDING


def _ended(status: StepStatus, state: StepState, failure: Failure | None) -> StepStatus:
    if status.state.terminal:
        return status
    if status.state is StepState.RUNNING:
        return StepStatus(state, status.attempt, failure)
    return StepStatus(StepState.SKIPPED, 0, reason="the run ended before")

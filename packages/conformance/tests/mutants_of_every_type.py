"""Variants of a gauge, in memory and behind HTTP, for the rules that are asked of every type."""

from __future__ import annotations

import logging
import os
import queue
import socket
import sqlite3
import threading
import time
import uuid
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from gauge import Config, MemoryGauge, MemoryHarness
from pydantic import Field
from wired_gauge import WiredGauge, WiredHarness

from dovetail_conformance.mutants import equivalent, mutant
from dovetail_core import AuthenticationFailed, NotFound, PermissionDenied, Unavailable
from dovetail_core.retry import retrying


@mutant("XC-00", of=MemoryHarness)
class UndescribedSetting(MemoryGauge):
    """A setting has no description."""

    class Config(Config):
        colour: str = Field("red")


@mutant("XC-01", of=WiredHarness)
class LogsTheToken(WiredGauge):
    """The token is in a log line."""

    def _token(self) -> str:
        logging.getLogger("gauge").debug("authenticated as %s", super()._token())
        return super()._token()


@mutant("XC-01", of=WiredHarness)
class SaysTheToken(WiredGauge):
    """The token is in the representation of the component."""

    def __repr__(self) -> str:
        return f"WiredGauge({self.config.token.get_secret_value()!r})"


@mutant("XC-02", "XC-07", of=WiredHarness)
class RefusalIsNotFound(WiredGauge):
    """An unknown token is 'not found'."""

    def _result(self, status: int, data: bytes) -> Any:
        if status == 401:
            raise NotFound("there is no reading", remedy="put one")
        return super()._result(status, data)


@mutant("XC-02", "XC-04", of=WiredHarness)
class DeniedIsNothing(WiredGauge):
    """What may not be done is done by doing nothing."""

    def _result(self, status: int, data: bytes) -> Any:
        return [] if status == 403 else super()._result(status, data)


@mutant("XC-02", of=WiredHarness)
class DeniedOnTopIsNothing(WiredGauge):
    """What may not be put on top of a reading that is there is done by doing nothing."""

    def put(self, value: int) -> None:
        there = self.readings()
        try:
            super().put(value)
        except PermissionDenied:
            if not there:
                raise


@mutant("XC-02", "XC-04", of=WiredHarness)
class RefusedIsNoLastOne(WiredGauge):
    """The last reading, which needs one, is not found where reading is refused."""

    def last(self) -> int:
        try:
            return super().last()
        except (AuthenticationFailed, PermissionDenied) as error:
            raise NotFound("there is no reading", remedy="put one") from error


@mutant("XC-03", of=WiredHarness)
class WaitsForTheLastForEver(WiredGauge):
    """There is no time limit for the last reading, which needs one."""

    def last(self) -> int:
        patient = WiredGauge(self.config)
        patient.config = self.config.model_copy(update={"timeout": None})
        return patient.last()


@mutant("XC-04", "XC-05", of=WiredHarness)
class AsksForTheLastOnce(WiredGauge):
    """The last reading, which needs one, is asked for once."""

    def last(self) -> int:
        return WiredGauge(self.config.model_copy(update={"attempts": 1})).last()


@mutant("XC-03", of=WiredHarness)
class WaitsForEver(WiredGauge):
    """There is no time limit."""

    def setup(self) -> None:
        self.config = self.config.model_copy(update={"timeout": None})


@mutant("XC-04", "XC-05", of=WiredHarness)
class GivesUpAtOnce(WiredGauge):
    """Nothing is tried again."""

    def _ask(self, method: str, body: object = None) -> Any:
        return self._once(method, body)


@mutant("XC-04", of=WiredHarness)
class InsistsOnWhatIsRefused(WiredGauge):
    """A refusal is tried again."""

    def _once(self, method: str, body: object) -> Any:
        return retrying(lambda: self._twice(method, body), attempts=1)

    def _twice(self, method: str, body: object) -> Any:
        try:
            return super()._once(method, body)
        except Exception:
            return super()._once(method, body)


@mutant("XC-05", of=WiredHarness)
class NewIdAtEachAttempt(WiredGauge):
    """A repeated request cannot be told from a new one."""

    def _once(self, method: str, body: Any) -> Any:
        return super()._once(method, {**body, "id": uuid.uuid4().hex} if body else body)


@mutant("XC-05", of=WiredHarness)
class LooksAndPutsAnewAtEachAttempt(WiredGauge):
    """A repeated request cannot be told from a new one, and each comes after one that changes nothing."""

    def _once(self, method: str, body: Any) -> Any:
        super()._once("GET", None)
        return super()._once(method, {**body, "id": uuid.uuid4().hex} if body else body)


@mutant("XC-06", of=WiredHarness)
class KeepsItsFirstToken(WiredGauge):
    """The token is read once."""

    def setup(self) -> None:
        self._first = ""

    def _token(self) -> str:
        self._first = self._first or super()._token()
        return self._first


@mutant("XC-06", of=WiredHarness)
class RenewsForOneThreadOnly(WiredGauge):
    """A token that was replaced is read again by one thread, while the others go on with the old one."""

    def setup(self) -> None:
        self._kept, self._reading = "", threading.Lock()

    def _token(self) -> str:
        if not self._kept:
            self._kept = super()._token()
        elif self._reading.acquire(blocking=False):
            time.sleep(0.02)
            self._kept = super()._token()
            self._reading.release()
        return self._kept


@mutant("XC-07", of=WiredHarness)
class RemembersRefusals(WiredGauge):
    """The call after a refused one is refused too, whoever makes it."""

    refused: ClassVar[list[bool]] = []

    def _ask(self, method: str, body: object = None) -> Any:
        if self.refused:
            self.refused.clear()
            raise AuthenticationFailed("the login failed", remedy="log in")
        try:
            return super()._ask(method, body)
        except AuthenticationFailed:
            self.refused.append(True)
            raise


@mutant("XC-08", of=MemoryHarness)
class LeavesAVariable(MemoryGauge):
    """A setting stays in the environment."""

    def put(self, value: int) -> None:
        os.environ[f"GAUGE_{uuid.uuid4().hex}"] = self.config.unit
        super().put(value)


@mutant("XC-09", of=MemoryHarness)
class KeepsFilesOpen(MemoryGauge):
    """Files that it opened stay open."""

    def put(self, value: int) -> None:
        os.open(os.devnull, os.O_RDONLY)
        super().put(value)


@mutant("XC-09", of=MemoryHarness)
class ClosesOnce(MemoryGauge):
    """It cannot be used after it was closed."""

    def close(self) -> None:
        self.readings = _closed  # type: ignore[method-assign]


def _closed() -> list[int]:
    raise ValueError("it is closed")


@mutant("XC-10", of=MemoryHarness)
class HoldsALock(MemoryGauge):
    """Its state cannot be pickled."""

    def setup(self) -> None:
        super().setup()
        self.lock = threading.Lock()

    def __reduce__(self) -> Any:
        return object.__reduce_ex__(self, 2)


@mutant("XC-11", of=MemoryHarness)
class BelongsToAThread(MemoryGauge):
    """Only the thread that used it first may use it."""

    def put(self, value: int) -> None:
        owner = vars(self).setdefault("owner", threading.get_ident())
        if owner != threading.get_ident():
            raise RuntimeError("it belongs to another thread")
        super().put(value)


@mutant("XC-12", of=MemoryHarness)
class ConnectsAtOnce(MemoryGauge):
    """The constructor looks up its host."""

    def setup(self) -> None:
        super().setup()
        socket.getaddrinfo("127.0.0.1", 80)


@mutant("XC-12", of=MemoryHarness)
class OpensADatabase(MemoryGauge):
    """The constructor opens a database."""

    def setup(self) -> None:
        super().setup()
        sqlite3.connect(Path(__file__).with_name("readings.db")).close()


@mutant("XC-12", of=MemoryHarness)
class StartsAThread(MemoryGauge):
    """The constructor starts a thread, which ends."""

    def setup(self) -> None:
        super().setup()
        thread = threading.Thread(target=super().setup)
        thread.start()
        thread.join()


@mutant("XC-12", of=MemoryHarness)
class StartsAProcess(MemoryGauge):
    """The constructor starts a process, which ends, past `subprocess`."""

    def setup(self) -> None:
        super().setup()
        os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", ":"], {}), 0)


@mutant("XC-12", of=MemoryHarness)
class RemovesAFolder(MemoryGauge):
    """The constructor clears up what is not there."""

    def setup(self) -> None:
        super().setup()
        with suppress(FileNotFoundError):
            os.rmdir(Path(__file__).with_name("old-readings"))


@mutant("XC-13", of=MemoryHarness)
class TakesMore(MemoryGauge):
    """A method takes a parameter that the type does not have."""

    def put(self, value: int, note: str = "") -> None:
        super().put(value)


@mutant("XC-16", of=MemoryHarness)
class LocalTimes(MemoryGauge):
    """Times are local and naive."""

    def times(self) -> list[datetime]:
        return [moment.astimezone().replace(tzinfo=None) for moment in super().times()]


@mutant("XC-16", of=MemoryHarness)
class LocalTimesCalledUtc(MemoryGauge):
    """Times are local, and say that they are UTC."""

    def times(self) -> list[datetime]:
        return [moment.astimezone().replace(tzinfo=moment.tzinfo) for moment in super().times()]


@mutant("XC-17", of=WiredHarness)
class SwallowsInterrupts(WiredGauge):
    """Ctrl-C is one more failure of the network."""

    def _once(self, method: str, body: object) -> Any:
        try:
            return super()._once(method, body)
        except KeyboardInterrupt:
            raise Unavailable("the call was interrupted", remedy="try again") from None


@mutant("XC-17", of=WiredHarness)
class SwallowsInterruptsOfTheLast(WiredGauge):
    """Ctrl-C is one more failure of the network where the last reading, which needs one, is asked for."""

    def last(self) -> int:
        try:
            return super().last()
        except KeyboardInterrupt:
            raise Unavailable("the call was interrupted", remedy="try again") from None


@mutant("XC-20", of=WiredHarness)
class CallsHome(WiredGauge):
    """It connects to somewhere else, too."""

    def put(self, value: int) -> None:
        with socket.create_server(("127.0.0.1", 0)) as home, socket.create_connection(home.getsockname()):
            super().put(value)


@mutant("XC-20", of=WiredHarness)
class CallsHomeBesides(WiredGauge):
    """A thread of its own connects to somewhere else, and nobody waits for it."""

    def put(self, value: int) -> None:
        threading.Thread(target=self._call_home).start()
        super().put(value)

    def _call_home(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as home, socket.create_connection(home.getsockname()):
            return None


@mutant("XC-20", of=WiredHarness)
class KeepsCallingHome(WiredGauge):
    """A thread that is started once per process connects to somewhere else after each call."""

    calls: ClassVar[queue.Queue[None]] = queue.Queue()
    started: ClassVar[list[threading.Thread]] = []

    def put(self, value: int) -> None:
        super().put(value)
        if not self.started:
            self.started.append(threading.Thread(target=self._call_home, daemon=True))
            self.started[0].start()
        self.calls.put(None)
        self.calls.join()

    def _call_home(self) -> None:
        while True:
            self.calls.get()
            with socket.create_server(("127.0.0.1", 0)) as home, socket.create_connection(home.getsockname()):
                self.calls.task_done()


@mutant("XC-20", of=WiredHarness)
class CallsAnotherHost(WiredGauge):
    """It connects to another host, at the port of the endpoint."""

    def put(self, value: int) -> None:
        with suppress(ConnectionError):
            socket.create_connection(("127.0.0.2", urlsplit(self.config.url).port or 0)).close()
        super().put(value)


@mutant("XC-21", of=MemoryHarness)
class GivesItsOwnList(MemoryGauge):
    """What it returns is what it keeps."""

    def setup(self) -> None:
        super().setup()
        self.values: list[int] = []

    def put(self, value: int) -> None:
        super().put(value)
        self.values.append(value)

    def readings(self) -> list[int]:
        return self.values

    def _reset(self) -> None:
        super()._reset()
        self.values.clear()


@equivalent(of=MemoryHarness)
class Slow(MemoryGauge):
    """Everything takes a while."""

    def put(self, value: int) -> None:
        time.sleep(0.01)
        super().put(value)


@equivalent(of=WiredHarness)
class AsksTwice(WiredGauge):
    """Readings are fetched twice, and compared."""

    def readings(self) -> list[int]:
        return super().readings() and super().readings()


@equivalent(of=WiredHarness)
class LooksFirst(WiredGauge):
    """It looks before it puts; who may not look puts all the same."""

    def put(self, value: int) -> None:
        with suppress(PermissionDenied):
            self.readings()
        super().put(value)


@mutant("GA-01", of=MemoryHarness)
class Sorts(MemoryGauge):
    """Readings come sorted the wrong way."""

    def readings(self) -> list[int]:
        return sorted(super().readings(), reverse=True)


@mutant("GA-02", of=MemoryHarness)
class NeverForgets(MemoryGauge):
    """A reset does nothing."""

    def _reset(self) -> None:
        return None


@mutant("GA-03", of=MemoryHarness)
class LastOfNone(MemoryGauge):
    """The last of none is zero."""

    def last(self) -> int:
        return self.readings()[-1] if self.readings() else 0


@mutant("GA-05", of=WiredHarness)
class PutsOneMore(WiredGauge):
    """The server keeps another number."""

    def put(self, value: int) -> None:
        super().put(value + (value == 7))

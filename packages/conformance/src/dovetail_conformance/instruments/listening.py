"""What every fault proxy is: a port, a log of what passed, and faults that are armed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from dovetail_conformance.audit import exempt
from dovetail_conformance.instruments.actions import Action
from dovetail_conformance.instruments.exchange import Passage
from dovetail_conformance.instruments.faults import Fault

P = TypeVar("P", bound=Passage)


class Listener(Generic[P]):
    """Listens on a free port of 127.0.0.1, in a thread of its own, as a context manager. What passes is of the type `P`."""

    def __init__(self, host: str, port: int) -> None:
        self._backend = (host, port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        self._ready = threading.Event()
        self._lock = threading.Lock()
        self._faults: list[Fault[P]] = []
        self._passed: list[P] = []
        self._serving: set[asyncio.Task[None]] = set()
        self.port: int = 0

    @property
    def requests(self) -> list[P]:
        """Every request so far, in the order of arrival."""
        with self._lock:
            return list(self._passed)

    @property
    def count(self) -> int:
        """How many requests there were."""
        return len(self._passed)

    def mark(self) -> int:
        """Return a point in the log, for `since`."""
        return self.count

    def since(self, mark: int) -> list[P]:
        """Return the requests after a point in the log."""
        return self.requests[mark:]

    def _arm(self, action: Action, selector: Callable[[P], bool], nth: int, times: int | None) -> Fault[P]:
        mark = self.count
        fault = Fault(action, selector, nth, times, self._disarm, around=lambda: f"requests that came meanwhile: {self.count - mark}")
        with self._lock:
            self._faults.append(fault)
        return fault

    def _disarm(self, fault: Fault[P]) -> None:
        with self._lock:
            if fault in self._faults:
                self._faults.remove(fault)

    def _begin(self, make: Callable[[int], P]) -> tuple[P, Fault[P] | None]:
        """Log what arrives, which is made from its number, and return it with the fault that is to be done to it."""
        with self._lock:
            passage = make(len(self._passed) + 1)
            self._passed.append(passage)
            armed = list(self._faults)
        fault = next((fault for fault in armed if fault.takes(passage)), None)
        passage.fault = str(fault.action) if fault is not None else ""
        return passage, fault

    def __enter__(self) -> Self:
        exempt([self._thread])
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(reader, writer))
        self._serving.add(task)  # the loop refers weakly to tasks: one that waits could be collected as garbage
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=512))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            self._finish()

    def _finish(self) -> None:
        self._loop.run_until_complete(asyncio.sleep(0))  # connections that were just accepted begin
        while tasks := asyncio.all_tasks(self._loop):
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0))  # transports that were closed let go of their sockets
        self._loop.close()

"""The fault proxy: stands between a flavor and its HTTP backend, counts requests, and disturbs the ones that it is told to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import h11

from dovetail_conformance.instruments.actions import Action
from dovetail_conformance.instruments.exchange import Exchange
from dovetail_conformance.instruments.faults import Fault, matching
from dovetail_conformance.instruments.relay import Relay


class FaultProxy:
    """Forwards HTTP/1.1 from a free port of 127.0.0.1 to a backend, as a context manager.

    Bodies are streamed. Each request has a connection of its own to the backend, so that a fault concerns one request only.
    """

    def __init__(self, host: str, port: int) -> None:
        self._backend = (host, port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        self._ready = threading.Event()
        self._lock = threading.Lock()
        self._faults: list[Fault[Exchange]] = []
        self._requests: list[Exchange] = []
        self.port = 0

    @property
    def url(self) -> str:
        """Address for clients."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[Exchange]:
        """Every request so far, in the order of arrival."""
        with self._lock:
            return list(self._requests)

    @property
    def count(self) -> int:
        """How many requests there were."""
        return len(self._requests)

    def mark(self) -> int:
        """Return a point in the log, for `since`."""
        return self.count

    def since(self, mark: int) -> list[Exchange]:
        """Return the requests after a point in the log."""
        return self.requests[mark:]

    def fault(
        self,
        action: Action,
        *,
        method: str | None = None,
        path: str | None = None,
        where: Callable[[Exchange], bool] | None = None,
        nth: int = 1,
        times: int | None = 1,
    ) -> Fault[Exchange]:
        """Return a fault that is armed, for a `with` block; leaving it raises `FaultDidNotFire` if nothing was disturbed.

        It is done to requests of a method, whose path with its query matches a regular expression, and for which `where` is true: to
        the nth of them from now on, and as many as `times` says (None: all that follow).
        """
        found = matching(path)

        def selected(exchange: Exchange) -> bool:
            target = f"{exchange.path}?{exchange.query}" if exchange.query else exchange.path
            return method in (None, exchange.method) and found(target) and (where is None or where(exchange))

        fault = Fault(action, selected, nth, times, self._disarm)
        with self._lock:
            self._faults.append(fault)
        return fault

    def _disarm(self, fault: Fault[Exchange]) -> None:
        with self._lock:
            self._faults.remove(fault)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            self._finish()

    def _finish(self) -> None:
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Relay(reader, writer, self._backend, self._begin).serve()

    def _begin(self, request: h11.Request) -> tuple[Exchange, Fault[Exchange] | None]:
        path, _, query = request.target.decode("latin-1").partition("?")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
        with self._lock:
            exchange = Exchange(len(self._requests) + 1, request.method.decode(), path, query, headers)
            self._requests.append(exchange)
            armed = list(self._faults)
        fault = next((fault for fault in armed if fault.takes(exchange)), None)
        exchange.fault = str(fault.action) if fault is not None else ""
        return exchange, fault

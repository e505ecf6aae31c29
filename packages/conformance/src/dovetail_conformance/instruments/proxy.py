"""The fault proxy: stands between a flavor and its HTTP backend, counts requests, and disturbs the ones that it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import h11

from dovetail_conformance.instruments.actions import Action, Reply
from dovetail_conformance.instruments.exchange import Exchange
from dovetail_conformance.instruments.faults import Fault, Unsuitable, matching
from dovetail_conformance.instruments.listening import Listener
from dovetail_conformance.instruments.relay import Relay


class FaultProxy(Listener[Exchange]):
    """Forwards HTTP/1.1 from a free port of 127.0.0.1 to a backend, as a context manager.

    Bodies are streamed. Each request has a connection of its own to the backend, so that a fault concerns one request only.
    """

    @property
    def url(self) -> str:
        """Address for clients."""
        return f"http://127.0.0.1:{self.port}"

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
        the nth of them from now on, and as many as `times` says (None: all that follow). Raises `Unsuitable` for an action that HTTP lacks.
        """
        if isinstance(action, Reply) or not isinstance(action, Action):
            raise Unsuitable(f"{action} is no answer of HTTP: take `Status`")
        found = matching(path)

        def selected(exchange: Exchange) -> bool:
            target = f"{exchange.path}?{exchange.query}" if exchange.query else exchange.path
            return method in (None, exchange.method) and found(target) and (where is None or where(exchange))

        return self._arm(action, selected, nth, times)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Relay(reader, writer, self._backend, self._begin_request).serve()

    def _begin_request(self, request: h11.Request) -> tuple[Exchange, Fault[Exchange] | None]:
        path, _, query = request.target.decode("latin-1").partition("?")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
        method = request.method.decode()
        return self._begin(lambda number: Exchange(number=number, method=method, path=path, query=query, headers=headers))

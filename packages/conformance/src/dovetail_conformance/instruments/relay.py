"""One connection of a client through the proxy, request by request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import h11

from dovetail_conformance.instruments import actions
from dovetail_conformance.instruments.exchange import Exchange
from dovetail_conformance.instruments.faults import Fault
from dovetail_conformance.instruments.interventions import CLOSED, SIZE, Reset, action_of, before_forwarding, reset

_CLOSED = (*CLOSED, h11.RemoteProtocolError, h11.LocalProtocolError)


class Relay:
    """Serves one client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: tuple[str, int], begin: Any) -> None:
        self._reader = reader
        self._writer = writer
        self._backend = backend
        self._begin = begin
        self._client = h11.Connection(h11.SERVER)

    async def serve(self) -> None:
        """Serve requests until either side has enough."""
        try:
            while await self._one():
                self._client.start_next_cycle()
        except Reset:
            reset(self._writer)
        except _CLOSED:
            pass
        finally:
            with contextlib.suppress(Exception):
                self._writer.close()

    async def _one(self) -> bool:
        """Serve one request. Return whether another one may come on this connection."""
        request = await self._event(self._client, self._reader)
        if not isinstance(request, h11.Request):
            return False
        exchange, fault = self._begin(request)
        try:
            await self._relay(request, exchange, fault)
        finally:
            exchange.finish()
        return self._client.our_state is h11.DONE and self._client.their_state is h11.DONE

    async def _relay(self, request: h11.Request, exchange: Exchange, fault: Fault[Exchange] | None) -> None:
        action = action_of(fault)
        await before_forwarding(fault)
        if await self._answered(action, exchange):
            return
        reader, writer = await asyncio.open_connection(*self._backend)
        try:
            backend = h11.Connection(h11.CLIENT)
            writer.write(backend.send(_forwarded(request)) or b"")
            await self._send_body(backend, writer, action, exchange)
            await self._send_answer(backend, reader, action, exchange)
        finally:
            writer.close()

    async def _answered(self, action: actions.Action, exchange: Exchange) -> bool:
        """Give the answer that is a fault's own. Return whether there was one."""
        match action:
            case actions.Status(code, headers, body):
                return await self._answer(code, dict(headers), body, exchange)
            case actions.Redirect(location, code):
                return await self._answer(code, {"Location": location}, b"", exchange)
        return False

    async def _answer(self, code: int, headers: dict[str, str], body: bytes, exchange: Exchange) -> bool:
        async for data in self._body(self._client, self._reader):
            exchange.request_bytes += len(data)
        listed = [*headers.items(), ("Content-Length", str(len(body)))]
        head = exchange.method == "HEAD"
        await self._pass_on(h11.Response(status_code=code, headers=listed))
        if body and not head:
            await self._pass_on(h11.Data(data=body))
        await self._pass_on(h11.EndOfMessage())
        exchange.status = code
        return True

    async def _send_body(self, backend: h11.Connection, writer: asyncio.StreamWriter, action: actions.Action, exchange: Exchange) -> None:
        async for data in self._body(self._client, self._reader):
            offset, exchange.request_bytes = exchange.request_bytes, exchange.request_bytes + len(data)
            if isinstance(action, actions.TruncateRequest) and exchange.request_bytes > action.bytes:
                writer.write(backend.send(h11.Data(data=data[: action.bytes - offset])) or b"")
                await writer.drain()
                reset(writer)
                raise Reset
            writer.write(backend.send(h11.Data(data=action.request(data, offset))) or b"")
            await writer.drain()
        writer.write(backend.send(h11.EndOfMessage()) or b"")
        await writer.drain()

    async def _send_answer(self, backend: h11.Connection, reader: asyncio.StreamReader, action: actions.Action, exchange: Exchange) -> None:
        response = await self._event(backend, reader)
        while isinstance(response, h11.InformationalResponse):
            response = await self._event(backend, reader)
        if not isinstance(response, h11.Response):
            raise Reset
        exchange.status = response.status_code
        keep = not isinstance(action, actions.ResetAfter)
        if keep:
            kept = [(name, value) for name, value in response.headers.raw_items() if name.lower() != b"connection"]
            await self._pass_on(h11.Response(status_code=response.status_code, headers=kept, reason=response.reason))
        async for data in self._body(backend, reader):
            offset, exchange.response_bytes = exchange.response_bytes, exchange.response_bytes + len(data)
            if isinstance(action, actions.Truncate) and exchange.response_bytes > action.bytes:
                await self._pass_on(h11.Data(data=data[: action.bytes - offset]))
                raise Reset
            if keep:
                await self._pass_on(h11.Data(data=action.response(data, offset)))
        if not keep or isinstance(action, actions.Truncate):
            raise Reset
        await self._pass_on(h11.EndOfMessage())

    async def _body(self, connection: h11.Connection, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        while True:
            event = await self._event(connection, reader)
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return
            else:
                raise Reset

    async def _event(self, connection: h11.Connection, reader: asyncio.StreamReader) -> Any:
        while True:
            if connection is self._client and self._client.they_are_waiting_for_100_continue:
                await self._pass_on(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
            event = connection.next_event()
            if event is not h11.NEED_DATA:
                return event
            connection.receive_data(await reader.read(SIZE))

    async def _pass_on(self, event: Any) -> None:
        self._writer.write(self._client.send(event) or b"")
        await self._writer.drain()


def _forwarded(request: h11.Request) -> h11.Request:
    """Return the request for the backend, on a connection of its own."""
    dropped = (b"connection", b"expect")
    headers = [(name, value) for name, value in request.headers.raw_items() if name.lower() not in dropped]
    return h11.Request(method=request.method, target=request.target, headers=[*headers, (b"Connection", b"close")])

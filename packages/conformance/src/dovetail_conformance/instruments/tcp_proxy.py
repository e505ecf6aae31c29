"""The fault proxy for wires that are not HTTP, such as those of databases: it knows bytes, and whose turn it is to send them."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable

from dovetail_conformance.instruments.actions import Action, Redirect, Reply, ResetAfter, Status, Truncate, TruncateRequest
from dovetail_conformance.instruments.exchange import Turn
from dovetail_conformance.instruments.faults import Fault, Unsuitable
from dovetail_conformance.instruments.interventions import CLOSED, SIZE, Answered, Reset, action_of, before_forwarding, reset
from dovetail_conformance.instruments.listening import Listener

_LINGER = 1.0
"""Seconds that a client may take to hear an answer of the proxy's own: what it still sends would reset the connection before that."""

Begin = Callable[[Callable[[int], Turn]], "tuple[Turn, Fault[Turn] | None]"]


class TcpProxy(Listener[Turn]):
    """Forwards TCP from a free port of 127.0.0.1 to a backend, as a context manager; has the shape of `FaultProxy`.

    What is logged and disturbed is a *turn*: what the client sends until the backend answers, and the answer. So `ResetAfter` at the turn
    that sends a COMMIT applies it, and loses the answer. A connection begins with a turn of its own, in which the client sends nothing:
    faults with `opening` are done to connections.
    """

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self._connections = 0

    @property
    def address(self) -> tuple[str, int]:
        """Host and port for clients."""
        return "127.0.0.1", self.port

    @property
    def connections(self) -> int:
        """How many connections there were."""
        return self._connections

    def fault(
        self,
        action: Action,
        *,
        opening: bool | None = False,
        data: bytes | None = None,
        where: Callable[[Turn], bool] | None = None,
        nth: int = 1,
        times: int | None = 1,
    ) -> Fault[Turn]:
        """Return a fault that is armed, for a `with` block; leaving it raises `FaultDidNotFire` if nothing was disturbed.

        It is done to turns in which something is sent (`opening`: to those with which connections begin; None: to both), whose first
        piece matches a regular expression, and for which `where` is true: to the nth of them from now on, and as many as `times` says
        (None: all that follow). Raises `Unsuitable` for actions that only HTTP has: `Reply` answers in the words of the wire's own protocol.
        """
        if isinstance(action, Status | Redirect) or not isinstance(action, Action):
            raise Unsuitable(f"{action} is no answer that a proxy for TCP has to give: take `Reply`, with the bytes of the protocol")
        found = re.compile(data, re.DOTALL) if data is not None else None

        def selected(turn: Turn) -> bool:
            return (
                opening in (None, turn.opening)
                and (found is None or found.search(turn.data) is not None)
                and (where is None or where(turn))
            )

        return self._arm(action, selected, nth, times)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        await _Connection(reader, writer, self._connections, self._begin).serve(self._backend)


class _Connection:
    """One connection of a client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int, begin: Begin) -> None:
        self._reader = reader
        self._writer = writer
        self._number = number
        self._begin = begin
        self._sent = self._received = 0
        self._answered = False
        self._turn, self._fault = self._next(b"", opening=True)

    async def serve(self, backend: tuple[str, int]) -> None:
        """Forward until both sides have enough, or a fault ends it."""
        try:
            await self._disturb()
            reader, writer = await asyncio.open_connection(*backend)
            try:
                await self._both_ways(reader, writer)
            finally:
                writer.close()
        except Reset:
            reset(self._writer)
        except CLOSED:
            pass
        finally:
            self._turn.finish()
            with contextlib.suppress(Exception):
                self._writer.close()

    async def _both_ways(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up, down = asyncio.ensure_future(self._forward(writer)), asyncio.ensure_future(self._answer(reader))
        try:
            await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
            if up.done():
                up.result()  # the client has sent all that it will, and may be answered still
            await down
        except Reset:
            if isinstance(action_of(self._fault), TruncateRequest):
                reset(writer)
            raise
        finally:
            up.cancel()
            down.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _disturb(self) -> None:
        await before_forwarding(self._fault)
        action = action_of(self._fault)
        if isinstance(action, Reply):
            await self._reply(action.data)
            raise Answered

    async def _reply(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()
        self._writer.write_eof()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER):
                while await self._reader.read(SIZE):
                    pass

    async def _forward(self, writer: asyncio.StreamWriter) -> None:
        while data := await self._reader.read(SIZE):
            if self._answered or self._turn.opening:
                self._turn.finish()
                self._turn, self._fault = self._next(data)
                await self._disturb()
            action, offset = action_of(self._fault), self._turn.request_bytes
            self._turn.request_bytes += len(data)
            self._sent += len(data)
            if isinstance(action, TruncateRequest) and self._turn.request_bytes > action.bytes:
                writer.write(data[: max(0, action.bytes - offset)])
                await writer.drain()
                raise Reset
            writer.write(action.request(data, offset))
            await writer.drain()
        with contextlib.suppress(*CLOSED):
            writer.write_eof()

    async def _answer(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(SIZE):
            self._answered = True
            action, offset = action_of(self._fault), self._turn.response_bytes
            self._turn.response_bytes += len(data)
            self._received += len(data)
            if isinstance(action, ResetAfter):
                raise Reset
            if isinstance(action, Truncate) and self._turn.response_bytes > action.bytes:
                self._writer.write(data[: max(0, action.bytes - offset)])
                await self._writer.drain()
                raise Reset
            self._writer.write(action.response(data, offset))
            await self._writer.drain()

    def _next(self, data: bytes, opening: bool = False) -> tuple[Turn, Fault[Turn] | None]:
        self._answered = False
        sent, received = self._sent, self._received
        return self._begin(
            lambda number: Turn(
                number=number, connection=self._number, data=data, sent_before=sent, received_before=received, opening=opening
            )
        )

"""What proxies of every kind do before they forward anything."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Any

from dovetail_conformance.instruments import actions
from dovetail_conformance.instruments.faults import Fault

SIZE = 65536
NOTHING = actions.Action()
CLOSED = (ConnectionError, OSError, asyncio.IncompleteReadError)


class Reset(Exception):
    """The client's connection is to be reset."""


class Answered(ConnectionError):
    """The client has had its answer from the proxy, and its connection is to be closed."""


def action_of(fault: Fault[Any] | None) -> actions.Action:
    """Return what a fault does; an action that does nothing where there is no fault."""
    return fault.action if fault is not None and isinstance(fault.action, actions.Action) else NOTHING


async def before_forwarding(fault: Fault[Any] | None) -> None:
    """Do what is done before anything is forwarded. Raises `Reset` if nothing is to be."""
    match action_of(fault):
        case actions.Hold():
            await _released(fault)
        case actions.Delay(seconds):
            await asyncio.sleep(seconds)
        case actions.Call(call):
            call()
        case actions.Strike(call):
            call()
            raise Reset
        case actions.ResetBefore():
            raise Reset
        case actions.Hang():
            await _released(fault)
            raise Reset


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection so that its peer sees a reset."""
    found = writer.get_extra_info("socket")
    if found is not None:
        with contextlib.suppress(OSError):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _released(fault: Fault[Any] | None) -> None:
    while fault is not None and not fault.released.is_set():
        await asyncio.sleep(0.002)

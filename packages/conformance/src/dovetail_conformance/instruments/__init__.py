"""What rules disturb flavors with, and look at them with."""

from dovetail_conformance.instruments.actions import (
    Action,
    Call,
    Corrupt,
    CorruptRequest,
    Delay,
    Hang,
    Hold,
    Redirect,
    Refusal,
    Reply,
    ResetAfter,
    ResetBefore,
    Status,
    Strike,
    Truncate,
    TruncateRequest,
    kill,
)
from dovetail_conformance.instruments.capture import Captured, capture
from dovetail_conformance.instruments.census import Census
from dovetail_conformance.instruments.clock import clock_at, skewed, time_zone
from dovetail_conformance.instruments.elsewhere import Elsewhere
from dovetail_conformance.instruments.exchange import Exchange, Turn
from dovetail_conformance.instruments.faults import Fault, FaultDidNotFire, Unsuitable
from dovetail_conformance.instruments.holding import held_source, hold
from dovetail_conformance.instruments.killing import Killed, kill_after, kill_at_call, kill_at_request
from dovetail_conformance.instruments.proxy import FaultProxy
from dovetail_conformance.instruments.syscalls import SyscallShim
from dovetail_conformance.instruments.tcp_proxy import TcpProxy
from dovetail_conformance.instruments.workers import workers

__all__ = [
    "Action",
    "Call",
    "Captured",
    "Census",
    "Corrupt",
    "CorruptRequest",
    "Delay",
    "Elsewhere",
    "Exchange",
    "Fault",
    "FaultDidNotFire",
    "FaultProxy",
    "Hang",
    "Hold",
    "Killed",
    "Redirect",
    "Refusal",
    "Reply",
    "ResetAfter",
    "ResetBefore",
    "Status",
    "Strike",
    "SyscallShim",
    "TcpProxy",
    "Truncate",
    "TruncateRequest",
    "Turn",
    "Unsuitable",
    "capture",
    "clock_at",
    "held_source",
    "hold",
    "kill",
    "kill_after",
    "kill_at_call",
    "kill_at_request",
    "skewed",
    "time_zone",
    "workers",
]

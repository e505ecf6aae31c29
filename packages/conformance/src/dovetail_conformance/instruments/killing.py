"""Kills a process in the midst of its work."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dovetail_conformance.instruments.actions import Strike
from dovetail_conformance.instruments.faults import note_kill
from dovetail_conformance.instruments.proxy import FaultProxy
from dovetail_conformance.instruments.syscalls import SyscallShim
from dovetail_conformance.instruments.tcp_proxy import TcpProxy
from dovetail_conformance.outcomes import HarnessError
from dovetail_conformance.waiting import until

_LIMIT = 120.0


@dataclass(frozen=True)
class Killed:
    """How a child that was to be killed ended."""

    killed: bool
    """False: it had ended before."""
    exit_code: int


def kill_at_request(function: Callable[..., object], *arguments: Any, proxy: FaultProxy | TcpProxy, nth: int) -> Killed:
    """Run a function in a spawned process, and kill it when its nth request arrives at the proxy, before that is forwarded."""
    child = _spawned(_plain, function, arguments)

    def strike() -> None:
        if child.pid is not None:
            os.kill(child.pid, signal.SIGKILL)

    fault = proxy.fault(Strike(strike), nth=nth)
    try:
        child.start()
        return _ended(child)
    finally:
        fault.excused = True  # that it ended before is an answer, too
        fault.__exit__(None, None, None)


def kill_at_call(function: Callable[..., object], *arguments: Any, directory: Path, nth: int) -> Killed:
    """Run a function in a spawned process that kills itself before its nth file operation below a directory."""
    child = _spawned(_shimmed, function, arguments, directory, nth)
    child.start()
    return _ended(child)


def kill_after(function: Callable[..., object], *arguments: Any, seconds: float, when: Callable[[], object] = lambda: True) -> Killed:
    """Run a function in a spawned process, and kill it some seconds after it began and a condition held."""
    began = multiprocessing.get_context("spawn").Event()
    child = _spawned(_signalling, began, function, arguments)
    child.start()
    if not began.wait(_LIMIT):
        child.kill()
        raise HarnessError("a process did not start in time")
    try:
        until(when, _LIMIT, did="waited for the work of a process that was to be killed")
        time.sleep(seconds)
    finally:
        child.kill()
    return _ended(child)


def _spawned(target: Callable[..., object], *arguments: Any) -> Any:
    note_kill()
    return multiprocessing.get_context("spawn").Process(target=target, args=arguments)


def _ended(child: Any) -> Killed:
    child.join(_LIMIT)
    if child.is_alive():
        child.kill()
        raise HarnessError(f"a process that was to be killed still lived after {_LIMIT:g} seconds")
    code = child.exitcode
    child.close()
    return Killed(code == -signal.SIGKILL, code)


def _plain(function: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    function(*arguments)


def _signalling(began: Any, function: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    began.set()
    function(*arguments)


def _shimmed(function: Callable[..., object], arguments: tuple[Any, ...], directory: Path, nth: int) -> None:
    shim = SyscallShim(directory)
    with shim, shim.strike(lambda: os.kill(os.getpid(), signal.SIGKILL), nth=nth):
        function(*arguments)

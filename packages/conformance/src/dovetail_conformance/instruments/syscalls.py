"""Faults of file operations, for flavors that have no wire: the calls of `os` below a directory, in this process."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dovetail_conformance.instruments.actions import Action, Hold
from dovetail_conformance.instruments.faults import Fault
from dovetail_conformance.outcomes import HarnessError

_BY_PATH = (
    "open",
    "replace",
    "rename",
    "link",
    "symlink",
    "unlink",
    "remove",
    "mkdir",
    "rmdir",
    "stat",
    "lstat",
    "scandir",
    "listdir",
    "truncate",
)
_BY_DESCRIPTOR = ("write", "fsync", "fdatasync", "ftruncate", "pwrite", "close", "sendfile", "copy_file_range")
_COUNTED = frozenset({*_BY_PATH, *_BY_DESCRIPTOR}) - {"stat", "lstat", "scandir", "listdir", "close"}
"""Operations that change something."""
ANY = frozenset({*_BY_PATH, *_BY_DESCRIPTOR}) - {"close"}
"""Operations that change something or look; a `close` that fails would lose the descriptor."""
Names = str | Collection[str] | None
"""Of an operation, of several, or None: of every one that changes something."""


@dataclass(frozen=True)
class Operation:
    """A file operation below the directory."""

    name: str
    path: str


@dataclass(frozen=True)
class Fails(Action):
    """The operation fails with an error number, such as `errno.ENOSPC`."""

    error: int


@dataclass(frozen=True)
class ShortWrite(Action):
    """A write takes only some of the bytes."""

    bytes: int


@dataclass(frozen=True)
class Strikes(Action):
    """Something is called, and the operation goes on."""

    call: Callable[[], object]


class SyscallShim:
    """Stands before the functions of `os` while its block lasts; concerns paths below a directory, and descriptors opened there.

    The harness enters it in its own `__enter__`, and returns that one from `syscalls`. It sees what calls `os.open`, `os.write`,
    `os.replace` and so on, also by way of `pathlib`, `shutil` and `os.path`; the built-in `open`, and with it `zipfile` and `tempfile`,
    and libraries that are written in C, such as `sqlite3`, go past it. Raises `HarnessError` where it is used outside its block.
    """

    def __init__(self, directory: Path) -> None:
        self.directory: Path = Path(os.path.realpath(directory))
        """What it watches."""
        self._below_it = f"{self.directory}{os.sep}"
        self._faults: list[Fault[Operation]] = []
        self._lock = threading.RLock()
        self._descriptors: dict[int, str] = {}
        self._originals: dict[str, Any] = {}
        self.operations: list[Operation] = []
        """What was done, in order."""

    def fault(self, name: Names, error: int, *, nth: int = 1, times: int | None = 1) -> Fault[Operation]:
        """Return a fault, for a `with` block: the nth operation of that name (None: of any that changes something) fails with an error number."""
        return self._armed(Fails(error), name, nth, times)

    def short_write(self, count: int, *, nth: int = 1, times: int | None = 1) -> Fault[Operation]:
        """Return a fault: a write takes only some bytes."""
        return self._armed(ShortWrite(count), "write", nth, times)

    def hold(self, name: Names, *, nth: int = 1) -> Fault[Operation]:
        """Return a fault: the nth operation of that name (None: of any that changes something) waits until the fault is released."""
        return self._armed(Hold(), name, nth, 1)

    def strike(self, call: Callable[[], object], *, nth: int = 1) -> Fault[Operation]:
        """Return a fault: something is called before the nth operation that changes something. It need not come to that."""
        fault = self._armed(Strikes(call), None, nth, 1)
        fault.excused = True
        return fault

    def mark(self) -> int:
        """Return a point in the log, for `since` and `names_since`."""
        self._demand_entered()
        return len(self.operations)

    def since(self, mark: int) -> list[Operation]:
        """Return the operations that changed something after a point in the log."""
        return [operation for operation in self.operations[mark:] if operation.name in _COUNTED]

    def names_since(self, mark: int) -> frozenset[str]:
        """Return the names of all operations after a point in the log, also of those that only look."""
        return frozenset(operation.name for operation in self.operations[mark:]) & ANY

    def _armed(self, action: Action, name: Names, nth: int, times: int | None) -> Fault[Operation]:
        self._demand_entered()
        wanted = _COUNTED if name is None else frozenset({name} if isinstance(name, str) else name)
        mark = len(self.operations)
        fault: Fault[Operation] = Fault(
            action, lambda operation: operation.name in wanted, nth, times, self._disarm, around=lambda: self._around(name, nth, mark)
        )
        with self._lock:
            self._faults.append(fault)
        return fault

    def _demand_entered(self) -> None:
        if not self._originals:
            raise HarnessError(
                f"the SyscallShim of {self.directory} was not entered, so it sees nothing: enter it in the harness's `__enter__`, "
                "leave it in `__exit__`, and return that one from `syscalls`"
            )

    def _around(self, name: Names, nth: int, mark: int) -> str:
        """Return what was armed, and which operations came meanwhile."""
        wanted = "operation that changes something" if name is None else name if isinstance(name, str) else "/".join(sorted(name))
        seen = Counter(operation.name for operation in self.operations[mark:])
        shown = ", ".join(f"{each} ({count})" for each, count in seen.items())
        none = "no operation of `os` (the built-in `open` and C libraries go past the shim)"
        return f"armed: {wanted} number {nth}; seen below {self.directory}: {shown or none}"

    def _disarm(self, fault: Fault[Operation]) -> None:
        with self._lock:
            self._faults.remove(fault)

    def __enter__(self) -> Self:
        for name in (*_BY_PATH, *_BY_DESCRIPTOR):
            if hasattr(os, name):
                self._originals[name] = getattr(os, name)
                setattr(os, name, self._by_path(name) if name in _BY_PATH else self._by_descriptor(name))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for name, original in self._originals.items():
            setattr(os, name, original)
        self._originals.clear()

    def _by_path(self, name: str) -> Callable[..., Any]:
        original = self._originals[name]

        def call(*arguments: Any, **named: Any) -> Any:
            path = next((found for argument in arguments if (found := self._below(argument))), "")
            if path:
                self._disturb(Operation(name, path))
            result = original(*arguments, **named)
            if name == "open" and path:
                self._descriptors[result] = path
            return result

        return call

    def _by_descriptor(self, name: str) -> Callable[..., Any]:
        original = self._originals[name]

        def call(*arguments: Any, **named: Any) -> Any:
            path = next((self._descriptors[item] for item in arguments if isinstance(item, int) and item in self._descriptors), "")
            if not path:
                return original(*arguments, **named)
            if name == "close":
                self._descriptors.pop(arguments[0], None)
            action = self._disturb(Operation(name, path))
            if isinstance(action, ShortWrite):
                return original(arguments[0], bytes(memoryview(arguments[1])[: action.bytes]))
            return original(*arguments, **named)

        return call

    def _below(self, argument: Any) -> str:
        if not isinstance(argument, str | bytes | os.PathLike):
            return ""
        path = os.path.abspath(os.fsdecode(argument))
        return path if path.startswith(self._below_it) else ""

    def _disturb(self, operation: Operation) -> Action | None:
        with self._lock:
            self.operations.append(operation)
            armed = list(self._faults)
        fault = next((fault for fault in armed if fault.takes(operation)), None)
        if fault is None:
            return None
        match fault.action:
            case Fails(error):
                raise OSError(error, os.strerror(error), operation.path)
            case Hold():
                fault.released.wait()
            case Strikes(call):
                call()
        return fault.action if isinstance(fault.action, Action) else None

"""Executes a command so that nothing of it survives: a program of its own, started between the orchestrator and a step's command.

    python -I -S guard.py PARENT GRACE COMMAND...

It adopts whatever the command starts (Linux, prctl(2): PR_SET_CHILD_SUBREAPER), and stops all of it, with SIGTERM and after GRACE
seconds with SIGKILL, when the command has ended, when it is told to by SIGTERM, and when the orchestrator, process PARENT, is gone
(PR_SET_PDEATHSIG).
It ends as the command did: with its exit code, or by the same signal. It imports only the standard library, to start fast.
"""

import ctypes
import os
import resource
import signal
import sys
import time
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _children(process: int) -> list[int]:
    """Return the children of a process, whichever of its threads started them (proc(5), task/TID/children)."""
    try:
        found = []
        for thread in os.listdir(f"/proc/{process}/task"):
            with open(f"/proc/{process}/task/{thread}/children") as file:
                found += [int(number) for number in file.read().split()]
        return found
    except FileNotFoundError:
        return _children_by_parent(process) if os.path.exists(f"/proc/{process}") else []
    except ProcessLookupError:
        return []


def _children_by_parent(process: int) -> list[int]:
    """The same on kernels without CONFIG_PROC_CHILDREN: by a look at every process."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", errors="replace") as file:
                if int(file.read().rpartition(")")[2].split()[1]) == process:
                    found.append(int(name))
        except OSError:
            continue
    return found


def _reap(timeout: float) -> bool:
    """Collect ended children for a time; return whether none is left."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if not ended:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.005)


def _signal_all(number: int) -> None:
    for child in _descendants():
        with suppress(ProcessLookupError):
            os.kill(child, number)


def _descendants() -> list[int]:
    """Return everything below this process, parents first."""
    found = _children(os.getpid())
    for process in found:  # the list grows while it is read
        found += _children(process)
    return found


def _stop_all(grace: float) -> None:
    if not _children(os.getpid()):
        return
    _signal_all(signal.SIGTERM)
    if _reap(grace):
        return
    for _ in range(100):  # one that is killed may have started another just before
        _signal_all(signal.SIGKILL)
        if _reap(0.1):
            return


class _Told(Exception):
    """The orchestrator wants the command to stop, or is gone."""


def _tell(number: int, frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Told


def _become(command: list[str]) -> int:
    """Be the command, in a session of its own; never returns. With one thread, code may run between fork and exec."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):  # of which Python ignores the last two
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # should somebody kill the guard
    try:
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]} cannot be executed: {error.strerror}\n".encode(errors="backslashreplace"))
        os._exit(126 if isinstance(error, PermissionError) else 127)  # as shells say it


def _wait_for(child: int) -> int:
    """Return the status of the command, collecting whatever else ends meanwhile."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == child:
            return status


def main(parent: int, grace: float, command: list[str]) -> None:
    """Execute the command, and end as it does."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGTERM, _tell)
    status: int = signal.SIGTERM
    try:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it was gone before we asked to be told; by our own look alone we might not know whom we had
            raise _Told
        status = _wait_for(os.fork() or _become(command))
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    except _Told:
        pass
    _stop_all(grace)
    _end_like(status)


def _end_like(status: int) -> None:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])

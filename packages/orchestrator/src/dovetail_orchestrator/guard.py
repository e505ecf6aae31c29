"""Executes a command so that nothing of it survives: a program of its own, started between the orchestrator and a step's command.

    python -I -S guard.py GRACE COMMAND...

It adopts whatever the command starts (Linux, prctl(2): PR_SET_CHILD_SUBREAPER), and stops all of it, with SIGTERM and after GRACE
seconds with SIGKILL, when the command has ended, when it is told to by SIGTERM, and when the orchestrator is gone (PR_SET_PDEATHSIG).
It ends as the command did: with its exit code, or by the same signal. It imports only the standard library, to start fast.
"""

import ctypes
import os
import resource
import signal
import sys
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return [int(number) for number in file.read().split()]


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
        try:
            os.kill(child, number)
        except ProcessLookupError:
            pass


def _descendants() -> list[int]:
    """Return everything below this process, parents first."""
    found = _children()
    for process in found:  # the list grows while it is read
        try:
            for thread in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{thread}/children") as file:
                    found += [int(number) for number in file.read().split()]
        except OSError:
            continue
    return found


def _stop_all(grace: float) -> None:
    if not _children():
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


def _wait_for(child: int) -> int:
    """Return the status of the command, collecting whatever else ends meanwhile."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == child:
            return status


def main(grace: float, command: list[str]) -> None:
    """Execute the command, and end as it does."""
    parent = os.getppid()
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGTERM, _tell)
    status = signal.SIGTERM
    try:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it was gone before we asked to be told
            raise _Told
        child = os.posix_spawnp(command[0], command, os.environ, setsid=True, setsigmask=[], setsigdef=[signal.SIGINT, signal.SIGTERM])
        status = _wait_for(child)
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
    main(float(sys.argv[1]), sys.argv[2:])

"""What the steps of the suite's plans do, in any process, so that everything they do is witnessed.

    python -I -S witness.py DIRECTORY STEP ATTEMPT ACTS [below]        step, attempt and acts as one JSON text each

A step performs acts, each a list of a name and arguments, and then commits. What happens is a line in a file that only grows: the order of
its lines is the order of what happened, whichever process wrote them. While a step performs, it holds the lock of a file of its own, so
that anybody can tell whether it lives. Imports only the standard library, to start fast; it is a program of its own as well.

    DIRECTORY/witness                       the lines
              living/...                    a locked file per process or thread that performs
              commits/<step>.<attempt>      what was committed
              failures/<step>.<attempt>     how a command says that it failed
              gates/<name>                  a gate that is open; `curtain` opens all
              answers/<step>.<attempt>      further acts, for a step that asks
              meetings/<name>.<step>        who has come
"""

import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import FileIO
from typing import Any

PROCESS: str = os.urandom(8).hex()
"""Drawn by whoever imports this. With the process id it names one process among all that perform, also where each has ids of its own."""
PAUSE = 0.004  # seconds; a pipe would hold a thread where it cannot be interrupted


class Failing(Exception):
    """A step fails as user code does: with the name of an exception, and its message."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


class Unfinished(Exception):
    """A step returns, and has committed nothing."""


class Scene:
    """One attempt of a step, on a directory."""

    def __init__(
        self,
        directory: object,
        step: str,
        attempt: int,
        write: Callable[[bytes], object],
        calls: Mapping[str, Callable[[], object]] | None = None,
    ) -> None:
        self.directory: str = str(directory)
        self.step = step
        self.attempt = attempt
        self._write = write
        self._calls = calls or {}
        self._committed = False

    def perform(self, acts: Iterable[Sequence[Any]]) -> None:
        """Perform acts, and commit. Raises `Failing` and `Unfinished`, and whatever the acts make happen."""
        with Living(self.directory):
            self.note("start")
            self.play(acts)
            if not self._committed:
                self.do_commit()

    def play(self, acts: Iterable[Sequence[Any]]) -> None:
        """Perform acts, and no more."""
        for name, *arguments in acts:
            getattr(self, f"do_{name}")(*arguments)

    def note(self, event: str, data: object = None) -> None:
        """Add a line to what was witnessed."""
        add_line(self.directory, self.step, self.attempt, event, data)

    def path(self, folder: str) -> str:
        """Return the file of this attempt in a folder."""
        return f"{self.directory}/{folder}/{named(self.step)}.{self.attempt}"

    # Acts

    def do_commit(self) -> None:
        self.note("end")
        create(self.path("commits"), "")
        self._committed = True

    def do_forget(self) -> None:
        raise Unfinished

    def do_note(self, event: str, data: object = None) -> None:
        self.note(event, data)

    def do_saw(self, steps: Iterable[str]) -> None:
        """Witness which steps have committed their first attempts, as seen from here."""
        self.note("saw", {step: os.path.exists(f"{self.directory}/commits/{named(step)}.1") for step in steps})

    def do_living(self) -> None:
        """Witness how many perform now, this one included."""
        self.note("living", living(self.directory))

    def do_crowd(self) -> None:
        """Witness the largest number that performs at once, over a while."""
        found = 0
        for _ in range(20):
            found = max(found, living(self.directory))
            time.sleep(PAUSE)
        self.note("crowd", found)

    def do_environment(self, names: Iterable[str]) -> None:
        self.note("environment", {name: os.environ.get(name) for name in names})

    def do_print(self, text: str) -> None:
        self._write(text.encode())

    def do_bytes(self, numbers: Iterable[int]) -> None:
        self._write(bytes(numbers))

    def do_lines(self, count: int, text: str) -> None:
        for first in range(0, count, 1000):
            self._write("".join(f"{text} {number}\n" for number in range(first, min(first + 1000, count))).encode())

    def do_wait(self, gate: str) -> None:
        """Wait until a gate is open."""
        self._until(f"gates/{gate}")

    def do_ask(self) -> None:
        """Wait for an answer, and perform what it says."""
        answer = f"answers/{named(self.step)}.{self.attempt}"
        if self._until(answer):
            with open(f"{self.directory}/{answer}") as file:
                self.play(json.load(file))

    def do_meet(self, name: str, count: int) -> None:
        """Wait until a number of steps has come to a meeting."""
        folder = f"{self.directory}/meetings"
        create(f"{folder}/{name}.{named(self.step)}", "")
        while sum(file.startswith(f"{name}.") for file in os.listdir(folder)) < count and not self._curtain():
            time.sleep(PAUSE)

    def do_beat(self) -> None:
        """Witness that it has come so far, and go on for ever."""
        self.note("beat")
        self._until("gates/never")

    def do_deaf(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def do_open(self, gate: str) -> None:
        create(f"{self.directory}/gates/{gate}", "")

    def do_leave(self, acts: Sequence[Sequence[Any]]) -> None:
        """Start a process in a session of its own that ignores SIGTERM and performs acts; go on once it does."""
        gate = f"left-{identity()}"
        texts = (json.dumps(value) for value in (self.step, self.attempt, [["deaf"], ["open", gate], *acts]))
        self._child = subprocess.Popen([sys.executable, "-I", "-S", __file__, self.directory, *texts, "below"], start_new_session=True)
        self._until(f"gates/{gate}")

    def do_fail(self, kind: str, message: str) -> None:
        raise Failing(kind, message)

    def do_sysexit(self, code: object) -> None:
        raise SystemExit(code)

    def do_interrupt(self) -> None:
        raise KeyboardInterrupt

    def do_call(self, name: str) -> None:
        """Call what the launcher says; nothing in a process of one's own, where it is not."""
        self._calls.get(name, lambda: None)()

    def do_exit(self, code: int) -> None:
        os._exit(code)

    def do_kill(self, number: int) -> None:
        os.kill(os.getpid(), number)
        self._until("gates/never")

    def _until(self, file: str) -> bool:
        """Wait until a file is there, and return whether it is: the curtain ends every wait."""
        while not os.path.exists(f"{self.directory}/{file}"):
            if self._curtain():
                return False
            time.sleep(PAUSE)
        return True

    def _curtain(self) -> bool:
        """Tell whether the play is over; who looks too late finds the stage gone."""
        return os.path.exists(f"{self.directory}/gates/curtain") or not os.path.exists(self.directory)


class Living:
    """Within the block, a file is locked: the system gives it free when the process ends, however it does."""

    def __init__(self, directory: str) -> None:
        self._path = f"{directory}/living/{identity()}-{threading.get_native_id()}-{time.monotonic_ns()}"

    def __enter__(self) -> None:
        self._file = FileIO(self._path, "w")  # a bare descriptor would stay locked if a step is interrupted here
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()
        os.unlink(self._path)


def identity() -> str:
    """Return what no other process that performs has: not one that was forked from this, nor one of another container."""
    return f"{PROCESS}-{os.getpid()}"


def living(directory: object) -> int:
    """Return how many perform now."""
    count = 0
    for name in os.listdir(f"{directory}/living"):
        try:
            file = os.open(f"{directory}/living/{name}", os.O_WRONLY)
        except FileNotFoundError:  # it has ended just now
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            count += 1
        finally:
            os.close(file)
    return count


def add_line(directory: str, step: str, attempt: int, event: str, data: object) -> None:
    """Add a line to what was witnessed, as one write."""
    entry = {"step": step, "attempt": attempt, "event": event, "data": data, "process": identity(), "at": time.monotonic()}
    with FileIO(f"{directory}/witness", "a") as file:
        file.write(json.dumps(entry).encode() + b"\n")


def named(step: str) -> str:
    """Return a file name for a step."""
    return hashlib.sha256(step.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def create(path: str, text: str) -> None:
    """Make a file, whole or not at all."""
    made = f"{path}~{identity()}-{threading.get_native_id()}"
    with open(made, "w") as file:
        file.write(text)
    os.replace(made, path)


def failure_of(error: Failing) -> dict[str, str]:
    """Return what is recorded of an error."""
    return {"kind": error.kind, "message": str(error), "traceback": "".join(traceback.format_exception(error))}


def main(directory: str, step: str, attempt: int, acts: Sequence[Sequence[Any]], below: bool) -> None:
    """Be a step's command, or a process that one has left."""
    scene = Scene(directory, step, attempt, lambda data: write_all(1, data))
    if below:
        with Living(directory):
            scene.play(acts)
        return
    try:
        scene.perform(acts)
    except Failing as error:
        create(scene.path("failures"), json.dumps(failure_of(error)))
        sys.exit(1)
    except Unfinished:
        sys.exit(0)


def write_all(file: int, data: bytes) -> None:
    """Write to a descriptor, without a buffer that a crash would lose."""
    while data:
        data = data[os.write(file, data) :]


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3]), json.loads(sys.argv[4]), sys.argv[5:] == ["below"])

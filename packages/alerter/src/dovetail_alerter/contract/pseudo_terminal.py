"""A terminal that a program can look at and type into, for the harness of the console. POSIX only."""

from __future__ import annotations

import os
import pty
import threading
import uuid

from dovetail_conformance import HarnessError

_LIMIT = 20.0


class PseudoTerminal:
    """A pseudo-terminal whose output is read all the time, so that no writer waits."""

    def __init__(self) -> None:
        self._outside, self._inside = pty.openpty()
        self.name: str = os.ttyname(self._inside)
        """Path of the device."""
        self._seen = bytearray()
        self._more = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True, name="pseudo-terminal")
        self._thread.start()

    def type(self, text: str) -> None:
        """Type a text."""
        os.write(self._outside, text.encode())

    def text(self) -> str:
        """Return all that was written so far. What is written before this call is in it: a mark of its own follows it through."""
        mark = uuid.uuid4().hex.encode()
        os.write(self._inside, mark)
        with self._more:
            if not self._more.wait_for(lambda: self._seen.rfind(mark) >= 0, _LIMIT):
                raise HarnessError("the pseudo-terminal was not read in time")
            self._seen = bytearray(self._seen.replace(mark, b""))
            return self._seen.decode("utf-8", "replace").replace("\r\n", "\n")

    def close(self) -> None:
        """Hang up."""
        os.close(self._inside)
        self._thread.join(10)
        os.close(self._outside)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._outside, 65536)
            except OSError:  # nobody has it open on the inside
                return
            if not data:
                return
            with self._more:
                self._seen += data
                self._more.notify_all()

"""Which of a provider's threads an alerter has begun, by the names that callers give them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_KEPT = 1000


@dataclass
class Thread:
    """One thread at one target."""

    reference: str = ""
    """The provider's reference; empty until the first message is accepted."""
    users: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Threads:
    """The threads of one alerter; the ones that were not used for longest are forgotten."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], Thread] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def entered(self, target: str, name: str) -> Iterator[Thread]:
        """Give a thread to one user at a time, so that two first messages do not begin two, and messages keep their order."""
        thread = self._taken(target, name)
        try:
            with thread.lock:
                yield thread
        finally:
            with self._lock:
                thread.users -= 1

    def _taken(self, target: str, name: str) -> Thread:
        with self._lock:
            thread = self._known.setdefault((target, name), Thread())
            thread.users += 1
            self._known.move_to_end((target, name))
            for other in list(self._known)[: max(0, len(self._known) - _KEPT)]:
                if not self._known[other].users:
                    del self._known[other]
            return thread

"""What is done at the end of a process that ends by itself, or by an exception.

A worker of `multiprocessing` that was forked leaves by `os._exit`, which calls nothing that `atexit` knows; `multiprocessing` has finalizers for
it. Who calls `os._exit` or is killed gets neither.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.util import Finalize

_registered: set[Callable[[], object]] = set()
_finalizers: set[tuple[int, Callable[[], object]]] = set()


def call_at_end(function: Callable[[], object]) -> None:
    """Have a function called when this process ends; it may be called twice, and however often this is asked for."""
    if function not in _registered:
        _registered.add(function)
        atexit.register(function)
    key = os.getpid(), function
    if multiprocessing.parent_process() is not None and key not in _finalizers:
        _finalizers.add(key)
        Finalize(None, function, exitpriority=10)

"""Makes the same call from many threads or processes at once."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

_LIMIT = 120.0


def workers(call: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], *, kind: str = "thread", seconds: float = _LIMIT) -> list[Any]:
    """Call a function once per tuple of arguments, all at once, and return what each returned or raised, in their order.

    `kind` is `thread`, `spawn` or `fork`; what goes to processes and comes back is pickled. Threads begin at a barrier. Raises
    TimeoutError if one does not end in time.
    """
    with _pool(kind, len(arguments)) as pool:
        barrier = threading.Barrier(len(arguments)) if kind == "thread" else None
        futures = [pool.submit(_at_barrier(call, barrier), *given) for given in arguments]
        return [_outcome(future, seconds) for future in futures]


def _pool(kind: str, count: int) -> Executor:
    if kind == "thread":
        return ThreadPoolExecutor(count)
    return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context(kind))


def _at_barrier(call: Callable[..., Any], barrier: threading.Barrier | None) -> Callable[..., Any]:
    if barrier is None:
        return call

    def meet(*arguments: Any) -> Any:
        barrier.wait(_LIMIT)
        return call(*arguments)

    return meet


def _outcome(future: Any, seconds: float) -> Any:
    error = future.exception(timeout=seconds)
    return future.result() if error is None else error

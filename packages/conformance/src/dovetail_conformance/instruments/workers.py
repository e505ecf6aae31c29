"""Makes the same call from many threads, processes or tasks at once."""

from __future__ import annotations

import asyncio
import inspect
import multiprocessing
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

KINDS = ("thread", "spawn", "fork", "task")
_LIMIT = 120.0


def workers(call: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], *, kind: str = "thread", seconds: float = _LIMIT) -> list[Any]:
    """Call a function once per tuple of arguments, all at once, and return what each returned or raised, in their order.

    `kind` is `thread`, `spawn`, `fork` or `task`. What goes to processes and comes back is pickled. Threads begin at a barrier. Tasks
    belong to one event loop, in this thread, and all have begun before any of them calls; a coroutine function is awaited, and any other
    is called within the running loop. Raises TimeoutError if one does not end in time, and ValueError for another kind.
    """
    if kind not in KINDS:
        raise ValueError(f"there are no workers of the kind '{kind}': choose {', '.join(KINDS)}")
    if kind == "task":
        return asyncio.run(_in_tasks(call, arguments, seconds))
    with _pool(kind, len(arguments)) as pool:
        barrier = threading.Barrier(len(arguments)) if kind == "thread" else None
        futures = [pool.submit(_at_barrier(call, barrier), *given) for given in arguments]
        return [_outcome(future, seconds) for future in futures]


async def _in_tasks(call: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], seconds: float) -> list[Any]:
    begun: list[None] = []
    all_begun = asyncio.Event()

    async def work(given: tuple[Any, ...]) -> Any:
        begun.append(None)
        if len(begun) == len(arguments):
            all_begun.set()
        await all_begun.wait()
        result = call(*given)
        return await result if inspect.isawaitable(result) else result

    async with asyncio.timeout(seconds):
        return await asyncio.gather(*(work(given) for given in arguments), return_exceptions=True)


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

"""Work on a stream of items by threads, in order, with a bounded number under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from itertools import chain, islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_order(work: Callable[[T], R], items: Iterable[T], executor: Executor, limit: int) -> Iterator[R]:
    """Yield what `work` returns for each item, in the order of the items, of which up to `limit` are worked on ahead."""
    rest = iter(items)
    first = list(islice(rest, 2))
    if len(first) < 2:  # nothing is gained by a thread
        yield from map(work, first)
        return
    under_way: deque[Future[R]] = deque(executor.submit(work, item) for item in chain(first, islice(rest, max(0, limit - 2))))
    try:
        while under_way:
            done = under_way.popleft().result()
            under_way.extend(executor.submit(work, item) for item in islice(rest, 1))
            yield done
    finally:
        for future in under_way:
            future.cancel()

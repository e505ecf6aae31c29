"""Every log record of every logger, whatever the levels."""

from __future__ import annotations

import logging
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def every_record(see: Callable[[logging.LogRecord], object]) -> Iterator[None]:
    """Let every log record be seen that is made within the block, of disabled loggers too.

    Handlers see what they would see otherwise: one that keeps records, as pytest's does, would keep alive what they are about. While
    memory is traced, records are made and seen as ever: what an SDK says of a large body in its debugging logs is several times as large.
    """
    enabled, handle = logging.Logger.isEnabledFor, logging.Logger.handle

    def wanted(self: logging.Logger, level: int) -> bool:
        return not tracemalloc.is_tracing() or enabled(self, level)

    def seen(self: logging.Logger, record: logging.LogRecord) -> None:
        if not tracemalloc.is_tracing():
            see(record)
        if enabled(self, record.levelno):
            handle(self, record)

    logging.Logger.isEnabledFor = wanted  # type: ignore[method-assign]
    logging.Logger.handle = seen  # type: ignore[method-assign]
    try:
        yield
    finally:
        logging.Logger.isEnabledFor, logging.Logger.handle = enabled, handle  # type: ignore[method-assign]

"""Every log record of every logger, whatever the levels."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def every_record(see: Callable[[logging.LogRecord], object]) -> Iterator[None]:
    """Let every log record be seen that is made within the block, of disabled loggers too, except where `logging.disable` says that none is made.

    Handlers see what they would see otherwise: one that keeps records, as pytest's does, would keep alive what they are about.
    """
    enabled, handle = logging.Logger.isEnabledFor, logging.Logger.handle

    def seen(self: logging.Logger, record: logging.LogRecord) -> None:
        see(record)
        if enabled(self, record.levelno):
            handle(self, record)

    logging.Logger.isEnabledFor = lambda self, level: level > self.manager.disable  # type: ignore[method-assign]
    logging.Logger.handle = seen  # type: ignore[method-assign]
    try:
        yield
    finally:
        logging.Logger.isEnabledFor, logging.Logger.handle = enabled, handle  # type: ignore[method-assign]

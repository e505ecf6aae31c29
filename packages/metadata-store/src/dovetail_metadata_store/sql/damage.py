"""Records that cannot be read must not hide those that can."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from sqlalchemy import Row

from dovetail_core import IntegrityError

T = TypeVar("T")

log: logging.Logger = logging.getLogger("dovetail")


def readable(rows: Iterable[Row[Any]], read: Callable[[Row[Any]], T]) -> list[T]:
    """Return what the rows hold; those that cannot be read are logged and left out."""
    found = []
    for row in rows:
        try:
            found.append(read(row))
        except IntegrityError as error:
            log.warning("left out: %s", error)
    return found

"""What callers give besides keys, looked at before anything is done."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from dovetail_core import InvalidArgument


def flat(data: Any) -> memoryview:
    """Return the bytes of a bytes-like object as one row, copied only where they are not. Raises `TypeError` for what holds none."""
    view = memoryview(data)
    if view.format == "B" and view.ndim == 1 and view.c_contiguous:
        return view
    try:
        return view.cast("B")
    except (TypeError, ValueError, NotImplementedError):  # not in one row, of no element, or of elements that `cast` does not know
        return memoryview(view.tobytes())


def checked_bytes(key: str, data: Any) -> Any:
    """Return what is to be written, as bytes, a bytearray or a flat view. Raises `InvalidArgument` for what holds no bytes."""
    if isinstance(data, bytes | bytearray):
        return data
    try:
        return flat(data)
    except TypeError as error:
        raise InvalidArgument(f"'{key}' is to hold bytes, not {type(data).__name__}", remedy="encode text: text.encode()") from error


def checked_entries(metadata: Mapping[str, str]) -> Mapping[str, str]:
    """Return entries that are text, named by text. Raises `InvalidArgument` for others."""
    for name, value in metadata.items():
        if not (name and _is_text(name) and _is_text(value)):
            raise InvalidArgument(
                f"the entry {name!r} of type {type(value).__name__} is not text that has a name and a UTF-8 form",
                remedy="give text: str(value)",
            )
    return metadata


def _is_text(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(value.encode() or True)
    except UnicodeEncodeError:
        return False


def checked_mode(mode: str, encoding: str, newline: str | None) -> str:
    """Return the letter of a mode of opening that says what is done. Raises `InvalidArgument`, also for what `io` opens no text with."""
    kind = mode.replace("b", "").replace("t", "")
    if kind not in ("r", "w", "x") or len(mode) != len(set(mode)) or set(mode) - set("rwxbt"):
        raise InvalidArgument(f"'{mode}' is no mode of opening", remedy="one of rb, r, wb, w, xb, x")
    if "b" not in mode:
        _demand_text_mode(encoding, newline)
    return kind


def _demand_text_mode(encoding: str, newline: str | None) -> None:
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline=newline)
    except (LookupError, ValueError) as error:
        raise InvalidArgument(
            f"no text is opened with encoding {encoding!r} and newline {newline!r}: {error}",
            remedy="leave them out, or see the built-in `open`",
        ) from error

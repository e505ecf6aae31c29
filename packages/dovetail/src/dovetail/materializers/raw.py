"""Text and bytes, as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dovetail.materializers.materializer import Materializer

if TYPE_CHECKING:
    from dovetail.materializers.source import Source
    from dovetail.materializers.target import Target

_TEXT = "text.txt"
_BYTES = "data.bin"


class Text(Materializer):
    """A string, in UTF-8. Half surrogate pairs are encoded as if they were characters, so that any string comes back."""

    name = "text"
    format = "text"

    def save(self, value: Any, target: Target) -> Mapping[str, Any]:
        target.write_bytes(_TEXT, value.encode("utf-8", "surrogatepass"))
        return {"characters": len(value)}

    def load(self, source: Source, kind: str) -> str:
        return source.read_bytes(_TEXT).decode("utf-8", "surrogatepass")


class Bytes(Materializer):
    """Bytes, or a bytearray."""

    name = "bytes"
    format = "bytes"

    def save(self, value: Any, target: Target) -> Mapping[str, Any]:
        target.write_bytes(_BYTES, value)
        return {}

    def load(self, source: Source, kind: str) -> bytes | bytearray:
        data = source.read_bytes(_BYTES)
        return bytearray(data) if kind == "builtins.bytearray" else data

"""Plain data and instances of classes, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dovetail.materializers.classes import form_of
from dovetail.materializers.decoding import decode
from dovetail.materializers.encoding import encode
from dovetail.materializers.materializer import Materializer
from dovetail.materializers.tags import BIGGEST

if TYPE_CHECKING:
    from dovetail.materializers.source import Source
    from dovetail.materializers.target import Target

_FILE = "value.json"


class Structures(Materializer):
    """Plain data, enums, named tuples, dataclasses and pydantic models, nested as they may be, and what they hold of other kinds.

    The order of a dict's keys is not kept, since equal dicts have equal digests.
    """

    name = "json"
    format = "json"

    @classmethod
    def accepts(cls, kind: type) -> bool:
        return form_of(kind) is not None

    def save(self, value: Any, target: Target) -> Mapping[str, Any]:
        target.write_bytes(_FILE, encode(value, target))
        return _facts(value)

    def load(self, source: Source, kind: str) -> Any:
        return decode(source.read_bytes(_FILE), source)


def _facts(value: Any) -> dict[str, Any]:
    if type(value) in (list, tuple, dict, set, frozenset):
        return {"length": len(value)}
    if isinstance(value, float):
        return {"value": float(value)}
    if type(value) is bool or (type(value) is int and -BIGGEST <= value < BIGGEST):
        return {"value": value}
    return {}

"""Pickle, the last resort: for any object, if the project allows it."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from dovetail.materializers.materializer import Materializer, Refused

if TYPE_CHECKING:
    from dovetail.materializers.source import Source
    from dovetail.materializers.target import Target

_FILE = "value.pkl"


class Pickles(Materializer):
    """Any object that cloudpickle, or else pickle, can write.

    Loading runs code, so the very bytes that are unpickled are verified before, whatever the caller says.
    """

    name = "pickle"
    format = "pickle"
    requires: ClassVar[tuple[str, ...]] = ("cloudpickle",)

    def save(self, value: Any, target: Target) -> Mapping[str, Any]:
        try:
            data, pickler = _dumped(value)
        except Exception as error:  # __reduce__ of any class may raise anything
            raise Refused(f"it cannot be pickled: {error}") from error
        target.write_bytes(_FILE, data)
        return {"pickler": pickler, "python": "{}.{}".format(*sys.version_info)}

    def load(self, source: Source, kind: str) -> Any:
        return pickle.loads(source.verified_bytes(_FILE))


def _dumped(value: Any) -> tuple[bytes, str]:
    try:
        import cloudpickle
    except ImportError:
        return pickle.dumps(value), "pickle"
    data: bytes = cloudpickle.dumps(value)
    return data, "cloudpickle"

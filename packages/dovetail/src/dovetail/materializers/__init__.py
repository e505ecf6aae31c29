"""Materializers: how the values that steps give are written to an artifact store, and read back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dovetail_core._facade import lazy

if TYPE_CHECKING:
    from dovetail.materializers.loading import load as load
    from dovetail.materializers.materializer import Materializer as Materializer
    from dovetail.materializers.materializer import Refused as Refused
    from dovetail.materializers.registry import Registry as Registry
    from dovetail.materializers.saving import Saved as Saved
    from dovetail.materializers.saving import save as save
    from dovetail.materializers.source import Source as Source
    from dovetail.materializers.stored_files import presence_key as presence_key
    from dovetail.materializers.target import Target as Target

__all__ = [
    "Materializer",
    "Refused",
    "Registry",
    "Saved",
    "Source",
    "Target",
    "load",
    "presence_key",
    "save",
]

_EXPORTS = {
    "Materializer": "materializer",
    "Refused": "materializer",
    "Registry": "registry",
    "Saved": "saving",
    "Source": "source",
    "Target": "target",
    "load": "loading",
    "presence_key": "stored_files",
    "save": "saving",
}
if not TYPE_CHECKING:  # a checker is to find the names above, and no others
    __getattr__, __dir__ = lazy(__name__, _EXPORTS)

"""Makes packages of flavors from a template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dovetail_core._facade import lazy

if TYPE_CHECKING:
    from dovetail_flavor_template.making import Order as Order
    from dovetail_flavor_template.making import make as make

__all__ = ["Order", "make"]

_EXPORTS = {"Order": "making", "make": "making"}
if not TYPE_CHECKING:  # a checker is to find the names above, and no others
    __getattr__, __dir__ = lazy(__name__, _EXPORTS)

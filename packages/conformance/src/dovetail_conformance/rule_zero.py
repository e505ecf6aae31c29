"""Rule zero: the shape of the class, its config, its construction. If it does not hold, no other rule can be asked."""

from __future__ import annotations

import traceback

from dovetail_conformance.harness import Harness
from dovetail_core.component import Component
from dovetail_core.flavors import FlavorCatalog, unfit


def zero_problem(component_type: str, harness: Harness) -> str:
    """Return why the flavor cannot be asked anything, or nothing."""
    flavor = getattr(harness, "flavor", None)
    if flavor is None:
        return f"{type(harness).__name__} names no `flavor`"
    return _misshapen(component_type, flavor) or _undocumented(flavor) or _unmakeable(harness)


def _misshapen(component_type: str, flavor: type[Component]) -> str:
    return unfit(flavor, FlavorCatalog().type(component_type), getattr(flavor, "flavor", ""))


def _undocumented(flavor: type[Component]) -> str:
    bare = [name for name, field in flavor.Config.model_fields.items() if not field.description]
    return f"{flavor.__name__}.Config: no description of {', '.join(bare)}" if bare else ""


def _unmakeable(harness: Harness) -> str:
    try:
        with harness.make() as component:
            made = isinstance(component, harness.flavor)
    except Exception as error:
        return f"{type(harness).__name__}.make() failed: {''.join(traceback.format_exception_only(error)).strip()}"
    return "" if made else f"{type(harness).__name__}.make() returned no {harness.flavor.__name__}"

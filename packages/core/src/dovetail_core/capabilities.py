"""Capabilities: what a flavor promises beyond its type's mandatory contract.

They hold both ways. Declared: it works. Not declared: the call raises `Unsupported`, never a silent no-op.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from dovetail_core.errors import Unsupported

if TYPE_CHECKING:
    from dovetail_core.component import Component

P = ParamSpec("P")
R = TypeVar("R")


class Capability(StrEnum):
    """Base of each type's enumeration of capabilities."""


def needs(capability: Capability) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a method raise `Unsupported` before it does anything, unless its component declares `capability`."""

    def decorate(method: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(method)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            require(args[0], capability)  # type: ignore[arg-type]
            return method(*args, **kwargs)

        return checked

    return decorate


def require(component: Component, capability: Capability) -> None:
    """Raise `Unsupported`, naming the component and the capability, unless it is declared."""
    if capability not in component.capabilities:
        raise Unsupported(
            f"{component.label} does not support {capability.value}",
            remedy=f"use a flavor that declares {type(capability).__name__}.{capability.name}",
            capability=capability.value,
        )

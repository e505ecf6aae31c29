"""Component types. Each is offered by a package, under the entry-point group `dovetail.component_types.v1`; an eleventh is a package too.

Only the standard library is imported here: a type's description must be readable without loading its interface.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ComponentType:
    """A component type: what it is called, and where its interface is."""

    name: str
    """Name in stacks and entry points, such as `artifact_store`."""

    title: str
    """Name for people, such as `artifact store`."""

    summary: str
    """What it is for, in one sentence."""

    base: str
    """The interface, as `module:Class`; imported only when a flavor is loaded."""

    interface: str = "1.0"
    """Version of the interface: a flavor of the same major and at most this minor is compatible."""

    required: bool = False
    """Whether every stack has one."""

    multiple: bool = False
    """Whether a stack may have several."""

    shared: bool = False
    """Whether code that executes elsewhere must reach it."""

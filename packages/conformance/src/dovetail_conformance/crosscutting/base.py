"""What the modules of cross-cutting rules share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from dovetail_conformance.checking import attempt
from dovetail_conformance.operations import Operation

MANDATORY_ONLY = "operations of undeclared capabilities are left out by the contract"


class Asked:
    """What a mix-in of rules may use of the contract that it becomes part of."""

    component_type: ClassVar[str]

    def operations(self, component: Any) -> Iterable[Operation]:
        """Return representative calls of every public method of a component."""
        raise NotImplementedError

    def operate(self, component: Any, did: str = "") -> None:
        """Make every call once. A call that fails is the rule's failure."""
        for operation in self.operations(component):
            with attempt(did=f"called {operation.name} {did}".strip(), mend="make the call succeed"):
                make(operation, component)


def prepare(operation: Operation, component: Any) -> None:
    """Make what a call needs, with a component that works. What fails is the rule's failure."""
    if operation.prepare is not None:
        with attempt(did=f"made what {operation.name} needs", mend="make the calls that come before it succeed"):
            operation.prepare(component)


def make(operation: Operation, component: Any) -> object:
    """Return the result of a call, made with what it needs."""
    prepare(operation, component)
    return made(operation)


def made(operation: Operation) -> object:
    """Return the result of a call, without what it needs."""
    return finish(operation.call())


def finish(result: object) -> object:
    """Return a result as it is when nothing of it is left to be fetched: an iterator as a list."""
    return list(result) if hasattr(result, "__next__") and isinstance(result, Iterable) else result

"""What stands for a value that does not exist yet: used as one, it says so, instead of steering a pipeline by chance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from dovetail_core import ConfigError


def unknown(step: str) -> NoReturn:
    """Raise the `ConfigError` for the use of a step's output as a value."""
    raise ConfigError(
        f"the output of step '{step}' is used as a value while the pipeline is compiled, and it exists only once the step has run",
        remedy="do this inside a step",
    )


class NotYetAValue:
    """Base of handles. A handle equals itself only; compared with a value, formatted, counted or calculated with, it raises `ConfigError`."""

    def __init__(self, step: str) -> None:
        self._name = step

    def _refuse(self, *_: Any) -> NoReturn:
        unknown(self._name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NotYetAValue):
            unknown(self._name)
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __iter__(self) -> Iterator[Any]:
        unknown(self._name)

    if not TYPE_CHECKING:  # a checker is to find the use itself wrong, rather than what comes after it unreachable
        __bool__ = __len__ = __int__ = __float__ = __index__ = __getitem__ = __contains__ = __call__ = __format__ = _refuse
        __lt__ = __le__ = __gt__ = __ge__ = __neg__ = __abs__ = __round__ = _refuse
        __add__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = __mod__ = __pow__ = __matmul__ = __and__ = __or__ = _refuse
        __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = __rmatmul__ = __rand__ = __ror__ = _refuse

"""What an author of a materializer implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from dovetail_core.errors import DovetailError

if TYPE_CHECKING:
    from dovetail.materializers.source import Source
    from dovetail.materializers.target import Target


class Refused(DovetailError):
    """This materializer does not store this value; raised before anything is written. The next one that fits its type is asked."""


class Materializer(ABC):
    """Writes values of some types in one format, and reads them back.

    To write one, subclass it, say which types it is for, and implement `save` and `load`:

        class Graphs(Materializer):
            name = "networkx"
            format = "graphml"
            types = ("networkx.classes.graph.Graph",)
            requires = ("networkx",)

            def save(self, value, target):
                with target.open("graph.graphml") as file:
                    networkx.write_graphml(value, file)
                return {"nodes": len(value)}

            def load(self, source, kind):
                with source.open("graph.graphml") as file:
                    return networkx.read_graphml(file)

    To offer it, return the class from the hook `dovetail_materializers`, in a plugin of the entry-point group `dovetail.hooks.v1`.
    It is made without arguments, shared by threads, and keeps no state. Bytes are all that `load` is given: what it needs to know
    must be in the files that `save` wrote. The digest of every file has been compared with the recorded one when `load` reads it.
    """

    name: ClassVar[str]
    """Recorded with each artifact, and what finds this class again; unique among the materializers installed."""
    format: ClassVar[str]
    """Name of the format, such as `parquet`."""
    version: ClassVar[int] = 1
    """Of the format. Raise it when older code could not read what is written now; `load` finds the recorded one in `source.version`."""
    types: ClassVar[tuple[str, ...]] = ()
    """Classes that it is for, with their subclasses, as `module.QualifiedName`; the value's own class decides, then its bases in order.

    They are names, so that nothing is imported to find out. `__module__` says the module, which may not be the one you import from.
    """
    requires: ClassVar[tuple[str, ...]] = ()
    """Distributions that `pip install` must have brought; named in the error when an import fails."""

    @classmethod
    def accepts(cls, kind: type) -> bool:
        """Tell whether it is for a class that `types` does not name. Asked once per class, after all `types` of all materializers."""
        return False

    @abstractmethod
    def save(self, value: Any, target: Target) -> Mapping[str, Any]:
        """Write `value` as one file or several, and return facts about it that people would want to see, JSON-able.

        Raises `Refused`, before anything is written, for a value that `load` could not give back as it was. Equal values must give
        equal bytes: steps below are cached by them.
        """

    @abstractmethod
    def load(self, source: Source, kind: str) -> Any:
        """Return the value. `kind` is its class when it was saved, as `module.QualifiedName`."""

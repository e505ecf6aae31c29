"""The project around a working directory: where it is, which stacks and flavors it declares."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dovetail.stackfile.document import NAME, Declared, StackFile
from dovetail.stackfile.reading import read
from dovetail.state_directory import STATE

if TYPE_CHECKING:
    from dovetail_core import FlavorCatalog, StackSpec
    from dovetail_core.stack import Finding
    from dovetail_core.stack_instance import Stack


class Project:
    """A project: a directory, and what its `dovetail.yaml` declares. A damaged file raises `DamagedFile` when it is first needed."""

    def __init__(self, root: Path) -> None:
        self.root: Path = root.absolute()

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """Return the project around a directory: the nearest, upwards, with a `dovetail.yaml` or `.dovetail/`; else that directory."""
        start = (start or Path.cwd()).absolute()
        roots = (directory for directory in (start, *start.parents) if (directory / NAME).is_file() or (directory / STATE).is_dir())
        return cls(next(roots, start))

    @property
    def path(self) -> Path:
        """Where the project's stacks are declared, whether there is such a file or not."""
        return self.root / NAME

    @cached_property
    def file(self) -> StackFile:
        """What the project declares, as it was when this was first asked for."""
        return read(self.path)

    @property
    def allow_pickle(self) -> bool:
        """Whether values may be stored with pickle, and such values loaded."""
        return self.file.allow_pickle

    def local_flavors(self) -> Mapping[str, Mapping[str, str]]:
        """Return the flavors that the project offers itself: type, name, and the target as `module:Class`."""
        return self.file.flavors()

    def catalog(self) -> FlavorCatalog:
        """Return the installed flavors and the project's own."""
        return self._catalog

    @cached_property
    def _catalog(self) -> FlavorCatalog:
        from dovetail_core.flavors import FlavorCatalog

        return FlavorCatalog(self.local_flavors(), self.root)

    def stack_spec(self, name: str | None = None) -> StackSpec:
        """Return a stack as it is declared, the active one by default. Raises `NotFound` with the closest name."""
        name = name or self.file.active
        components = [self.file.component(kind, one) for kind, names in self.file.stack(name).items() for one in names]
        return self.spec_of(name, components)

    def spec_of(self, name: str, components: list[Declared]) -> StackSpec:
        """Return a stack of this project made of some components."""
        from dovetail_core.stack import ComponentSpec, StackSpec

        specs = (ComponentSpec(one.type, one.name, one.flavor, one.settings) for one in components)
        return StackSpec(name, tuple(specs), str(self.root))

    def findings(self, name: str | None = None) -> list[Finding]:
        """Return everything that is wrong with a stack, also references to components that are not declared."""
        from dovetail.stackfile.validation import findings

        return findings(self, self.file, name or self.file.active)

    def stack(self, name: str | None = None) -> Stack:
        """Return a stack ready for use. Raises `NotFound`, or `StackInvalid` with everything that is wrong with it."""
        from dovetail.stackfile.validation import ensure_valid
        from dovetail_core.stack_instance import Stack

        name = name or self.file.active
        ensure_valid(self, self.file, name)
        return Stack(self.stack_spec(name), self.catalog())

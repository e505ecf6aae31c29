"""Grows a class of a project into a package: its module becomes the flavor's, and its harness goes into a module of its own."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from dovetail_conformance import by_path
from dovetail_conformance.harness import Harness
from dovetail_core.component import Component
from dovetail_core.errors import ConfigError
from dovetail_flavor_template.module_text import ModuleText, bound_by, imported_by, narrowed, used_by

_TESTING = '"""The harness of the flavor, for the conformance suite."""\n'
_OURS = re.compile(r"dovetail(-|$)")


@dataclass(frozen=True)
class Origin:
    """A class of a project, and its harness if it has one."""

    path: str
    flavor: type[Component]
    harness: type[Harness] | None

    @property
    def component_type(self) -> str:
        """The type that the class is of."""
        return by_path.type_of(self.flavor)

    def modules(self, package: str, module: str) -> dict[str, str]:
        """Return the modules of a package, by name: the flavor's, and `testing` if there is a harness. Raises `ConfigError` for what cannot be carried."""
        flavors = self._text(self.flavor)
        if self.harness is None:
            return {module: flavors.without((), {})}
        place = f"{package}.{module}"
        if self.harness.__module__ != self.flavor.__module__:
            harnesses = self._text(self.harness)
            return {module: flavors.without((), {}), "testing": _moved_import(harnesses, self.flavor.__module__, place)}
        own, testing = _split(flavors, self.flavor.__name__, self.harness.__name__, place)
        return {module: own, "testing": testing}

    def requirements(self) -> tuple[list[str], list[str]]:
        """Return what the flavor needs beyond Dovetail, and what only its harness needs: what is installed here is the lower bound."""
        text = ModuleText(_source(self.flavor))
        moved = _moved(text, self.flavor.__name__, self.harness.__name__) if self.harness and self._together else []
        stays = [node for node in text.nodes if node not in moved]
        names = used_by(*(node for node in stays if node not in text.imports))
        needed = _distributions(node for node in stays if node not in text.imports or not moved or names & bound_by(node).keys())
        if self.harness is None:
            return needed, []
        tested = _distributions((*moved, *text.imports) if self._together else ModuleText(_source(self.harness)).nodes)
        return needed, [each for each in tested if each not in needed]

    @property
    def _together(self) -> bool:
        return self.harness is not None and self.harness.__module__ == self.flavor.__module__

    def _text(self, of: type) -> ModuleText:
        text = ModuleText(_source(of))
        known = {self.flavor.__module__, of.__module__}
        if local := sorted({name for node in text.nodes for level, name in imported_by(node) if _is_local(level, name, known, of)}):
            raise ConfigError(
                f"{of.__module__} imports {', '.join(local)} of its project, which would not be in the package",
                remedy="move what it needs of them into it, or publish them as a package",
            )
        return text


def origin(path: str, harness: str | None) -> Origin:
    """Return the class at `module:Class` with its harness: the one at `harness`, or the only one beside it.

    Raises `NotFound` and `ConfigError` as `dovetail conformance run` does.
    """
    flavor: type[Component] = by_path.class_at(path, Component)
    by_path.type_of(flavor)
    if harness is not None:
        return Origin(path, flavor, by_path.harness_for(flavor, path, harness))
    beside = by_path.harnesses_beside(flavor)
    return Origin(path, flavor, by_path.harness_for(flavor, path, None) if beside else None)


def _source(of: type) -> str:
    return inspect.getsource(sys.modules[of.__module__])


def _split(text: ModuleText, flavor: str, harness: str, place: str) -> tuple[str, str]:
    """Return a module without the harness that is in it, and one with nothing else."""
    moved = _moved(text, flavor, harness)
    stays = [node for node in text.nodes if node not in moved and node not in text.imports]
    left, gone = used_by(*stays), used_by(*moved)
    if harness in left:
        raise ConfigError(f"the module of {flavor} uses {harness}, which belongs to its tests", remedy="let only tests use the harness")
    changed: dict[ast.stmt, str] = {}
    for node in text.imports:
        names = bound_by(node).keys()
        tests = gone | set(names if _is_for_tests(node) else ())
        if (kept := {name for name in names if name in left or name not in tests}) != set(names) and not isinstance(node, ast.If):
            changed[node] = narrowed(node, kept) if kept else ""
    used = sorted(gone & {name for name, node in text.definitions.items() if node not in moved})
    imports = [*(narrowed(node, gone | _FUTURE) for node in text.imports if (gone | _FUTURE) & bound_by(node).keys())]
    own = [f"from {place} import {', '.join(used)}\n"] if used else []
    testing = "\n".join([_TESTING, *imports, *own, *(text.text(node) for node in moved)])
    return text.without(moved, changed).rstrip() + "\n", testing


_FUTURE = {"annotations"}


def _is_for_tests(node: ast.stmt) -> bool:
    """Tell whether an import is of what is installed with the suite only."""
    return any(name.startswith("dovetail_conformance") or name.endswith((".testing", ".contract")) for _, name in imported_by(node))


def _moved(text: ModuleText, flavor: str, harness: str) -> list[ast.stmt]:
    """Return the definitions that only the harness uses, in the order of the module."""
    wanted = {text.definitions[name] for name in text.closure([harness])} - {text.definitions[name] for name in text.closure([flavor])}
    while True:
        stays = [node for node in text.nodes if node not in wanted and node not in text.imports]
        left = used_by(*stays)
        needed = {node for node in wanted if node is not text.definitions[harness] and left & _names(text, node)}
        if not needed:
            return [node for node in text.nodes if node in wanted]
        wanted -= needed


def _names(text: ModuleText, node: ast.stmt) -> set[str]:
    return {name for name, each in text.definitions.items() if each is node}


def _moved_import(text: ModuleText, module: str, place: str) -> str:
    """Return a module's source with what it imports from another one taken from where that is now."""
    changed: dict[ast.stmt, str] = {}
    for node in text.imports:
        if isinstance(node, ast.ImportFrom) and node.module == module:
            changed[node] = ast.unparse(ast.ImportFrom(place, node.names, 0)) + "\n"
        elif isinstance(node, ast.Import) and any(alias.name == module for alias in node.names):
            raise ConfigError(f"the harness imports {module} as a whole", remedy=f"write `from {module} import ...`")
    return text.without((), changed)


def _is_local(level: int, name: str, known: Iterable[str], of: type) -> bool:
    """Tell whether what a class's module imports belongs to its project."""
    if level:
        return True
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names or name in known:
        return False
    found = importlib.util.find_spec(top)
    places = [found.origin] if found and found.origin else list(found.submodule_search_locations or ()) if found else []
    project = Path(inspect.getfile(of)).parent
    return any(_below(Path(place), (project, Path.cwd())) for place in places if place)


def _below(place: Path, folders: Iterable[Path]) -> bool:
    installed = {Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")}
    place = place.resolve()
    return not any(place.is_relative_to(each) for each in installed) and any(place.is_relative_to(each.resolve()) for each in folders)


def _distributions(nodes: Iterable[ast.stmt]) -> list[str]:
    tops = {name.partition(".")[0] for node in nodes for level, name in imported_by(node) if not level}
    return sorted(set(_required(tops - set(sys.stdlib_module_names))))


def _required(modules: Iterable[str]) -> Iterator[str]:
    owners = metadata.packages_distributions()
    for module in modules:
        for name in owners.get(module, [])[:1]:
            if not _OURS.match(name) and name not in ("pydantic", "pytest"):
                yield f"{name}>={'.'.join(metadata.version(name).split('.')[:2])}"

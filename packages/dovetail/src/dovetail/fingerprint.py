"""The digest of a step's code: of its function, and of every function, class and constant of the project that it uses, directly or not.

It is taken from the syntax tree, so that comments, layout and docstrings do not matter. Installed packages do not count. What is
looked up at run time (`getattr`, `globals()`, a value that another module assigns) cannot be seen.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from dovetail.code import root_of
from dovetail.source_index import Import, SourceModule, imported, is_package, source_module
from dovetail.value_digests import NoDigest, ValueText


def fingerprint(function: Callable[..., Any]) -> str | None:
    """Return the digest of a function's code, in hexadecimal; the same in every process, and for the same source.

    A function without source at module level (made in another function, in a notebook or a prompt) counts with what it captures. None
    if that cannot be told.
    """
    try:
        return _digest(_told(function))
    except (NoDigest, RecursionError):
        return None


def untold(function: Callable[..., Any]) -> str:
    """Return what a function uses whose content cannot be told, so that it has no digest; empty if it has one."""
    try:
        _told(function)
    except NoDigest as error:
        return f"a value of type {error}"
    except RecursionError:
        return "values that are nested too deeply"
    return ""


def _told(function: Callable[..., Any]) -> str:
    return _by_source(function) or ValueText(_by_source).function(function, defaults=False)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _by_source(value: Any) -> str | None:
    """Return the definition of a function, class or module of a project, with all that it uses; None if it has no such source."""
    name, qualname = (value.__name__, "") if isinstance(value, ModuleType) else (value.__module__ or "", value.__qualname__)
    project = _Project(root_of(name))
    module = project.module(name)
    if module is None or (qualname and qualname not in module.definitions):
        return None
    return "\0".join(project.parts(module, qualname))


def _chains(node: ast.AST) -> Iterator[list[str]]:
    """Yield the dotted names in a piece of code, each as far as it goes, such as `["helpers", "clean"]`."""
    names: list[str] = []
    inner = node
    while isinstance(inner, ast.Attribute):
        names.insert(0, inner.attr)
        inner = inner.value
    if isinstance(inner, ast.Name):
        yield [inner.id, *names]
    else:
        for child in ast.iter_child_nodes(inner):
            yield from _chains(child)


class _Project:
    """The modules below one directory, and what their code refers to in each other."""

    def __init__(self, root: Path | None) -> None:
        self.root = root
        self._followed: set[tuple[Import, tuple[str, ...]]] = set()
        """The imports that are being followed."""

    def module(self, name: str) -> SourceModule | None:
        """Return a module of the project, or None if it is none, or is damaged (then what was imported before counts)."""
        try:
            return source_module(name, self.root) if self.root else None
        except SyntaxError:
            return None

    def _is_package(self, name: str) -> bool:
        return self.root is not None and is_package(name, self.root)

    def parts(self, module: SourceModule, name: str) -> list[str]:
        """Return the definition of a name and of everything that it refers to, in a fixed order."""
        found: dict[tuple[str, str], str] = {}
        pending = [(module, name)]
        while pending:
            owner, name = pending.pop()
            if (owner.name, name) not in found:
                nodes = owner.definitions.get(name, [owner.tree])
                found[owner.name, name] = "".join(map(ast.dump, nodes))
                pending += [used for node in nodes for used in self._used(node, owner)]
        return [name + text for (_, name), text in sorted(found.items())]

    def _used(self, node: ast.AST, module: SourceModule) -> Iterator[tuple[SourceModule, str]]:
        imports = dict(module.imports)
        for inner in ast.walk(node):
            if isinstance(inner, (ast.Import, ast.ImportFrom)):
                for name, target in imported(inner, module.package)[0].items():
                    imports[name] = [*imports.get(name, ()), target]
        for chain in _chains(node):
            yield from self._resolved(chain, module, imports)

    def _resolved(self, chain: list[str], module: SourceModule, imports: dict[str, list[Import]]) -> Iterator[tuple[SourceModule, str]]:
        name = chain[0]
        if name in module.definitions:
            yield module, name
        for target in imports.get(name, ()):
            yield from self._through(target, chain[1:])
        if name not in module.definitions and name not in imports:
            for star in map(self.module, module.stars):
                if star is not None and (name in star.definitions or name in star.imports):
                    yield from self._resolved(chain, star, star.imports)

    def _through(self, target: Import, rest: list[str]) -> Iterator[tuple[SourceModule, str]]:
        """Follow an import to the definition that it, and the attributes after it, lead to."""
        step = (target, tuple(rest))
        if step in self._followed:  # two modules that import the name from each other
            return
        self._followed.add(step)
        try:
            yield from self._leading(target, rest)
        finally:
            self._followed.remove(step)

    def _leading(self, target: Import, rest: list[str]) -> Iterator[tuple[SourceModule, str]]:
        inner = target.attribute or (rest[0] if rest else "")
        module, deeper = self.module(target.module), self.module(f"{target.module}.{inner}") if inner else None
        left = rest if target.attribute else rest[1:]
        if deeper is not None:
            yield from self._through(Import(deeper.name), left)
        elif module is not None and inner and (inner in module.definitions or inner in module.imports or target.attribute):
            yield from self._resolved([inner, *left], module, module.imports)
        elif module is not None:
            yield module, ""  # which of its names is used cannot be told: all of them
        if deeper is None and inner and self._is_package(f"{target.module}.{inner}"):  # one without a file of its own
            yield from self._through(Import(f"{target.module}.{inner}"), left)

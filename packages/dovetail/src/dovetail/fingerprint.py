"""The digest of a step's code: of its function, and of every function, class and constant of the project that it uses, directly or not.

It is taken from the syntax tree, so that comments, layout and docstrings do not matter. Installed packages do not count. What is
looked up at run time (`getattr`, `globals()`, a value that another module assigns) cannot be seen.
"""

from __future__ import annotations

import ast
import hashlib
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from dovetail.code import source_root
from dovetail.source_index import Import, SourceModule, imported, source_module

_CODE_PARTS = ("co_code", "co_names", "co_varnames", "co_freevars", "co_argcount", "co_kwonlyargcount", "co_flags")


def fingerprint(function: Callable[..., Any]) -> str:
    """Return the digest of a function's code, in hexadecimal; the same in every process, and for the same source."""
    project = _Project(source_root(function))
    module = project.module(function.__module__)
    if module is None or function.__qualname__ not in module.definitions:
        return _digest(sorted(_by_code(function, set())))
    return _digest(project.parts(module, function.__qualname__))


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


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

    def module(self, name: str) -> SourceModule | None:
        """Return a module of the project, or None if it is none, or is damaged (then what was imported before counts)."""
        try:
            return source_module(name, self.root) if self.root else None
        except SyntaxError:
            return None

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
        local = dict(module.imports)
        for inner in ast.walk(node):
            if isinstance(inner, (ast.Import, ast.ImportFrom)):
                local.update(imported(inner, module.package)[0])
        for chain in _chains(node):
            yield from self._resolved(chain, module, local)

    def _resolved(self, chain: list[str], module: SourceModule, imports: dict[str, Import]) -> Iterator[tuple[SourceModule, str]]:
        name = chain[0]
        if name in module.definitions:
            yield module, name
        elif name in imports:
            yield from self._through(imports[name], chain[1:])
        else:
            for star in map(self.module, module.stars):
                if star is not None and (name in star.definitions or name in star.imports):
                    yield from self._resolved(chain, star, star.imports)

    def _through(self, target: Import, rest: list[str]) -> Iterator[tuple[SourceModule, str]]:
        """Follow an import to the definition that it, and the attributes after it, lead to."""
        inner = target.attribute or (rest[0] if rest else "")
        module, deeper = self.module(target.module), self.module(f"{target.module}.{inner}") if inner else None
        left = rest if target.attribute else rest[1:]
        if deeper is not None:
            yield from self._through(Import(deeper.name), left)
        elif module is not None and inner and (inner in module.definitions or inner in module.imports or target.attribute):
            yield from self._resolved([inner, *left], module, module.imports)
        elif module is not None:
            yield module, ""  # which of its names is used cannot be told: all of them


def _by_code(function: Any, seen: set[int]) -> Iterator[str]:
    """Yield what makes up a function without source of its own at module level: made in another function, in a notebook or a prompt."""
    function = getattr(function, "__wrapped__", getattr(function, "function", function))
    if not isinstance(function, types.FunctionType) or id(function) in seen:
        return
    seen.add(id(function))
    yield _code(function.__code__)
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    names = {name: function.__globals__.get(name) for name in function.__code__.co_names} | {n: _content(c) for n, c in cells}
    for name, value in names.items():
        if isinstance(value, types.FunctionType) or hasattr(value, "function"):
            own = getattr(value, "function", value).__module__ == function.__module__
            yield from _by_code(value, seen) if own else ()
        elif isinstance(value, (bool, int, float, str, bytes, tuple, type(None))):
            yield f"{name}={value!r}"


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def _code(code: types.CodeType) -> str:
    constants = [_code(value) if isinstance(value, types.CodeType) else repr(value) for value in code.co_consts]
    return repr([getattr(code, part) for part in _CODE_PARTS] + constants)

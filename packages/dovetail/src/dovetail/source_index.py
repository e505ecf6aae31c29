"""Names that the modules of a project define at their top level, read from their source without importing them."""

from __future__ import annotations

import ast
import functools
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

_OWN = str(Path(__file__).parent)  # also where this package is installed in editable mode
_FOREIGN = (*(sysconfig.get_paths()[name] for name in ("purelib", "platlib", "stdlib", "platstdlib")), _OWN + os.sep)


@dataclass(frozen=True)
class Import:
    """A name that an import binds: `attribute` of `module`, or the module itself if `attribute` is empty."""

    module: str
    attribute: str = ""


@dataclass
class SourceModule:
    """The top level of one module."""

    name: str
    package: str
    """What relative imports in it are relative to."""
    tree: ast.Module
    definitions: dict[str, list[ast.AST]] = field(default_factory=dict)
    """Per name: the statements that define it or store into it, and what decides whether they are executed."""
    imports: dict[str, list[Import]] = field(default_factory=dict)
    """Per name, all imports that may bind it."""
    stars: list[str] = field(default_factory=list)
    """Modules of which everything is imported."""


def source_file(module: str) -> Path | None:
    """Return the source of a module of the user's own; None for the standard library, installed packages, and what has no source."""
    file = _file(module)
    if file is None or file.suffix != ".py" or str(file).startswith(_FOREIGN):
        return None
    return file


def _file(module: str) -> Path | None:
    loaded = sys.modules.get(module)
    if loaded is not None:
        name = getattr(loaded, "__file__", None)
        return Path(name) if name else None
    spec = _spec(module)
    return Path(spec.origin) if spec and spec.origin and spec.has_location else None


def _spec(module: str) -> ModuleSpec | None:
    """Return how a module that is not imported would be; None if it could not be.

    A package without a file of its own (PEP 420) has no loader. Within another package that is not imported, it is None, too.
    """
    parent = module.rpartition(".")[0]
    try:
        return PathFinder.find_spec(module, _package_path(parent)) if parent else importlib.util.find_spec(module)
    except (ImportError, ValueError, AttributeError, KeyError):  # the last: for want of that other package
        return None


def _package_path(package: str) -> list[str]:
    """Return where the modules of a package are, which may have no file of its own (PEP 420); nowhere if it is no package."""
    loaded = sys.modules.get(package)
    if loaded is not None:
        return list(getattr(loaded, "__dict__", {}).get("__path__", ()))  # not an attribute, which `torch.classes` makes up
    spec = _spec(package)
    parent, _, name = package.rpartition(".")
    if parent and (spec is None or spec.loader is None):
        return [str(place) for above in _package_path(parent) if (place := Path(above, name)).is_dir()]
    return list(spec.submodule_search_locations or ()) if spec is not None else []


def is_package(name: str, root: Path) -> bool:
    """Tell whether a package of the user's own is below `root`, or a part of it; it may have no file of its own (PEP 420)."""
    return any(Path(place).resolve().is_relative_to(root) for place in _package_path(name) if not place.startswith(_FOREIGN))


def source_module(name: str, root: Path) -> SourceModule | None:
    """Return a module of the user's own below `root`, or None if it is not one. Raises SyntaxError if its source is damaged."""
    file = source_file(name)
    if file is None or not file.is_file() or not file.resolve().is_relative_to(root):
        return None
    stat = file.stat()
    return _parsed(name, file, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=512)
def _parsed(name: str, file: Path, _mtime: int, _size: int) -> SourceModule:
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    module = SourceModule(name, package, _Normalised().visit(ast.parse(file.read_bytes(), str(file))))
    _collect(module.tree.body, module)
    return module


def _collect(statements: list[ast.stmt], module: SourceModule, deciding: tuple[ast.AST, ...] = ()) -> None:
    """Add what statements define; `deciding` is what is around them: tests, loops, contexts, the exceptions that are handled."""
    for statement in statements:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            names, stars = imported(statement, module.package)
            for name, target in names.items():
                module.imports.setdefault(name, []).append(target)
            module.stars += stars
            _define(names if deciding else (), deciding, module)
        elif isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            _define([statement.name], (*deciding, statement), module)
        elif blocks := _blocks(statement):
            header = _header(statement)
            _define({name for node in header for name in _stored(node)}, (*deciding, *header), module)
            for block in blocks:
                _collect(block, module, (*deciding, *header))
        else:
            _define(_stored(statement), (*deciding, statement), module)


def _define(names: Iterable[str], nodes: tuple[ast.AST, ...], module: SourceModule) -> None:
    for name in names:
        module.definitions.setdefault(name, []).extend(nodes)


def _stored(node: ast.AST) -> set[str]:
    """Return the names that a piece of code assigns, or stores into: `a` for `a = 1`, `a[0] = 1` and `a.b.c = 1`."""
    targets = (inner for inner in ast.walk(node) if isinstance(getattr(inner, "ctx", None), (ast.Store, ast.Del)))
    return {name for target in targets for name in _root(target)}


def _root(target: ast.AST) -> Iterator[str]:
    while isinstance(target, (ast.Attribute, ast.Subscript, ast.Starred)):
        target = target.value
    if isinstance(target, ast.Name):
        yield target.id


def _blocks(statement: ast.stmt) -> list[list[ast.stmt]]:
    blocks = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
    inner = [*getattr(statement, "handlers", []), *getattr(statement, "cases", [])]
    return [block for block in (*blocks, *(one.body for one in inner)) if block]


def _header(statement: ast.stmt) -> tuple[ast.AST, ...]:
    """Return what a compound statement evaluates itself, outside of its blocks."""
    parts = [getattr(statement, name, None) for name in ("test", "target", "iter", "subject")]
    inner = [handler.type for handler in getattr(statement, "handlers", [])]
    inner += [part for case in getattr(statement, "cases", []) for part in (case.pattern, case.guard)]
    return tuple(part for part in (*parts, *getattr(statement, "items", ()), *inner) if part is not None)


def imported(statement: ast.Import | ast.ImportFrom, package: str) -> tuple[dict[str, Import], list[str]]:
    """Return the names that an import statement in `package` binds, and the modules of which it imports everything."""
    if isinstance(statement, ast.Import):
        return {_alias(alias): Import(alias.name if alias.asname else alias.name.partition(".")[0]) for alias in statement.names}, []
    base = (
        importlib.util.resolve_name("." * statement.level + (statement.module or ""), package)
        if statement.level
        else statement.module or ""
    )
    if any(alias.name == "*" for alias in statement.names):
        return {}, [base]
    return {alias.asname or alias.name: Import(base, alias.name) for alias in statement.names}, []


def _alias(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


class _Normalised(ast.NodeTransformer):
    """Leaves out what does not change what code does: docstrings, and the options that `@step` is given."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._trimmed(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._trimmed(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._trimmed(node)

    def _trimmed(self, node: Any) -> ast.AST:
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        node.decorator_list = [decorator for decorator in node.decorator_list if not _is_step(decorator)]
        return self.generic_visit(node)


def _is_step(decorator: ast.expr) -> bool:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")) == "step"

"""Compiled code as text, and what it takes from outside: for functions of which there is no source at module level."""

from __future__ import annotations

import collections
import contextlib
import dis
import importlib.util
import sys
import types
from collections.abc import Iterator
from typing import Any

from dovetail.source_index import source_file

_CODE_PARTS = (
    "co_code", "co_names", "co_varnames", "co_freevars", "co_cellvars", "co_argcount", "co_posonlyargcount", "co_kwonlyargcount",
    "co_flags", "co_exceptiontable",
)  # fmt: skip
_LOOKUPS = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}


def code(value: types.CodeType) -> str:
    """Return what stands for compiled code; where it stands in its file does not matter."""
    return repr([getattr(value, part) for part in _CODE_PARTS] + list(map(_constant, value.co_consts)))


def _constant(value: Any) -> str:
    if isinstance(value, types.CodeType):
        return code(value)
    if isinstance(value, frozenset):
        return f"frozenset{sorted(map(_constant, value))}"
    return f"tuple{list(map(_constant, value))}" if isinstance(value, tuple) else repr(value)


def used(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield what a function takes from outside, and what the functions inside of it do: globals, imports, captured variables."""
    known = function.__globals__
    for name in sorted(_global_names(function.__code__)):
        if name in known:
            yield name, known[name]
    for module in sorted(_imports(function.__code__, known.get("__package__") or "")):
        if module in sys.modules or source_file(module) is not None:
            yield f"import {module}", _imported(module)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # not filled yet
            yield f"captured {name}", cell.cell_contents


def _imported(module: str) -> types.ModuleType:
    return sys.modules.get(module) or types.ModuleType(module)


def _codes(outer: types.CodeType) -> Iterator[types.CodeType]:
    yield outer
    for value in outer.co_consts:
        if isinstance(value, types.CodeType):
            yield from _codes(value)


def _global_names(outer: types.CodeType) -> set[str]:
    return {one.argval for inner in _codes(outer) for one in dis.get_instructions(inner) if one.opname in _LOOKUPS}


def _imports(outer: types.CodeType, package: str) -> Iterator[str]:
    for inner in _codes(outer):
        before = collections.deque[Any](maxlen=2)  # the level and the names are loaded right before an import
        for one in dis.get_instructions(inner):
            if one.opname == "IMPORT_NAME":
                level = before[0].argval if before else 0
                yield importlib.util.resolve_name("." * level + one.argval, package) if level and package else one.argval
            before.append(one)

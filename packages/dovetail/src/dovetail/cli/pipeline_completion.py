"""Completion of the project's pipelines. Its modules are read, and not imported."""

from __future__ import annotations

import ast
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import click

from dovetail.cli.completion import beginning

MOST = 500
"""How many directories are looked into at most, and how many modules are read."""


def complete_pipelines(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the functions that are decorated as pipelines, as `module:function`."""
    from dovetail.project import Project

    return beginning(incomplete, lambda: dict.fromkeys(_pipelines((Path.cwd(), Project.find().root), incomplete.partition(":")[0])))


def _pipelines(roots: tuple[Path, ...], module_begins: str) -> Iterator[str]:
    """Yield the pipelines in modules below some directories, of those whose names begin so."""
    files = ((root, file) for root in dict.fromkeys(roots) for file in _modules(root))
    named = ((".".join(file.relative_to(root).with_suffix("").parts), file) for root, file in files)
    for module, file in itertools.islice(((module, file) for module, file in named if module.startswith(module_begins)), MOST):
        yield from (f"{module}:{name}" for name in _decorated(file))


def _modules(root: Path) -> Iterator[Path]:
    """Yield the Python files that can be imported from a directory, those of environments left out."""
    for directory, inner, files in itertools.islice(os.walk(root), MOST):
        inner[:] = sorted(one for one in inner if one.isidentifier() and one != "__pycache__" and not _is_environment(Path(directory, one)))
        yield from (Path(directory, name) for name in sorted(files) if name.endswith(".py") and name.removesuffix(".py").isidentifier())


def _is_environment(directory: Path) -> bool:
    return (directory / "pyvenv.cfg").exists()


def _decorated(file: Path) -> Iterator[str]:
    """Yield the names of the functions at the top of a module that are decorated as pipelines."""
    try:
        source = file.read_bytes()
        tree = ast.parse(source) if b"pipeline" in source else ast.Module([], [])
    except (OSError, SyntaxError, ValueError):
        return
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef) and any(map(_is_pipeline, statement.decorator_list)):
            yield statement.name


def _is_pipeline(decorator: ast.expr) -> bool:
    """Tell whether a decorator is `pipeline`, `pipeline(...)` or `dovetail.pipeline`."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) == "pipeline"

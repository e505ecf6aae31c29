"""A module's source, cut at its top level: what a definition uses, its text, and the imports that it needs."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator


class ModuleText:
    """The source of a module. Definitions are its functions, classes and named values at the top level."""

    def __init__(self, source: str) -> None:
        self._lines = source.splitlines(keepends=True)
        body = ast.parse(source).body
        self.docstring: str = self.text(body[0]) if body and _is_docstring(body[0]) else ""
        self.nodes: list[ast.stmt] = body[1:] if self.docstring else body
        self.imports: list[ast.stmt] = [node for node in self.nodes if _is_import(node)]
        self.definitions: dict[str, ast.stmt] = {name: node for node in self.nodes if node not in self.imports for name in defined_by(node)}

    def text(self, node: ast.stmt) -> str:
        """Return the lines of a statement, with its decorators and the comments right above it."""
        first, last = self.span(node)
        return "".join(self._lines[first:last])

    def span(self, node: ast.stmt) -> tuple[int, int]:
        """Return where the lines of a statement begin and end, counted from 0."""
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))]) - 1
        while first > 0 and self._lines[first - 1].startswith("#"):
            first -= 1
        return first, node.end_lineno or node.lineno

    def closure(self, names: Iterable[str]) -> list[str]:
        """Return definitions with all that they use, in the order of the module."""
        found, pending = set[str](), list(names)
        while pending:
            name = pending.pop()
            if name in self.definitions and name not in found:
                found.add(name)
                pending += used_by(self.definitions[name])
        return [name for name in self.definitions if name in found]

    def cut(self, names: Iterable[str]) -> list[str]:
        """Return the texts of definitions."""
        return [self.text(node) for node in dict.fromkeys(self.definitions[name] for name in names)]

    def without(self, dropped: Collection[ast.stmt], replaced: dict[ast.stmt, str]) -> str:
        """Return the source without some statements, and with others in place of some."""
        lines = list(self._lines)
        for node in sorted({*dropped, *replaced}, key=lambda node: node.lineno, reverse=True):
            first, last = self.span(node)
            lines[first:last] = [replaced[node]] if node in replaced else []
        return "".join(lines)


def defined_by(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement of the top level gives something."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))


def used_by(*nodes: ast.stmt) -> set[str]:
    """Return the names that statements mention, also in annotations that are text."""
    mentioned = {each.id for node in nodes for each in ast.walk(node) if isinstance(each, ast.Name)}
    texts = (each.value for node in nodes for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str))
    return mentioned | {text for text in texts if text.isidentifier()}


def bound_by(node: ast.stmt) -> dict[str, ast.alias]:
    """Return the names that an import binds, each with what is imported."""
    if isinstance(node, ast.If):
        return {name: alias for each in node.body for name, alias in bound_by(each).items()}
    assert isinstance(node, ast.Import | ast.ImportFrom)
    return {alias.asname or alias.name.partition(".")[0]: alias for alias in node.names}


def imported_by(node: ast.stmt) -> Iterator[tuple[int, str]]:
    """Yield the modules that a statement imports, wherever in it, each with its level: 0 for an absolute name."""
    for each in ast.walk(node):
        if isinstance(each, ast.Import):
            yield from ((0, alias.name) for alias in each.names)
        elif isinstance(each, ast.ImportFrom):
            yield each.level, each.module or ""


def narrowed(node: ast.stmt, names: Collection[str]) -> str:
    """Return the text of an import for some of the names that it binds."""
    if isinstance(node, ast.If):
        return ast.unparse(node) + "\n"
    assert isinstance(node, ast.Import | ast.ImportFrom)
    kept = [alias for name, alias in bound_by(node).items() if name in names]
    return ast.unparse(ast.Import(kept) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, kept, node.level)) + "\n"


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_import(node: ast.stmt) -> bool:
    """Tell whether a statement imports, at once or for type checkers only."""
    if isinstance(node, ast.If):
        return all(isinstance(each, ast.Import | ast.ImportFrom) for each in node.body) and not node.orelse
    return isinstance(node, ast.Import | ast.ImportFrom)

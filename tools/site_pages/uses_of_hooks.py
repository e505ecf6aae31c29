"""Which hooks of a harness the rules of a contract use, read from their code."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from dovetail_conformance.contract import Contract
from dovetail_conformance.rules import rules_of

_ALTERNATIVES = frozenset({"proxy", "syscalls"})
"""Two ways to the same faults: a rule that asks for one takes the other where that is there."""
Definition = ast.FunctionDef | ast.ClassDef


class Uses:
    """The hooks that each rule of a contract uses: in its body, and in what that calls of the contract's own package."""

    def __init__(self, asked: type[Contract]) -> None:
        self._bodies = {id: getattr(asked, rule.method) for id, rule in rules_of(asked).items()}

    def needed(self, id: str) -> frozenset[str]:
        """Return the hooks that a rule cannot do without."""
        return self._used(id, optional=False)

    def all(self, id: str) -> frozenset[str]:
        """Return the hooks that a rule uses, also where it goes on without them."""
        return self._used(id, optional=True)

    def _used(self, id: str, optional: bool) -> frozenset[str]:
        body = self._bodies[id]
        known = _definitions(body.__module__.rpartition(".")[0])
        found: set[str] = set()
        seen: set[tuple[str, frozenset[str]]] = set()
        waiting: list[tuple[ast.AST, frozenset[str]]] = [(ast.parse(textwrap.dedent(inspect.getsource(body))), frozenset())]
        while waiting:
            tree, without = waiting.pop()
            without |= frozenset() if optional else _asked_for(tree)
            for node in _nodes(tree, optional):
                found |= {_hook(node)} - without
                name = _called(node)
                if name in known and (name, without) not in seen:
                    seen.add((name, without))
                    waiting += [(each, without) for each in known[name]]
        return frozenset(found)


@cache
def _definitions(package: str) -> dict[str, list[ast.AST]]:
    """Return what the modules of a package define, by name: functions, methods, fixtures and classes."""
    found: dict[str, list[ast.AST]] = {}
    for file in sorted(Path(str(sys.modules[package].__file__)).parent.glob("*.py")):
        if file.name != "harness.py":
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, Definition):
                    found.setdefault(node.name, []).append(node)
    return found


def _nodes(tree: ast.AST, optional: bool) -> Iterator[ast.AST]:
    """Yield the nodes of a tree; without those in `with suppress(Untested)`, unless they are wanted."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.With) and not optional and any(_goes_on(item.context_expr) for item in node.items):
            continue
        yield node
        waiting += ast.iter_child_nodes(node)


def _asked_for(tree: ast.AST) -> frozenset[str]:
    """Return the hooks of which a definition asks whether they are there, as in `harness.has("census")`, and what may stand for them."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _hook(node.func) == "has"]
    named = {str(argument.value) for call in calls for argument in call.args if isinstance(argument, ast.Constant)}
    return frozenset(named | (_ALTERNATIVES if named & _ALTERNATIVES else set()))


def _goes_on(manager: ast.expr) -> bool:
    return isinstance(manager, ast.Call) and ast.unparse(manager) == "suppress(Untested)"


def _hook(node: ast.AST) -> str:
    """Return the name of what is taken of a harness."""
    if isinstance(node, ast.Attribute) and ast.unparse(node.value).rpartition(".")[2].strip("_") == "harness":
        return node.attr
    return ""


def _called(node: ast.AST) -> str:
    """Return a name by which something of the contract's package may be meant: a name, an argument that is a fixture, or a method of its own."""
    match node:
        case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(value=ast.Name(id="self"), attr=name):
            return name
    return ""

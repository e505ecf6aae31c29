"""Rules are fair to every flavor: they name none, look at nothing that is private, and wait for what happens instead of sleeping."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLACES = ("packages/*/src/*/contract/**/*.py", "packages/*/src/*/crosscutting/**/*.py")
FILES = sorted(file for place in PLACES for file in ROOT.glob(place))
ALLOWED = {
    ("orchestrator/contract/witness.py", "sleeps"): "it is what users' steps do: a program of its own, which steps execute, and no rule",
    ("experiment-tracker/contract/calls.py", "looks at the private '_is_buffered'"): "makes a run as `attach` does, without its request",
    ("orchestrator/contract/submission.py", "names the flavor 'memory'"): "memory is what a step asks a machine for",
}
"""Where in a package, and what -> why it may."""
PUBLIC = {"_exit", "_replace", "_asdict", "_fields", "_make"}
"""Documented names of `os` and of named tuples that begin with an underscore all the same."""
OWN = ("self", "cls")


def flavors() -> tuple[set[str], set[str], set[str]]:
    """Return the names, modules and classes of the flavors that the packages of this repository offer."""
    offered = [
        (name, *value.split(":"))
        for file in ROOT.glob("packages/*/pyproject.toml")
        for group, points in tomllib.loads(file.read_text())["project"].get("entry-points", {}).items()
        if group.startswith("dovetail.flavors.")
        for name, value in points.items()
    ]
    names, modules, classes = (set(found) for found in zip(*offered, strict=True))
    return names, modules, classes


NAMES, MODULES, CLASSES = flavors()


def problems(source: str) -> Iterator[str]:
    """Yield what makes a module of rules unfair."""
    tree = ast.parse(source)
    prose = {id(statement.value) for statement in ast.walk(tree) if isinstance(statement, ast.Expr)}  # docstrings
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=module, names=names):
                yield from (f"names the flavor '{module}'" for module in {module} & MODULES)
                yield from (problem for alias in names for problem in _of_name(alias.name))
            case ast.Import(names=names):
                yield from (f"names the flavor '{alias.name}'" for alias in names if alias.name in MODULES)
            case ast.Constant(value=str(text)) if id(node) not in prose and text in NAMES | CLASSES:
                yield f"names the flavor '{text}'"
            case ast.Name(id=name) if name in CLASSES:
                yield f"names the flavor '{name}'"
            case ast.Attribute(value=value, attr=name):
                yield from (problem for problem in _of_name(name) if not _is_own(value))
            case ast.Call():
                yield from _of_call(node)


def _of_name(name: str) -> Iterator[str]:
    if name in CLASSES:
        yield f"names the flavor '{name}'"
    if name.startswith("_") and not name.endswith("__") and name not in PUBLIC:
        yield f"looks at the private '{name}'"


def _of_call(call: ast.Call) -> Iterator[str]:
    match call:
        case ast.Call(args=[ast.Constant(value=0)], func=ast.Attribute(attr="sleep")):
            return  # lets other tasks go on, and waits for nothing
        case ast.Call(func=ast.Attribute(attr="sleep") | ast.Name(id="sleep")):
            yield "sleeps"
        case ast.Call(func=ast.Name(id="getattr" | "hasattr" | "setattr"), args=[_, ast.Constant(value=str(name)), *_]):
            yield from _of_name(name)


def _is_own(value: ast.expr) -> bool:
    return (isinstance(value, ast.Name) and value.id in OWN) or (isinstance(value, ast.Call) and ast.unparse(value) == "super()")


def place(file: Path) -> str:
    """Return where a module is in its package, and in which one."""
    return f"{file.relative_to(ROOT / 'packages').parts[0]}/{'/'.join(file.relative_to(ROOT).parts[4:])}"


def test_there_are_rules_and_flavors() -> None:
    assert len(FILES) > 50 and {"local", "s3", "mlflow"} <= NAMES and "SqliteMetadataStore" in CLASSES


@pytest.mark.parametrize("file", FILES, ids=place)
def test_the_module_is_fair(file: Path) -> None:
    assert [problem for problem in problems(file.read_text()) if (place(file), problem) not in ALLOWED] == []


@pytest.mark.parametrize(("where", "problem"), ALLOWED)
def test_what_is_allowed_is_there(where: str, problem: str) -> None:
    assert [where] == [place(file) for file in FILES if place(file) == where and problem in problems(file.read_text())]


UNFAIR = {
    "component._client": "looks at the private '_client'",
    "self.store._client": "looks at the private '_client'",
    "getattr(component, '_client', None)": "looks at the private '_client'",
    "from dovetail_core.secret import _known": "looks at the private '_known'",
    "time.sleep(0.1)": "sleeps",
    "sleep(pause)": "sleeps",
    "component.flavor == 's3'": "names the flavor 's3'",
    "isinstance(component, SqliteMetadataStore)": "names the flavor 'SqliteMetadataStore'",
    "from dovetail_metadata_store.sqlite import lock": "names the flavor 'dovetail_metadata_store.sqlite'",
}
FAIR = [
    "self._client",
    "super()._refuse()",
    "os._exit(3)",
    "point._replace(step=1)",
    "component.__class__",
    "await asyncio.sleep(0)",
    "'s3'",
]


@pytest.mark.parametrize("source", UNFAIR)
def test_what_is_unfair_is_seen(source: str) -> None:
    assert list(problems(source)) == [UNFAIR[source]]


@pytest.mark.parametrize("source", FAIR)
def test_what_is_fair_is_left_alone(source: str) -> None:
    assert list(problems(source)) == []

"""The shape of the code: small modules and functions, names that say something, facades that tell the truth."""

from __future__ import annotations

import ast
import importlib
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(ROOT.glob("packages/*/src/**/*.py"))
SOURCES = sorted(ROOT.glob("packages/*/src/*"))
FACADES = [
    "dovetail",
    "dovetail_core",
    "dovetail_alerter",
    "dovetail_artifact_store",
    "dovetail_experiment_tracker",
    "dovetail_metadata_store",
    "dovetail_orchestrator",
    "dovetail.materializers",
]
LONGEST_MODULE = 400
MEDIAN_FUNCTION = 10
SAYS_NOTHING = {"utils", "util", "helpers", "common", "misc"}


def functions(file: Path) -> list[int]:
    """Return the length of every function in a file, in lines."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, kinds)]
    return [(node.end_lineno or node.lineno) - node.lineno + 1 for node in found]


def test_there_are_modules() -> None:
    assert len(MODULES) > 50


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_module_is_short_and_its_name_says_something(file: Path) -> None:
    assert len(file.read_text().splitlines()) < LONGEST_MODULE
    assert file.stem.strip("_") not in SAYS_NOTHING


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_functions_are_short(source: Path) -> None:
    lengths = [length for file in source.rglob("*.py") for length in functions(file)]
    assert statistics.median(lengths) <= MEDIAN_FUNCTION


@pytest.mark.parametrize("name", FACADES)
def test_the_facade_offers_exactly_what_it_says(name: str) -> None:
    facade = importlib.import_module(name)
    assert facade.__all__ == sorted(facade.__all__)
    assert set(facade.__all__) == set(facade._EXPORTS)
    assert [public for public in facade.__all__ if getattr(facade, public, None) is None] == []
    assert set(facade.__all__) <= set(dir(facade))

"""What type checkers make of steps and of their calls in a pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest

api = pytest.importorskip("mypy.api", reason="mypy is not installed")

SOURCE = """
from typing import Annotated
from dovetail import pipeline, step

@step
def split(n: int) -> tuple[Annotated[int, "train"], Annotated[str, "test"]]:
    return n, str(n)

@step(retries=1)
def fit(x: int, word: str = "") -> Annotated[float, "model"]:
    return float(x)

@step
def most(values: list[float]) -> None: ...

@pipeline
def flow() -> None:
    parts = split(3)
    first, second = split(4)
    one = fit(parts.train, word=parts.test)
    most([one, *fit.map([1, 2], word=second)])
    most([fit(each.train) for each in split.map([1, 2])])
    fit(first, after=[one])
"""


def test_calls_in_a_pipeline_fit_each_other_also_by_the_names_of_outputs(tmp_path: Path) -> None:
    assert checked(tmp_path, SOURCE) == []


def test_a_wrong_argument_of_a_step_is_found(tmp_path: Path) -> None:
    (problem,) = checked(tmp_path, SOURCE + "\nfit('x')\n")
    assert 'matches argument type "str"' in problem


def checked(directory: Path, source: str) -> list[str]:
    """Return the errors that mypy finds."""
    file = directory / "flows.py"
    file.write_text(source)
    out, err, _ = api.run(["--strict", "--no-error-summary", f"--cache-dir={directory.parent / 'mypy'}", str(file)])
    assert not err
    return [line for line in out.splitlines() if ": error:" in line]

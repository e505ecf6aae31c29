"""What the embedded flavors store in a project is kept out of git, whoever makes the directory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail import pipeline, step
from dovetail.cli import main

IGNORED = Path(".dovetail/.gitignore")


@step
def one() -> int:
    return 1


@pipeline
def flow() -> None:
    one()


def register() -> None:
    main(["artifact-store", "register", "second", "--flavor", "local", "--path", "elsewhere"])


def schema() -> None:
    main(["schema", "--out", ".dovetail/schema.json"])


def init() -> None:
    main(["init"])


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("call", [flow, register, schema, init])
def test_whatever_makes_the_directory_keeps_it_out_of_git(call: Callable[[], object]) -> None:
    call()
    assert IGNORED.read_text().splitlines()[-1] == "*"


@pytest.mark.parametrize("call", [flow, register, schema])
def test_who_keeps_it_in_git_is_left_alone(call: Callable[[], object]) -> None:
    IGNORED.parent.mkdir()
    call()
    assert not IGNORED.exists()


def test_what_is_to_be_ignored_stays_as_it_was_written() -> None:
    IGNORED.parent.mkdir()
    IGNORED.write_text("runs\n")
    init()
    assert IGNORED.read_text() == "runs\n"

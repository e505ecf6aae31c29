"""A step is taken from the cache only if it would compute the same, and if its artifacts are still there."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
from project_directory import ProjectDirectory
from sqlalchemy import event
from sqlalchemy.engine import Engine

from dovetail import pipeline, step

MODULE = """
    from typing import Any
    from dovetail import pipeline, step
    import helper

    @step
    def compute(x: Any = 1) -> Any:
        return helper.work(x)

    @step
    def parity(x: int) -> int:
        return x % 2

    @step
    def below(x: int) -> int:
        return x + 100

    @pipeline
    def flow(x: Any = 1):
        compute(x)

    @pipeline
    def chain():
        below(parity(helper.source()))
"""
HELPER = """
    from dovetail import step

    def work(x):
        return [x, "worked"]

    @step
    def source() -> int:
        return 3
"""


def ran(project: ProjectDirectory, call: str) -> dict[str, str]:
    """Run a pipeline of the module in a fresh process and return the states of its steps."""
    code = f"import json, module; run = module.{call}; print(json.dumps({{k: v.state for k, v in run.steps.items()}}))"
    import json

    states: dict[str, str] = json.loads(project.run(code).splitlines()[-1])
    return states


@pytest.fixture
def module(project: ProjectDirectory) -> ProjectDirectory:
    project.write("module.py", MODULE)
    project.write("helper.py", HELPER)
    return project


def test_a_number_and_its_text_are_not_the_same_parameter(module: ProjectDirectory) -> None:
    assert ran(module, "flow(x=1)") == {"compute": "succeeded"}
    assert ran(module, "flow(x='1')") == {"compute": "succeeded"}
    assert ran(module, "flow(x=True)") == {"compute": "succeeded"}
    assert ran(module, "flow(x=1.0)") == {"compute": "succeeded"}
    assert ran(module, "flow(x=1)") == {"compute": "cached"}


def test_the_order_of_a_dict_does_not_matter(module: ProjectDirectory) -> None:
    assert ran(module, "flow(x={'a': 1, 'b': 2})") == {"compute": "succeeded"}
    assert ran(module, "flow(x={'b': 2, 'a': 1})") == {"compute": "cached"}


def test_an_edited_helper_invalidates(module: ProjectDirectory) -> None:
    ran(module, "flow()")
    module.edit("helper.py", '"worked"', '"worked better"')
    assert ran(module, "flow()") == {"compute": "succeeded"}


def test_a_deleted_artifact_is_no_hit(module: ProjectDirectory) -> None:
    ran(module, "flow()")
    (artifact,) = (file for file in (module.path / ".dovetail" / "artifacts" / "runs").rglob("*") if file.is_file())
    artifact.unlink()
    assert ran(module, "flow()") == {"compute": "succeeded"}
    assert ran(module, "flow()") == {"compute": "cached"}


def test_a_step_that_yields_the_same_bytes_leaves_what_is_below_cached(module: ProjectDirectory) -> None:
    assert set(ran(module, "chain()").values()) == {"succeeded"}
    module.edit("helper.py", "return 3", "return 5")
    assert ran(module, "chain()") == {"source": "succeeded", "parity": "succeeded", "below": "cached"}
    assert set(ran(module, "chain()").values()) == {"cached"}


def test_inputs_of_equal_bytes_that_mean_something_else_are_not_the_same(project: ProjectDirectory) -> None:
    @step
    def source(number: bool) -> Any:
        return 5 if number else "5"

    @step
    def named(x: Any) -> str:
        return type(x).__name__

    @pipeline
    def flow(number: bool) -> None:
        named(source(number))

    assert flow(number=True).steps["named"].outputs["output"].load() == "int"
    assert flow(number=False).steps["named"].outputs["output"].load() == "str"
    assert flow(number=True).steps["named"].state == "cached"


def test_an_output_and_a_list_of_that_output_are_not_the_same(project: ProjectDirectory) -> None:
    @step
    def source() -> list[int]:
        return [1, 2, 3]

    @step
    def size(x: Any) -> int:
        return len(x)

    @pipeline
    def alone() -> None:
        size(source())

    @pipeline
    def collected() -> None:
        size([source()])

    assert alone().steps["size"].outputs["output"].load() == 3
    assert collected().steps["size"].outputs["output"].load() == 1
    again = collected.with_options(steps={"source": {"cache": False}})()
    assert (again.steps["size"].state.value, again.steps["size"].outputs["output"].load()) == ("cached", 1)


def test_without_cache_at_the_step_what_is_below_is_decided_by_content(project: ProjectDirectory) -> None:
    values = [1, 1, 2]

    @step(cache=False)
    def source() -> int:
        return values.pop(0)

    @step
    def below(x: int) -> int:
        return x + 1

    @pipeline
    def flow() -> None:
        below(source())

    def states() -> list[str]:
        return [step.state.value for step in flow().steps.values()]

    assert states() == ["succeeded", "succeeded"]
    assert states() == ["succeeded", "cached"]
    assert states() == ["succeeded", "succeeded"]


def test_a_hundred_cached_steps_make_one_cache_query_and_read_no_artifact(project: ProjectDirectory) -> None:
    @step
    def advance(x: int = 0) -> int:
        return x + 1

    @pipeline
    def flow() -> None:
        handle: Any = advance()
        for _ in range(99):
            handle = advance(handle)

    flow()
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        run = flow()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert {step.state.value for step in run.steps.values()} == {"cached"}
    assert len([statement for statement in statements if "wanted_key" in statement]) == 1, statements
    assert len(statements) < 20, "the number of statements must not grow with the number of steps"


def test_values_of_several_files_are_taken_from_the_cache_too_and_not_if_one_list_of_files_is_gone(project: ProjectDirectory) -> None:
    @step
    def mixed() -> dict[str, Any]:
        return {"small": np.zeros(3), "large": np.ones((50, 50))}

    @pipeline
    def flow() -> None:
        mixed()

    assert flow().steps["mixed"].state == "succeeded"
    again = flow()
    assert again.steps["mixed"].state == "cached"
    artifact = again.steps["mixed"].outputs["output"].artifact
    assert artifact.digest.startswith("blake3-tree:")
    again.stack.artifact_store.rmtree(artifact.key)
    assert flow().steps["mixed"].state == "succeeded"


class Connection:
    """Of a kind whose content cannot be told."""


def capturing(value: object) -> Any:
    @step
    def captures(x: int) -> str:
        return f"{value}, {x}"

    return captures


def test_a_step_that_is_never_cached_for_what_it_captures_is_told_once(project: ProjectDirectory, caplog: pytest.LogCaptureFixture) -> None:
    captures = capturing(Connection())

    @pipeline
    def flow() -> None:
        captures.map([1, 2, 3])

    with caplog.at_level(logging.WARNING, "dovetail"):
        flow()
    (said,) = (record.getMessage() for record in caplog.records)
    assert "step 'captures" in said and "Connection" in said and "as an argument" in said


@pytest.mark.parametrize(("value", "cache"), [(1, None), (Connection(), False)])
def test_no_step_is_told_of_that_is_cached_or_is_not_to_be(
    project: ProjectDirectory, caplog: pytest.LogCaptureFixture, value: object, cache: bool | None
) -> None:
    captures = capturing(value)

    @pipeline(cache=cache)
    def flow() -> None:
        captures(1)

    with caplog.at_level(logging.WARNING, "dovetail"):
        flow()
    assert caplog.records == []

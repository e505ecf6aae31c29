"""What is given to a step or pipeline directly arrives as it was given, or is refused when the pipeline is compiled."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from project_directory import ProjectDirectory
from pydantic import BaseModel, Field, SecretStr

from dovetail import pipeline, step
from dovetail.parameters import decode, encode
from dovetail_core import ConfigError


class Base(BaseModel):
    tags: set[str] = set()


class Derived(Base):
    more: int = 1


class Login(BaseModel):
    token: SecretStr


class Named(BaseModel):
    name: str = Field(alias="Name", default="")


@dataclasses.dataclass
class Point:
    x: float
    tags: frozenset[str] = frozenset()


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        ({"a": (1, 2)}, dict[str, tuple[int, int]]),
        ({1: "a"}, dict[int, str]),
        ([datetime.date(2024, 1, 1)], list[datetime.date]),
        (Base(tags={"a", "b"}), Base),
        (Point(float("nan"), frozenset({"a"})), Point),
        ({Colour.RED}, set[Colour]),
        (b"plain", bytes),
        ({"a": [1, {"b": None}]}, dict),
        (Path("a"), Path),
        (None, SecretStr | None),
        (3, float),
        (np.float64(1.5), float),
        (datetime.timedelta(seconds=1.5), datetime.timedelta),
    ],
)
def test_a_value_comes_back_as_it_was_given(value: Any, annotation: Any) -> None:
    back = decode(encode(value, annotation, "here"), annotation)
    assert repr(back) == repr(value) or back == value
    assert isinstance(value, float) or type(back) is type(value) or annotation is float


def test_what_is_annotated_as_any_sequence_may_come_back_as_a_list() -> None:
    for annotation in (Sequence[int], Iterable[int]):
        assert list(decode(encode((1, 2), annotation, "here"), annotation)) == [1, 2]


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        ({"a": (1, 2)}, dict),
        ({1: "a"}, dict),
        ([datetime.date(2024, 1, 1)], list),
        ((1, 2), object),
        (Derived(more=5), Base),
        ([Derived(more=5)], list[Base]),
        ({"a": {1: 2}}, dict[str, Any]),
        (Named(Name="x"), Named),
        (b"\xff", bytes),
    ],
)
def test_what_would_come_back_as_something_else_is_refused(value: Any, annotation: Any) -> None:
    with pytest.raises(ConfigError, match=r"^step 's', argument 'a': .*(come back as another|cannot be given)"):
        encode(value, annotation, "step 's', argument 'a'")


@pytest.mark.parametrize(("value", "annotation"), [("hunter2", SecretStr), ({"token": "hunter2"}, Login), (["hunter2"], list[SecretStr])])
def test_a_secret_is_refused_by_name_and_not_shown(value: Any, annotation: Any) -> None:
    with pytest.raises(ConfigError, match=r"a SecretStr cannot be given as a parameter.*\{\{name.key\}\}") as caught:
        encode(value, annotation, "here")
    assert "hunter2" not in str(caught.value)


def test_a_set_in_a_model_is_recorded_in_the_same_order_by_every_process() -> None:
    code = """if True:
        from test_parameters import *
        tags = {"a", "b", "c", "d", "e"}
        print(encode([Base(tags=tags)], list[Base], "here"), encode(Point(1, frozenset(tags)), Point, "here"))
    """
    tests = str(Path(__file__).parent)
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PYTHONPATH": tests}, capture_output=True, text=True, check=True
        ).stdout
        for seed in "123"
    }
    assert len(seen) == 1


def test_a_step_gets_a_value_of_its_own(project: ProjectDirectory) -> None:
    @step
    def size(x: int, options: Any, more: dict = {"inner": []}) -> int:  # type: ignore[type-arg]  # noqa: B006
        options.append(x)
        more["inner"].append(x)
        return len(options) + len(more["inner"])

    shared: list[int] = []

    @pipeline
    def flow() -> None:
        size.map([1, 2, 3], options=shared)
        shared.append(4)  # too late to be given

    run = flow()
    assert [one.outputs["output"].load() for one in run.steps.values()] == [2, 2, 2]
    assert run.stack.metadata_store.get_plan(run.id)["steps"][2]["parameters"] == {"x": 3, "options": [], "more": {"inner": []}}

"""A plan refuses what can never be executed, and names the steps."""

import pytest
from orchestrator_kit import chain, plan
from pydantic import ValidationError

from dovetail_orchestrator import PipelinePlan, StepPlan, StepState


def test_repeated_names_are_refused():
    with pytest.raises(ValidationError, match="train"):
        plan("r", "train", "split", "train")


def test_an_unknown_upstream_step_is_refused_with_both_names():
    with pytest.raises(ValidationError, match=r"evaluate.*tran") as refused:
        plan("r", "train", StepPlan(name="evaluate", upstream=("tran",)))
    assert "did you mean 'train'" in str(refused.value)


def test_a_cycle_is_refused_with_the_steps_in_it():
    before = {"free": (), "a": ("c",), "b": ("a",), "c": ("b",), "below": ("c",)}
    with pytest.raises(ValidationError) as refused:
        plan("r", *(StepPlan(name=name, upstream=upstream) for name, upstream in before.items()))
    message = str(refused.value).split("\n")[1]
    assert all(f"'{name}'" in message for name in "abc")
    assert "below" not in message and "free" not in message


def test_a_step_that_waits_for_itself_is_refused():
    with pytest.raises(ValidationError, match="'a'"):
        plan("r", StepPlan(name="a", upstream=("a",)))


def test_a_plan_of_another_version_is_refused():
    with pytest.raises(ValidationError, match="version 2"):
        PipelinePlan(version=2, run_id="r", pipeline="p", steps=())


def test_a_misspelt_field_is_refused():
    with pytest.raises(ValidationError, match="time_out"):
        StepPlan.model_validate({"name": "a", "time_out": 3})


def test_a_plan_survives_json():
    made = chain("r", ["a", "b"], timeout=2.5, isolated=True, resources={"memory": "1GiB", "gpu": 0})
    assert PipelinePlan.model_validate_json(made.model_dump_json()) == made


def test_a_plan_may_be_deeper_than_the_recursion_limit_and_in_any_order():
    names = [str(number) for number in range(5000)]
    deep = chain("r", names)
    assert len(plan("r", *reversed(deep.steps)).steps) == 5000


@pytest.mark.parametrize("state", StepState)
def test_a_state_is_either_on_its_way_or_terminal(state):
    assert state.terminal == (state not in ("pending", "running"))
    assert state.good == (state in ("succeeded", "cached"))

"""What is wrong in a pipeline is told when it is compiled, by the names of step, argument and types."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from project_directory import ProjectDirectory

from dovetail import Project, pipeline, step
from dovetail.wiring import assignable, element
from dovetail_core import ConfigError, InvalidArgument, NotFound


@step
def numbers(count: int = 3) -> Annotated[list[int], "numbers"]:
    return list(range(count))


@step
def halves(values: list[int]) -> tuple[Annotated[list[int], "first"], Annotated[list[int], "second"]]:
    middle = len(values) // 2
    return values[:middle], values[middle:]


@step
def total(values: list[int]) -> int:
    return sum(values)


@step
def largest(totals: list[int]) -> int:
    return max(totals)


@step
def spell(word: str) -> str:
    return word


def test_a_step_outside_of_a_pipeline_is_just_the_function() -> None:
    assert total([1, 2, 3]) == 6
    assert total.__name__ == "total"


def test_the_plan_holds_steps_in_order_with_their_inputs_and_parameters() -> None:
    @pipeline
    def flow(count: int = 4) -> None:
        first, second = halves(numbers(count))
        largest([total(first), total(second)])

    plan = flow.with_options(parameters={"count": "6"}).compile().plan
    assert [item.name for item in plan.steps] == ["numbers", "halves", "total", "total_2", "largest"]
    assert plan.step("numbers").parameters == {"count": 6}
    assert plan.step("largest").inputs["totals"].collected
    assert [source.step for source in plan.step("largest").inputs["totals"].sources] == ["total", "total_2"]
    assert plan.step("largest").plan.upstream == ("total", "total_2")


def test_map_makes_a_step_per_value_and_after_adds_an_edge_without_data() -> None:
    @pipeline
    def flow() -> None:
        counted = numbers.map([1, 2, 3])
        spell("x", after=counted)

    plan = flow.compile().plan
    assert [item.name for item in plan.steps] == ["numbers[0]", "numbers[1]", "numbers[2]", "spell"]
    assert plan.step("numbers[2]").parameters == {"count": 3}
    assert plan.step("spell").plan.upstream == ("numbers[0]", "numbers[1]", "numbers[2]")
    assert plan.step("spell").inputs == {}


def test_steps_of_a_pipeline_called_in_another_become_part_of_it() -> None:
    @pipeline
    def inner() -> Any:
        return numbers()

    @pipeline
    def outer() -> None:
        total(inner())

    assert [item.name for item in outer.compile().plan.steps] == ["numbers", "total"]


def test_the_options_of_a_pipeline_called_in_another_hold_for_the_steps_that_it_adds() -> None:
    @pipeline(
        cache=False,
        retries=3,
        timeout=9,
        parameters={"count": "6"},
        steps={"total": {"retries": 4}, "numbers": {"parameters": {"count": 8}}},
    )
    def inner(count: int = 1) -> Any:
        return largest([total(numbers(count)), total(numbers(count))])

    @pipeline(retries=1, resources={"memory": "1GB"}, steps={"total": {"retries": 7}, "total_3": {"timeout": 2}})
    def outer() -> None:
        total.with_options(retries=5)(numbers())
        inner()
        inner(count=2)
        numbers()

    plan = outer.compile().plan
    steps = {item.name: (item.cache, item.plan.retry.retries, item.plan.timeout) for item in plan.steps}
    assert [steps[name] for name in ("numbers", "total", "numbers_6")] == [(True, 1, None), (True, 7, None), (True, 1, None)]
    assert [steps[name] for name in ("numbers_2", "total_2", "largest")] == [(False, 3, 9), (False, 4, 9), (False, 3, 9)]
    assert [steps[name] for name in ("total_3", "total_4", "total_5")] == [(False, 3, 2), (False, 4, 9), (False, 3, 9)]
    assert [plan.step(f"numbers_{number}").parameters["count"] for number in range(2, 6)] == [8, 6, 8, 2]
    assert plan.step("largest").plan.resources == plan.step("numbers").plan.resources


def test_the_step_says_more_than_the_pipeline_that_calls_it_and_the_inner_pipeline_more_than_the_outer_one() -> None:
    own = total.with_options(retries=2, retry={"delay": 3})

    @pipeline(retry={"retries": 9, "delay": 5})
    def innermost() -> None:
        own(numbers())

    @pipeline(retries=4, steps={"numbers": {"retries": 6}}, cache=False)
    def inner() -> None:
        innermost.with_options(cache=True)()

    policies = {item.name: item.plan.retry for item in pipeline(lambda: inner()).compile().plan.steps}
    assert (policies["total"].retries, policies["total"].delay) == (2, 3)
    assert (policies["numbers"].retries, policies["numbers"].delay) == (6, 5)
    assert not pipeline(lambda: inner()).compile().plan.step("total").cache


def test_what_only_a_whole_run_has_is_refused_by_name_in_a_pipeline_called_in_another() -> None:
    @pipeline
    def inner() -> None:
        numbers()

    given = {"stack": "prod", "run_name": "nightly", "failure_mode": "continue", "on_success": print, "on_failure": print}
    for name, value in given.items():
        changed = inner.with_options(**{name: value})  # type: ignore[arg-type]
        assert f"pipeline 'inner' is called inside of another one, where its {name} cannot hold" in refused(calling(changed))
        assert pipeline(calling(changed.function)).compile().plan.steps
    for options, said in (
        ({"steps": {"nubmers": {"retries": 1}}}, "pipeline 'inner' has no step 'nubmers', did you mean 'numbers'?"),
        ({"parameters": {"x": 1}}, "pipeline 'inner' has no parameter 'x'"),
        ({"steps": {"numbers": {"parameters": {"cuont": 1}}}}, "has no argument 'cuont', did you mean 'count'?"),
    ):
        assert said in refused(calling(inner.with_options(**options)))


def calling(part: Any) -> Any:
    """Return a pipeline's function that calls another pipeline."""
    return lambda: part()


def refused(body: Any, **options: Any) -> str:
    """Return the message with which compiling a pipeline is refused."""
    with pytest.raises((ConfigError, InvalidArgument)) as caught:
        pipeline(body).with_options(**options).compile()
    return str(caught.value)


def test_an_output_of_another_type_is_refused_with_both_types() -> None:
    def flow() -> None:
        spell(numbers())

    message = refused(flow)
    assert all(part in message for part in ("'spell'", "'word'", "str", "'numbers'", "list[int]"))


def test_a_list_of_outputs_is_refused_where_one_of_them_does_not_fit() -> None:
    def flow() -> None:
        largest([total([1]), spell("x")])

    message = refused(flow)
    assert all(part in message for part in ("'largest'", "'totals'", "'spell'", "list[int]", "str"))


def test_a_list_of_outputs_is_refused_where_one_value_is_taken() -> None:
    def flow() -> None:
        spell([spell("x")])

    assert "'spell_2', argument 'word' takes str" in refused(flow)


def test_a_value_of_another_type_is_refused() -> None:
    def flow() -> None:
        numbers("many")

    assert "step 'numbers', argument 'count': 'many' is no int" in refused(flow)


def test_a_misspelt_argument_is_refused_with_the_closest_one() -> None:
    def flow() -> None:
        numbers(cuont=3)

    assert "no argument 'cuont', did you mean 'count'?" in refused(flow)


def test_an_argument_that_a_call_could_not_give_is_refused_when_the_step_is_made() -> None:
    with pytest.raises(InvalidArgument, match="step 'sift' has an argument called 'after'"):

        @step
        def sift(rows: list[int], after: int) -> list[int]:
            return rows


def test_a_missing_argument_is_refused() -> None:
    def flow() -> None:
        spell()

    assert "step 'spell': argument 'word' is missing" in refused(flow)


def test_a_step_with_several_outputs_is_not_one_value() -> None:
    def flow() -> None:
        total(halves([1, 2]))

    assert "has 2 outputs (first, second)" in refused(flow)


def test_an_unknown_output_is_refused_by_name() -> None:
    def flow() -> None:
        total(halves([1, 2]).third)

    assert "no output 'third'" in refused(flow)

    def misspelt() -> None:
        total(halves(numbers()).frist)

    assert "no output 'frist', did you mean 'first'?" in refused(misspelt)


@pytest.mark.parametrize(
    "use",
    [
        bool, len, int, list, abs,
        lambda value: value == 3, lambda value: value != 3, lambda value: value > 3, lambda value: value + 1, lambda value: 2 * value,
        lambda value: value[0], lambda value: 1 in value, lambda value: f"{value}", lambda value: value(), lambda value: value in (1, 2),
    ],
)  # fmt: skip
def test_an_output_cannot_be_used_as_a_value_by_the_pipeline_function(use: Any) -> None:
    def of_a_call() -> None:
        use(total([1]))

    def of_an_output() -> None:
        use(total([1]).output)

    assert "the output of step 'total' is used as a value" in refused(of_a_call)
    assert "the output of step 'total' is used as a value" in refused(of_an_output)


def test_an_attribute_of_an_output_is_no_value_either() -> None:
    def flow() -> None:
        spell(total([1]).output.hex())

    assert "the output of step 'total' is used as a value" in refused(flow)


def test_an_output_inside_of_a_value_is_refused_since_no_edge_leads_there() -> None:
    @step
    def described(parts: dict[str, list[int]]) -> str:
        return str(parts)

    def flow() -> None:
        described({"a": [total([1])]})

    assert "step 'described', argument 'parts' is given <call of step total> inside of another value" in refused(flow)


def test_calls_can_be_kept_in_collections_and_found_again() -> None:
    def flow() -> None:
        calls = [total([1]), total([2])]
        assert calls[1] in calls and calls.index(calls[1]) == 1 and {calls[0]: "a"}[calls[0]] == "a"
        largest(calls)

    assert len(pipeline(flow).compile().plan.steps) == 3


def test_a_handle_of_another_pipeline_is_refused() -> None:
    kept: list[Any] = []

    @pipeline
    def one() -> None:
        kept.append(numbers())

    one.compile()

    def flow() -> None:
        total(kept[0])

    assert "belongs to another pipeline" in refused(flow)


def test_outputs_and_plain_values_in_one_list_are_refused() -> None:
    def flow() -> None:
        largest([total([1]), 5])

    assert "in one list" in refused(flow)


def test_unknown_pipeline_parameters_options_and_step_names_are_refused() -> None:
    def flow(count: int = 3) -> None:
        numbers(count)

    assert "no parameter 'cuont', did you mean 'count'?" in refused(flow, parameters={"cuont": 1})
    assert "'retires' is not a setting, did you mean 'retries'?" in refused(flow, retires=1)
    assert "no step 'nubmers', did you mean 'numbers'?" in refused(flow, steps={"nubmers": {"retries": 1}})
    assert "'resources.gpus' is not a setting" in refused(flow, resources={"gpus": 1})


def test_a_pipeline_without_steps_is_refused() -> None:
    assert "has no steps" in refused(lambda: None)


def test_a_step_that_another_process_cannot_import_is_refused_where_it_needs_one() -> None:
    @step(timeout=1)
    def local() -> int:
        return 1

    assert "cannot be imported there" in refused(lambda: local())


def test_options_of_a_run_configuration_win_over_the_step_and_cache_false_always_wins(tmp_path: Any) -> None:
    configured = tmp_path / "run.yaml"
    configured.write_text("cache: false\nretries: 1\nsteps:\n  numbers: {retries: 5, parameters: {count: 9}}\n  total: {cache: true}\n")

    @pipeline
    def flow() -> None:
        total(numbers.with_options(retries=2)())

    plan = flow.with_options(config=configured).compile().plan
    assert plan.step("numbers").plan.retry.retries == 5
    assert plan.step("numbers").parameters == {"count": 9}
    assert plan.step("total").plan.retry.retries == 1
    assert not plan.step("numbers").cache and not plan.step("total").cache


@pytest.mark.parametrize(
    ("run", "own", "given", "retries", "delay"),
    [
        ({"retries": 1}, {"retry": {"retries": 5}}, {}, 5, 1.0),
        ({"retries": 1}, {}, {"retry": {"retries": 5}}, 5, 1.0),
        ({"retry": {"retries": 1, "delay": 7}}, {"retries": 5}, {}, 5, 7.0),
        ({"retries": 1}, {"retries": 2}, {}, 2, 1.0),
        ({}, {"retries": 2, "retry": {"retries": 5, "delay": 7}}, {}, 2, 7.0),
        ({}, {"retries": 2}, {"retry": {"delay": 7}}, 0, 7.0),
    ],
)
def test_the_retries_of_the_highest_level_hold(run: Any, own: Any, given: Any, retries: int, delay: float) -> None:
    @pipeline(**run, steps={"numbers": given})
    def flow() -> None:
        numbers.with_options(**own)()

    policy = flow.compile().plan.step("numbers").plan.retry
    assert (policy.retries, policy.delay) == (retries, delay)


def test_a_retry_policy_given_later_replaces_the_number_of_retries_given_before() -> None:
    assert numbers.with_options(retries=1).with_options(retry={"retries": 5}).options.policy().retries == 5


def test_the_name_of_a_stack_wins_over_a_stack_that_was_given_before(project: ProjectDirectory) -> None:
    @pipeline
    def flow() -> None:
        numbers()

    (project.path / "run.yaml").write_text("stack: elsewhere\n")
    with Project.find().stack() as stack:
        given = flow.with_options(stack=stack)
        for other in (given.with_options(stack="elsewhere"), given.with_options(config="run.yaml")):
            with pytest.raises(NotFound, match="there is no stack 'elsewhere'"):
                other.run()
        assert given.with_options(config="run.yaml", stack=stack).run().state == "succeeded"


@pytest.mark.parametrize(
    ("source", "target", "fits"),
    [
        (int, int, True),
        (bool, int, True),
        (int, float, True),
        (int, str, False),
        (list[int], list[int], True),
        (list[int], list[str], False),
        (dict[str, int], dict[str, str], False),
        (int, int | None, True),
        (int | None, int, False),
        (int, float | None, True),
        (int, float | str, True),
        (int | None, Annotated[float | None, "x"], True),
        (int | str, float | None, False),
        (str | None, float | None, False),
        (list[int], list[int] | None, True),
        (Literal["a"], Literal["a", "b"] | None, True),
        (Literal["a", 1], int | str, True),
        (Any, int, True),
        (int, Any, True),
        (list[int], object, True),
        (Annotated[int, "x"], int, True),
    ],
)
def test_assignability_is_that_of_type_checkers(source: Any, target: Any, fits: bool) -> None:
    assert assignable(source, target) is fits


def test_the_element_of_a_collection_is_what_a_fan_in_takes() -> None:
    assert element(list[int]) is int
    assert element(tuple[str, ...]) is str
    assert element(list) is Any
    assert element(dict[str, int]) is None
    assert element(list[float] | None) is float
    assert element(Annotated[list[int] | tuple[str, ...] | int, "x"]) == int | str
    assert element(int | None) is None


def test_a_list_of_outputs_is_taken_where_a_list_or_nothing_is() -> None:
    @step
    def mean(values: list[float] | None = None) -> float:
        return sum(values or [0])

    @pipeline
    def flow() -> None:
        mean([total(numbers()), total(numbers())])

    assert flow.compile().plan.step("mean").inputs["values"].collected

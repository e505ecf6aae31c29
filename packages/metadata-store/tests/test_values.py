"""Values and names: what is stored comes back as it was, and what cannot be stored is refused before anything is done."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from metadata_store_kit import artifact, commit, executed, started

from dovetail_core import Failure, InvalidArgument
from dovetail_metadata_store import Artifact, Link, Owner, Run, SqlMetadataStore, State, StepCommit
from dovetail_metadata_store.documents import DEPTH_LIMIT, SIZE_LIMIT

VALUES: dict[str, Any] = {
    "nan": math.nan,
    "inf": math.inf,
    "-inf": -math.inf,
    "zero": 0.0,
    "negative zero": -0.0,
    "denormal": 5e-324,
    "largest": 1.7976931348623157e308,
    "tenth": 0.1,
    "int": 1,
    "float": 1.0,
    "true": True,
    "false": False,
    "none": None,
    "empty": "",
    "digit": "1",
    "null": "null",
    "beyond 2**53": 2**53 + 1,
    "64 bits": -(2**63),
    "beyond 64 bits": 10**40,
    "list": [1, 1.0, True, None, "", [], {}],
    "mapping": {"b": 1, "a": {"": math.nan}},
    "text": "é\N{PILE OF POO}\u202e\0\ud800'\"\\;--%_",
}


def exactly(value: Any) -> Any:
    """Return a value in a form in which NaN equals NaN, 0.0 differs from -0.0, and 1, 1.0 and True differ."""
    if isinstance(value, Mapping):
        return [(key, exactly(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [exactly(item) for item in value]
    return type(value).__name__, repr(value)


def test_metadata_of_runs_and_steps_comes_back_exactly(store: SqlMetadataStore) -> None:
    run = started(store, ["a"])
    store.put_metadata(run.id, VALUES)
    store.put_metadata(run.id, {"only": 1}, step="a")
    assert exactly(store.get_metadata(run.id)) == exactly(dict(sorted(VALUES.items())))
    assert store.get_metadata(run.id, step="a") == {"only": 1}


def test_parameters_plan_and_artifact_metadata_come_back_exactly(store: SqlMetadataStore) -> None:
    run = Run("1" * 32, "r", "p", "s", parameters=VALUES)
    store.create_run(run, ["a"], {"plan": VALUES})
    store.transition_run(run.id, State.RUNNING)
    made = executed(store, run, outputs=(Link("output", artifact(run, metadata=MappingProxyType(VALUES))),))
    assert exactly(store.get_run(run.id).parameters) == exactly(VALUES)
    assert exactly(store.get_plan(run.id)) == exactly({"plan": VALUES})
    assert exactly(store.get_artifact(made.id).metadata) == exactly(VALUES)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=255)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(names, json_values, max_size=6))
def test_any_metadata_comes_back_exactly(store: SqlMetadataStore, entries: dict[str, Any]) -> None:
    run = started(store)
    store.put_metadata(run.id, entries)
    found = store.get_metadata(run.id)
    assert {name: exactly(value) for name, value in found.items()} == {name: exactly(value) for name, value in entries.items()}


def test_putting_metadata_replaces_the_named_entries_and_leaves_the_others(store: SqlMetadataStore) -> None:
    run = started(store)
    store.put_metadata(run.id, {"a": 1, "b": 2, "c": [1]})
    store.put_metadata(run.id, {"a": None, "c": {}})
    store.put_metadata(run.id, {})
    assert store.get_metadata(run.id) == {"a": None, "b": 2, "c": {}}


def test_thousands_of_entries_are_put_at_once(store: SqlMetadataStore) -> None:
    run = started(store)
    entries = {f"n{number:04}": number for number in range(1500)}
    store.put_metadata(run.id, entries)
    store.put_metadata(run.id, entries)
    assert store.get_metadata(run.id) == entries


@pytest.mark.parametrize("wrong", [object(), b"x", {1: 2}, {"a": {None: 1}}, [{1}], 1j, 2**20000], ids=type)
def test_what_json_has_not_is_refused_with_its_place(store: SqlMetadataStore, wrong: object) -> None:
    run = started(store)
    with pytest.raises(InvalidArgument, match=r"entries\.bad"):
        store.put_metadata(run.id, {"good": 1, "bad": wrong})
    assert store.get_metadata(run.id) == {}


def test_nesting_without_end_is_refused(store: SqlMetadataStore) -> None:
    run = started(store)
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidArgument, match=str(DEPTH_LIMIT)):
        store.put_metadata(run.id, {"endless": endless})


def test_a_document_is_stored_in_full_up_to_the_limit_and_refused_above(store: SqlMetadataStore) -> None:
    run = started(store)
    store.put_metadata(run.id, {"long": "x" * (SIZE_LIMIT - 2)})
    assert len(store.get_metadata(run.id)["long"]) == SIZE_LIMIT - 2
    with pytest.raises(InvalidArgument, match=str(SIZE_LIMIT)):
        store.put_metadata(run.id, {"long": "x" * (SIZE_LIMIT - 1)})


ODD_NAMES = [
    "a",
    "A",
    "a ",
    " a",
    "á",
    "a\u0301",
    "\N{PILE OF POO}",
    "\N{GRINNING FACE}",
    "\u202eevil",
    "a\tb",
    "a\nb",
    "'; DROP TABLE dovetail_runs; --",
    '"',
    "`",
    "%",
    "_",
    "\\",
    ":name",
    "?",
    "%s",
    "%(name)s",
    "{x}",
    "1",
    "null",
    "ﬁ",
    "fi",
    "ß",
    "ss",
    "中文",
    "-x",
    "../x",
]


def test_names_that_differ_in_anything_are_different_names(store: SqlMetadataStore) -> None:
    runs = {name: started(store, ODD_NAMES, name=name, pipeline=name) for name in ODD_NAMES}
    for name, run in runs.items():
        assert store.find_run(name).id == run.id
        assert [one.id for one in store.search_runs(pipeline=name).items] == [run.id]
        assert run.id in {one.id for one in store.search_runs(name_contains=name).items}
    run = runs["a"]
    for name in ODD_NAMES:
        store.begin_step(run.id, name, 1)
        store.commit_step(commit(run, name, cache_key=name, outputs=(Link(name, artifact(run, name, name)),)))
        store.put_metadata(run.id, {name: name})
        store.put_metadata(run.id, {"x": name}, step=name)
    assert [step.name for step in store.get_steps(run.id)] == ODD_NAMES
    assert store.get_metadata(run.id) == {name: name for name in sorted(ODD_NAMES)}
    found = store.find_cached(ODD_NAMES)
    for name in ODD_NAMES:
        assert found[name].name == name == found[name].outputs[0].name == store.get_metadata(run.id, step=name)["x"]
        assert [one.step for one in store.search_artifacts(output=name).items] == [name]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(names, min_size=2, max_size=2, unique=True))
def test_two_names_never_mean_the_same_step(store: SqlMetadataStore, pair: list[str]) -> None:
    run = started(store, pair)
    store.begin_step(run.id, pair[0], 1)
    assert store.get_step(run.id, pair[0]).state is State.RUNNING
    assert store.get_step(run.id, pair[1]).state is State.PENDING


def _with_artifact(field: str, value: Any) -> Any:
    return lambda store, run: store.commit_step(StepCommit(run.id, "a", 1, (Link("o", replace(artifact(run), **{field: value})),)))


LIMITED = [
    ("run.name", 255, lambda store, run, value: store.create_run(replace(run, id="2" * 32, state=State.PENDING, name=value), [])),
    (
        "run.pipeline",
        255,
        lambda store, run, value: store.create_run(replace(run, id="2" * 32, state=State.PENDING, name="2", pipeline=value), []),
    ),
    (
        "run.stack",
        255,
        lambda store, run, value: store.create_run(replace(run, id="2" * 32, state=State.PENDING, name="2", stack=value), []),
    ),
    ("owner.host", 255, lambda store, run, value: store.transition_run(run.id, State.CANCELLED, owner=Owner(value, 1, 1.0))),
    ("steps", 255, lambda store, run, value: store.create_run(replace(run, id="2" * 32, state=State.PENDING, name="2"), [value])),
    ("entries", 255, lambda store, run, value: store.put_metadata(run.id, {value: 1})),
    ("cache_key", 128, lambda store, run, value: store.commit_step(commit(run, cache_key=value))),
    ("provenance_key", 128, lambda store, run, value: store.commit_step(commit(run, provenance_key=value))),
    ("outputs.name", 255, lambda store, run, value: store.commit_step(commit(run, outputs=(Link(value, artifact(run)),)))),
    *(
        (f"artifact.{field}", limit, lambda store, run, value, field=field: _with_artifact(field, value)(store, run))
        for field, limit in {
            "output": 255,
            "key": 2048,
            "uri": 4096,
            "type": 1024,
            "materializer": 255,
            "format": 255,
            "digest": 255,
        }.items()
    ),
]


@pytest.mark.parametrize(("field", "limit", "write"), LIMITED, ids=[row[0] for row in LIMITED])
def test_a_text_up_to_its_limit_is_stored_and_others_are_refused_by_name(
    store: SqlMetadataStore, field: str, limit: int, write: Any
) -> None:
    run = started(store)
    store.begin_step(run.id, "a", 1)
    for wrong in ("\N{PILE OF POO}" * (limit + 1), "", "a\0b", "a\ud800", 7, b"x"):
        with pytest.raises(InvalidArgument, match=field) as caught:
            write(store, run, wrong)
        assert caught.value.details["field"] == field
    assert len(list(store.iter_runs())) == 1 and store.search_artifacts().items == ()
    write(store, run, "\N{PILE OF POO}" * limit)


@pytest.mark.parametrize(
    "call",
    [
        lambda store, run: store.begin_step(run.id, "a", 0),
        lambda store, run: store.begin_step(run.id, "a", True),
        lambda store, run: store.begin_step(run.id, "a", 2**31),
        lambda store, run: store.begin_step(run.id, "a", 2**20000),
        lambda store, run: store.end_step(run.id, "a", 1, State.SUCCEEDED),
        lambda store, run: store.end_step(run.id, "a", 1, "broken"),
        lambda store, run: store.end_step(run.id, "a", 0, State.FAILED, final=False),
        lambda store, run: store.end_step(run.id, "a", 1, State.FAILED, Failure("x", 1)),
        lambda store, run: store.end_step(run.id, "a", 1, State.FAILED, Failure("x", "y", retryable=2)),
        lambda store, run: store.transition_run(run.id, State.CACHED),
        lambda store, run: store.transition_run(run.id, "done"),
        lambda store, run: store.transition_run(run.id, State.FAILED, expected="running"),
        lambda store, run: store.transition_run(run.id, State.FAILED, owner=Owner("h", -1, 0.0)),
        lambda store, run: store.transition_run(run.id, State.FAILED, owner=Owner("h", 1, math.nan)),
        lambda store, run: store.dead_runs(-1),
        lambda store, run: store.dead_runs(math.nan),
        lambda store, run: store.find_cached("key"),
        lambda store, run: store.find_cached([None]),
        lambda store, run: store.find_run(""),
        lambda store, run: store.commit_steps([commit(run), commit(run)]),
        lambda store, run: store.commit_step(commit(run, source_run="x")),
        lambda store, run: store.commit_step(commit(run, outputs=(Link("o", artifact(run)), Link("o", artifact(run))))),
        lambda store, run: store.commit_step(commit(run, outputs=(Link("o", artifact(run, size=-1)),))),
        lambda store, run: store.commit_step(commit(run, outputs=(Link("o", artifact(run, size=2**63)),))),
        lambda store, run: store.commit_step(commit(run, outputs=(Link("o", artifact(run), -1),))),
        lambda store, run: store.create_run(run, []),
        lambda store, run: store.create_run(replace(run, id="2" * 32, name="2", state=State.PENDING), ["a", "a"]),
        lambda store, run: store.create_run(replace(run, id="2" * 32, name="2", state=State.PENDING), "ab"),
        lambda store, run: store.create_run(replace(run, id="2" * 32, name="2", state=State.PENDING, resumed_from="x"), []),
        lambda store, run: store.create_run(replace(run, id="2" * 32, name="2", state=State.PENDING), [], {"a": object()}),
    ],
)
def test_arguments_that_mean_nothing_are_refused_and_change_nothing(store: SqlMetadataStore, call: Any) -> None:
    run = started(store)
    before = (store.get_run(run.id), store.get_steps(run.id))
    with pytest.raises(InvalidArgument):
        call(store, run)
    assert (store.get_run(run.id), store.get_steps(run.id)) == before
    assert len(list(store.iter_runs())) == 1


def test_a_failure_of_any_text_is_kept_in_full(store: SqlMetadataStore) -> None:
    failure = Failure("Küssen", "\0\ud800 " + "x" * 100_000, "Traceback\n" * 5000)
    run = started(store)
    store.end_step(run.id, "a", 1, State.FAILED, failure)
    store.transition_run(run.id, State.FAILED, failure=failure)
    assert store.get_step(run.id, "a").failure == store.get_run(run.id).failure == failure


def test_arguments_are_not_changed(store: SqlMetadataStore) -> None:
    run = started(store)
    metadata = {"b": [1, {"c": 2}]}
    entries = {"x": metadata}
    made: Artifact = artifact(run, metadata=metadata)
    executed(store, run, outputs=(Link("output", made),))
    store.put_metadata(run.id, entries)
    store.get_metadata(run.id)["x"]["b"].append(3)
    assert entries == {"x": {"b": [1, {"c": 2}]}} and made.metadata == {"b": [1, {"c": 2}]}
    assert store.get_metadata(run.id) == entries

"""Lineage: both ways, by levels, whatever the shape of the graph."""

from __future__ import annotations

import pytest
from metadata_store_kit import artifact, executed, started, taken

from dovetail_core import InvalidArgument, NotFound, new_id
from dovetail_metadata_store import Edge, Link, SqlMetadataStore, StepCommit


def diamond(store: SqlMetadataStore) -> tuple[str, dict[str, str]]:
    """Execute a -> (b, c) -> d, and return the run's id and the artifacts' ids by step."""
    run = started(store, ["a", "b", "c", "d"], name=f"diamond {new_id()}")
    a = executed(store, run, "a", cache_key="ka")
    b = executed(store, run, "b", reads={"x": a}, cache_key="kb")
    c = executed(store, run, "c", reads={"x": a, "again": a}, cache_key="kc")
    d = executed(store, run, "d", reads={"left": b, "right": c}, cache_key="kd")
    return run.id, {"a": a.id, "b": b.id, "c": c.id, "d": d.id}


def test_what_led_to_an_artifact_and_what_came_of_it(store: SqlMetadataStore) -> None:
    run, ids = diamond(store)
    up, down = store.lineage(ids["d"], "up"), store.lineage(ids["a"], "down")
    assert set(up.artifacts) == set(down.artifacts) == set(ids.values())
    edges = {
        Edge(run, "b", ids["a"], ids["b"]),
        Edge(run, "c", ids["a"], ids["c"]),
        Edge(run, "d", ids["b"], ids["d"]),
        Edge(run, "d", ids["c"], ids["d"]),
    }
    assert set(down.edges) == edges
    assert set(up.edges) == edges | {Edge(run, "a", None, ids["a"])}
    assert len(up.edges) == len(set(up.edges))
    assert up.root == ids["d"] and up.artifacts[ids["a"]] == store.get_artifact(ids["a"])


def test_depth_counts_the_steps_between(store: SqlMetadataStore) -> None:
    _, ids = diamond(store)
    assert set(store.lineage(ids["d"], "up", 0).artifacts) == {ids["d"]}
    assert set(store.lineage(ids["d"], "up", 1).artifacts) == {ids["b"], ids["c"], ids["d"]}
    assert set(store.lineage(ids["d"], "up", 2).artifacts) == set(ids.values())
    assert set(store.lineage(ids["b"], "both", 1).artifacts) == {ids["a"], ids["b"], ids["d"]}


def test_both_ways_leaves_out_the_siblings(store: SqlMetadataStore) -> None:
    _, ids = diamond(store)
    assert set(store.lineage(ids["b"], "both").artifacts) == {ids["a"], ids["b"], ids["d"]}


def test_a_step_without_outputs_is_an_edge_without_a_target(store: SqlMetadataStore) -> None:
    run = started(store, ["a", "print"])
    a = executed(store, run, "a")
    store.begin_step(run.id, "print", 1)
    store.commit_step(StepCommit(run.id, "print", 1, (), (Link("x", a),)))
    assert store.lineage(a.id, "down").edges == (Edge(run.id, "print", a.id, None),)


def test_cached_runs_add_nothing_to_the_lineage_of_what_they_took(store: SqlMetadataStore) -> None:
    _, ids = diamond(store)
    before = store.lineage(ids["d"], "up")
    for _ in range(3):
        run = started(store, ["a", "b", "c", "d"])
        for step in ("a", "b", "c", "d"):
            taken(store, run, step, f"k{step}")
    assert store.lineage(ids["d"], "up") == before
    assert store.lineage(ids["a"], "both").edges == before.edges


def test_a_cached_step_that_read_another_artifact_of_the_same_content_is_an_edge_of_its_own(store: SqlMetadataStore) -> None:
    _, ids = diamond(store)
    again = started(store, ["a", "b"])
    other = executed(store, again, "a")
    hit = store.find_cached(["kb"])["kb"]
    store.commit_step(StepCommit(again.id, "b", 0, hit.outputs, (Link("x", other),), "kb", None, hit.run_id))
    assert Edge(again.id, "b", other.id, ids["b"]) in store.lineage(ids["b"], "up").edges
    assert ids["d"] in store.lineage(other.id, "down").artifacts


def test_a_step_that_wrote_what_it_read_does_not_go_round_for_ever(store: SqlMetadataStore) -> None:
    run = started(store, ["a", "b", "c"])
    a = executed(store, run, "a")
    for step in ("b", "c"):
        store.begin_step(run.id, step, 1)
        store.commit_step(StepCommit(run.id, step, 1, (Link("same", a),), (Link("x", a),)))
    assert set(store.lineage(a.id, "both").artifacts) == {a.id}


def test_a_level_costs_as_many_queries_as_one_artifact(store: SqlMetadataStore) -> None:
    run = started(store, ["a", *(f"b{n}" for n in range(200)), "c"])
    a = executed(store, run, "a")
    middle = [executed(store, run, f"b{n}", reads={"x": a}) for n in range(200)]
    store.begin_step(run.id, "c", 1)
    done = StepCommit(run.id, "c", 1, (Link("out", artifact(run, "c")),), tuple(Link("xs", one, n) for n, one in enumerate(middle)))
    store.commit_step(done)
    before = store.statements_sent
    found = store.lineage(done.outputs[0].artifact.id, "up")
    assert len(found.artifacts) == 202 and len(found.edges) == 401
    assert store.statements_sent - before <= 12


def test_a_chain_of_hundreds_of_runs_is_followed_to_its_end(store: SqlMetadataStore) -> None:
    last = executed(store, started(store))
    first = last
    for _ in range(150):
        last = executed(store, started(store), reads={"x": last})
    assert len(store.lineage(last.id, "up").artifacts) == len(store.lineage(first.id, "down").artifacts) == 151


def test_a_missing_artifact_and_a_wrong_direction_are_told(store: SqlMetadataStore) -> None:
    a = executed(store, started(store))
    with pytest.raises(NotFound):
        store.lineage(new_id())
    for direction, depth in (("sideways", None), ("up", -1), ("up", 1.5)):
        with pytest.raises(InvalidArgument):
            store.lineage(a.id, direction, depth)  # type: ignore[arg-type]

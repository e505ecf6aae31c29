"""Finding earlier executions: one look-up for all keys, whatever has been recorded before."""

from __future__ import annotations

from metadata_store_kit import commit, executed, started, taken

from dovetail_metadata_store import SqlMetadataStore, State, StepCommit


def test_a_step_is_found_by_either_key_with_inputs_and_outputs(store: SqlMetadataStore) -> None:
    run = started(store, ["a", "b"])
    first = executed(store, run, "a", cache_key="ka", provenance_key="pa")
    executed(store, run, "b", cache_key="kb", provenance_key="pb", reads={"x": first})
    found = store.find_cached(["ka", "pb", "kb", "none"])
    assert {key: step.name for key, step in found.items()} == {"ka": "a", "pb": "b", "kb": "b"}
    assert found["pb"] == found["kb"] == store.get_step(run.id, "b")
    assert found["pb"].inputs[0].artifact.id == first.id


def test_no_keys_find_nothing_and_ask_nothing(store: SqlMetadataStore) -> None:
    started(store)
    before = store.statements_sent
    assert store.find_cached([]) == {}
    assert store.statements_sent == before


def test_only_committed_steps_are_found(store: SqlMetadataStore) -> None:
    run = started(store, ["a", "b"])
    store.begin_step(run.id, "a", 1)
    assert store.find_cached(["k"]) == {}
    store.commit_step(commit(run, cache_key="k"))
    store.transition_run(run.id, State.FAILED)
    assert store.find_cached(["k"])["k"].run_id == run.id


def test_the_latest_commit_of_a_key_is_found(store: SqlMetadataStore) -> None:
    newer, older = started(store), started(store)
    executed(store, older, cache_key="k")
    executed(store, newer, cache_key="k")
    assert store.find_cached(["k"])["k"].run_id == newer.id


def test_all_keys_of_a_pipeline_cost_as_many_queries_as_one(store: SqlMetadataStore) -> None:
    names = [f"s{number}" for number in range(200)]
    run = started(store, names)
    for name in names:
        executed(store, run, name, cache_key=f"k-{name}", provenance_key=f"p-{name}")
    spent = []
    for keys in (["p-s0"], [f"p-{name}" for name in names]):
        before = store.statements_sent
        assert len(store.find_cached(keys)) == len(keys)
        spent.append(store.statements_sent - before)
    assert spent[0] == spent[1] <= 4


def test_more_keys_than_fit_a_statement_are_all_found(store: SqlMetadataStore) -> None:
    run = started(store, ["a"])
    executed(store, run, cache_key="k", provenance_key="p")
    assert set(store.find_cached([*(f"n{number}" for number in range(2000)), "k", "p"])) == {"k", "p"}


def test_the_look_up_reads_one_entry_of_a_key_however_often_it_was_taken_from_cache(sqlite_store: SqlMetadataStore) -> None:
    store = sqlite_store
    executed(store, started(store), cache_key="k", provenance_key="p")

    def visited() -> int:
        """Return the number of instructions of SQLite's machine that a look-up takes: a cost without a clock."""
        engine = store._database.open_for(False)
        count = 0

        def step() -> int:
            nonlocal count
            count += 1
            return 0

        with engine.connect() as connection:
            driver = connection.connection.driver_connection
            driver.set_progress_handler(step, 1)  # type: ignore[union-attr]
        store.find_cached(["k", "p"])
        with engine.connect() as connection:
            driver = connection.connection.driver_connection
            driver.set_progress_handler(None, 1)  # type: ignore[union-attr]
        return count

    few = visited()
    runs = [started(store) for _ in range(300)]
    hit = store.find_cached(["k"])["k"]
    store.commit_steps([StepCommit(run.id, "a", 0, hit.outputs, (), "k", "p", hit.run_id) for run in runs])
    assert 0 < visited() < few * 1.5


def test_a_cached_run_tells_who_executed(store: SqlMetadataStore) -> None:
    first = started(store)
    executed(store, first, cache_key="k", provenance_key="p")
    for _ in range(3):
        taken(store, started(store), "a", "p")
    hit = store.find_cached(["p"])["p"]
    assert hit.source_run == first.id and hit.state is State.CACHED

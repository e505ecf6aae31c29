"""Calls of the public methods of a store, on a run of their own."""

from __future__ import annotations

from dovetail_conformance import Operation
from dovetail_metadata_store.capabilities import MetadataStoreCapability as Capability
from dovetail_metadata_store.contract.samples import STEPS, a_commit, a_run
from dovetail_metadata_store.interface import MetadataStore
from dovetail_metadata_store.records import Run, State


def calls(store: MetadataStore) -> list[Operation]:
    """Return an operation per public method; each finds the state that it needs, or makes it."""
    run = a_run()
    commit = a_commit(run.id, "load", cache_key=f"key-{run.id}")

    def having() -> Run:
        store.create_run(run, STEPS, {})
        found = store.get_run(run.id)
        return found if found.state is not State.PENDING else store.transition_run(run.id, State.RUNNING)

    def committed() -> None:
        having()
        if not store.get_step(run.id, "load").state.terminal:
            store.begin_step(run.id, "load", 1)
        store.commit_step(commit)

    def state() -> object:
        return (store.get_run(run.id).state, [step.state for step in store.get_steps(run.id)]) if store.find_cached([]) == {} else None

    found = [
        Operation("create_run", lambda: store.create_run(run, STEPS, {}) and None, lambda: len(store.get_steps(run.id))),
        Operation("transition_run", lambda: having() and None, state),
        Operation("heartbeat", lambda: having() and store.heartbeat(run.id)),
        Operation("begin_step", lambda: store.begin_step(having().id, "train", 1), state),
        Operation("commit_step", committed, state),
        Operation("put_metadata", lambda: store.put_metadata(having().id, {"a": 1}), lambda: store.get_metadata(run.id)),
        Operation("get_run", lambda: having() and store.get_run(run.id)),
        Operation("find_run", lambda: having() and store.find_run(run.name)),
        Operation("get_plan", lambda: having() and store.get_plan(run.id)),
        Operation("get_steps", lambda: having() and store.get_steps(run.id)),
        Operation("get_step", lambda: having() and store.get_step(run.id, "test")),
        Operation("get_attempts", lambda: having() and store.get_attempts(run.id, "test")),
        Operation("get_metadata", lambda: having() and store.get_metadata(run.id)),
        Operation("find_cached", lambda: store.find_cached([f"key-{run.id}"]), reads=True),
        Operation("dead_runs", lambda: store.dead_runs(3600), reads=True),
    ]
    if Capability.SEARCH in store.capabilities:
        found.append(Operation("search_runs", lambda: store.search_runs(name_contains=run.name), reads=True))
        found.append(Operation("search_artifacts", lambda: store.search_artifacts(run_id=run.id), reads=True))
    return found

"""Calls of the public methods of a store, on a run of their own."""

from __future__ import annotations

from dovetail_conformance import Operation
from dovetail_metadata_store.capabilities import MetadataStoreCapability as Capability
from dovetail_metadata_store.contract.samples import STEPS, a_commit, a_run
from dovetail_metadata_store.interface import MetadataStore
from dovetail_metadata_store.records import State


def calls(store: MetadataStore) -> list[Operation]:
    """Return an operation per public method; each is prepared by the state that it needs."""
    run = a_run()
    commit = a_commit(run.id, "load", cache_key=f"key-{run.id}")

    def created(prepared: MetadataStore) -> None:
        prepared.create_run(run, STEPS, {})

    def running(prepared: MetadataStore) -> None:
        created(prepared)
        prepared.transition_run(run.id, State.RUNNING)

    def begun(prepared: MetadataStore) -> None:
        running(prepared)
        if not prepared.get_step(run.id, "load").state.terminal:
            prepared.begin_step(run.id, "load", 1)

    def state() -> object:
        return (store.get_run(run.id).state, [step.state for step in store.get_steps(run.id)]) if store.find_cached([]) == {} else None

    found = [
        Operation("create_run", lambda: store.create_run(run, STEPS, {}) and None, lambda: len(store.get_steps(run.id))),
        Operation("transition_run", lambda: store.transition_run(run.id, State.RUNNING) and None, state, prepare=created),
        Operation("heartbeat", lambda: store.heartbeat(run.id), prepare=running),
        Operation("begin_step", lambda: store.begin_step(run.id, "train", 1), state, prepare=running),
        Operation("commit_step", lambda: store.commit_step(commit), state, prepare=begun),
        Operation("put_metadata", lambda: store.put_metadata(run.id, {"a": 1}), lambda: store.get_metadata(run.id), prepare=running),
        Operation("get_run", lambda: store.get_run(run.id), reads=True, prepare=running),
        Operation("find_run", lambda: store.find_run(run.name), reads=True, prepare=running),
        Operation("get_plan", lambda: store.get_plan(run.id), reads=True, prepare=running),
        Operation("get_steps", lambda: store.get_steps(run.id), reads=True, prepare=running),
        Operation("get_step", lambda: store.get_step(run.id, "test"), reads=True, prepare=running),
        Operation("get_attempts", lambda: store.get_attempts(run.id, "test"), reads=True, prepare=running),
        Operation("get_metadata", lambda: store.get_metadata(run.id), reads=True, prepare=running),
        Operation("find_cached", lambda: store.find_cached([f"key-{run.id}"]), reads=True),
        Operation("dead_runs", lambda: store.dead_runs(3600), reads=True),
    ]
    if Capability.SEARCH in store.capabilities:
        found.append(Operation("search_runs", lambda: store.search_runs(name_contains=run.name), reads=True))
        found.append(Operation("search_artifacts", lambda: store.search_artifacts(run_id=run.id), reads=True))
    return found

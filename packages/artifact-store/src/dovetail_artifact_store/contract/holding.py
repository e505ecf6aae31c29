"""Calls that are held at each of their steps, so that what is seen in between is certain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from dovetail_artifact_store.contract.harness import ArtifactStoreHarness
from dovetail_artifact_store.contract.stepping import at_each_step
from dovetail_artifact_store.interface import ArtifactStore
from dovetail_conformance.instruments import Hold

OVERTAKING = 0.5
"""Seconds for a second client to get past one that is held; one that takes longer is taken to wait for a lock."""


def holds(harness: ArtifactStoreHarness, store: ArtifactStore, nth: int) -> Iterator[Any]:
    """Yield the fault that holds the nth request, or operation of `os` that changes something; none where neither is seen."""
    if harness.has("proxy"):
        yield harness.proxy.fault(Hold(), nth=nth)
    elif harness.has("syscalls"):
        yield harness.syscalls(store).hold(None, nth=nth)


def look_at_each_step(
    harness: ArtifactStoreHarness,
    store: ArtifactStore,
    prepare: Callable[[int], object],
    call: Callable[[int], object],
    look: Callable[[int], object],
) -> None:
    """Do `call(1)`, and `look(1)` while it is held at its first step, then `call(2)` at its second, up to where it ends before."""

    def reaches(nth: int) -> bool:
        prepare(nth)
        for fault in holds(harness, store, nth):
            with ThreadPoolExecutor(2) as pool, fault:
                calling = pool.submit(call, nth)
                while not fault.fired and not calling.done():
                    wait([calling], 0.005)
                reached: bool = fault.reached()
                looking = [pool.submit(look, nth)] if reached else []
                wait(looking, OVERTAKING)
                fault.release()
                for each in (calling, *looking):
                    each.result(60)
            return reached
        return False

    at_each_step(reaches, 11)

"""Schemas of several versions, and records that are damaged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dovetail_conformance import Harness, attempt, check, raises, rule
from dovetail_core.errors import DovetailError, InvalidArgument
from dovetail_metadata_store.capabilities import MetadataStoreCapability as Capability
from dovetail_metadata_store.contract.samples import STEPS, a_run, executed, started
from dovetail_metadata_store.interface import MetadataStore


class SchemaRules:
    """Rules about what is stored, as a whole."""

    @rule("MS-28", severity=2, needs=Capability.MIGRATIONS)
    def test_going_back_must_be_allowed(self, store: MetadataStore) -> None:
        """A schema goes back to an earlier version only where the loss of records is allowed, and forward again when it is opened."""
        run = started(store)
        before = store.schema_version()
        with raises(InvalidArgument, did="went back to an earlier schema without allowing the loss"):
            store.downgrade("base")
        check(
            store.schema_version() == before and store.get_run(run.id).id == run.id, did="read what is stored", came=store.schema_version()
        )
        store.downgrade("base", allow_data_loss=True)
        with attempt(did="opened a store that has no schema any more"):
            again = store.create_run(a_run(), STEPS)
        check(
            store.schema_version() == before and store.get_run(again.id).id == again.id, did="opened it again", came=store.schema_version()
        )

    @rule("MS-26", severity=1, needs=Capability.MIGRATIONS, hooks=("raw",))
    def test_a_newer_schema_is_refused(self, store: MetadataStore, harness: Harness) -> None:
        """A store of a newer schema is refused with a clear error, and nothing in it is changed."""
        store.schema_version()
        run = started(store)
        raw: Any = harness.raw(store)
        before = raw.set_version("9999")
        with harness.make(**raw.settings()) as newer:
            calls: list[Callable[[], object]] = [lambda: newer.get_run(run.id), lambda: newer.create_run(a_run(), STEPS)]
            for call in calls:
                with raises(DovetailError, did="opened a store of a newer schema", mend="compare versions before anything else"):
                    call()
        check(raw.set_version(before) == "9999", did="read the version again", came="it was changed")
        check(store.get_run(run.id).id == run.id, did="read the run again", came="it is gone")

    @rule("MS-03", severity=1, hooks=("raw",))
    def test_one_damaged_record_hides_no_other(self, store: MetadataStore, harness: Harness) -> None:
        """A record that another program has damaged hides no other, and is itself an error and not an empty answer."""
        good, bad = started(store), started(store)
        executed(store, good.id, "load", cache_key="k")
        harmed = executed(store, good.id, "train", cache_key="harmed")
        harness.raw(store).damage_run(bad.id)
        harness.raw(store).damage_artifact(harmed.id)
        with attempt(did="read beside a damaged record", mend="leave out what cannot be read, and log it"):
            read = store.get_run(good.id)
            found = store.find_cached(["k", "harmed"])
            listed = [run.id for run in store.iter_runs()] if Capability.SEARCH in store.capabilities else [good.id]
        check(read.id == good.id and good.id in listed, did="read beside a damaged record", came=listed)
        check(
            set(found) == {"k"} and found["k"].run_id == good.id,
            did="looked for two steps, of which one has an output whose record is damaged",
            came=sorted(found),
            mend="take what cannot be read for no hit: the step is executed again",
        )
        with raises(DovetailError, did="read the damaged record"):
            store.get_run(bad.id)

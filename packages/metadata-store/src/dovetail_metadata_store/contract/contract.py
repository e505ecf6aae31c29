"""The contract of metadata stores, put together."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from dovetail_conformance import CrossCutting, Operation
from dovetail_metadata_store.contract.calls import calls
from dovetail_metadata_store.contract.concurrency import ConcurrencyRules
from dovetail_metadata_store.contract.listings import ListingRules
from dovetail_metadata_store.contract.machine import MachineRules
from dovetail_metadata_store.contract.runs import RunRules
from dovetail_metadata_store.contract.schema import SchemaRules
from dovetail_metadata_store.contract.steps import StepRules
from dovetail_metadata_store.contract.values import ValueRules
from dovetail_metadata_store.interface import MetadataStore


class MetadataStoreContract(RunRules, StepRules, ValueRules, ListingRules, ConcurrencyRules, SchemaRules, MachineRules, CrossCutting):
    """What every metadata store keeps. Rules see the store as `store`."""

    component_type = "metadata_store"

    @pytest.fixture
    def store(self, component: MetadataStore) -> MetadataStore:
        """A fresh metadata store without records."""
        return component

    def operations(self, component: MetadataStore) -> Iterable[Operation]:
        """Return representative calls of every public method of a store."""
        return calls(component)

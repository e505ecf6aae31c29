"""The contract of artifact stores, put together."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from dovetail_artifact_store.contract.calls import Calls
from dovetail_artifact_store.contract.conditions import ConditionRules
from dovetail_artifact_store.contract.content import ContentRules
from dovetail_artifact_store.contract.deleting import DeletingRules
from dovetail_artifact_store.contract.faults import FaultRules
from dovetail_artifact_store.contract.keys import KeyRules
from dovetail_artifact_store.contract.listing import ListingRules
from dovetail_artifact_store.contract.machine import MachineRules
from dovetail_artifact_store.contract.moving import MovingRules
from dovetail_artifact_store.contract.options import OptionRules
from dovetail_artifact_store.contract.sharing import SharingRules
from dovetail_artifact_store.contract.trees import TreeRules
from dovetail_artifact_store.contract.visibility import VisibilityRules
from dovetail_artifact_store.interface import ArtifactStore
from dovetail_conformance import CrossCutting, Operation


class ArtifactStoreContract(
    ContentRules,
    VisibilityRules,
    ListingRules,
    DeletingRules,
    KeyRules,
    MovingRules,
    ConditionRules,
    SharingRules,
    TreeRules,
    FaultRules,
    OptionRules,
    MachineRules,
    CrossCutting,
):
    """What every artifact store keeps. Rules see the store as `store`."""

    component_type = "artifact_store"

    @pytest.fixture
    def store(self, component: ArtifactStore) -> ArtifactStore:
        """A fresh artifact store on an empty namespace."""
        return component

    def operations(self, component: ArtifactStore) -> Iterable[Operation]:
        """Return representative calls of every public method of a store."""
        return Calls(component).all()

"""The contract of orchestrators, put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from dovetail_conformance import CrossCutting, Operation
from dovetail_orchestrator.contract.calls import calls
from dovetail_orchestrator.contract.cancellation import CancellationRules
from dovetail_orchestrator.contract.failures import FailureRules
from dovetail_orchestrator.contract.harness import OrchestratorHarness
from dovetail_orchestrator.contract.isolation import IsolationRules
from dovetail_orchestrator.contract.leftovers import LeftoverRules
from dovetail_orchestrator.contract.logs import LogRules
from dovetail_orchestrator.contract.machine import MachineRules
from dovetail_orchestrator.contract.order import OrderRules
from dovetail_orchestrator.contract.record import RecordRules
from dovetail_orchestrator.contract.retries import RetryRules
from dovetail_orchestrator.contract.stage import Stage
from dovetail_orchestrator.contract.submission import SubmissionRules
from dovetail_orchestrator.interface import Orchestrator


class OrchestratorContract(
    OrderRules,
    FailureRules,
    RetryRules,
    CancellationRules,
    RecordRules,
    SubmissionRules,
    IsolationRules,
    LogRules,
    LeftoverRules,
    MachineRules,
    CrossCutting,
):
    """What every orchestrator keeps. Rules have it on a `stage`, with plans whose steps bear witness."""

    component_type = "orchestrator"

    @pytest.fixture
    def stage(self, harness: OrchestratorHarness, component: Orchestrator) -> Iterator[Stage]:
        """A fresh orchestrator, and what it executes; nothing of it outlives the rule."""
        with Stage(harness, component) as stage:
            yield stage

    def operations(self, component: Orchestrator) -> Iterable[Operation]:
        """Return representative calls of every public method of an orchestrator."""
        return calls(component)

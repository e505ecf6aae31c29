"""The contract of alerters, put together."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from dovetail_alerter.contract.asking import AskingRules
from dovetail_alerter.contract.calls import Calls
from dovetail_alerter.contract.failing import FailingRules
from dovetail_alerter.contract.harness import AlerterHarness
from dovetail_alerter.contract.machine import MachineRules
from dovetail_alerter.contract.options import OptionRules
from dovetail_alerter.contract.posting import PostingRules
from dovetail_alerter.contract.reports import ReportRules
from dovetail_alerter.contract.secrecy import SecrecyOfTextRules
from dovetail_alerter.contract.text import TextRules
from dovetail_alerter.contract.threads import ThreadRules
from dovetail_alerter.interface import Alerter
from dovetail_conformance import CrossCutting, Operation


class AlerterContract(
    PostingRules,
    TextRules,
    FailingRules,
    SecrecyOfTextRules,
    OptionRules,
    ThreadRules,
    AskingRules,
    ReportRules,
    MachineRules,
    CrossCutting,
):
    """What every alerter keeps. Rules see it as `alerter`."""

    component_type = "alerter"
    _side_door: AlerterHarness

    @pytest.fixture
    def alerter(self, component: Alerter) -> Alerter:
        """A fresh alerter with one target, to which nothing was sent."""
        return component

    @pytest.fixture(autouse=True)
    def _seen_by(self, harness: AlerterHarness) -> None:
        """Let operations count what arrived: an alerter itself cannot tell."""
        self._side_door = harness

    def operations(self, component: Alerter) -> Iterable[Operation]:
        """Return representative calls of the public methods of an alerter."""
        return Calls(component, self._side_door).all()

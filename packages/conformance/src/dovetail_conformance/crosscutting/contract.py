"""The rules that are asked of every flavor of every type, put together."""

from __future__ import annotations

from dovetail_conformance.contract import Contract
from dovetail_conformance.crosscutting.access import AccessRules
from dovetail_conformance.crosscutting.lifecycle import LifecycleRules
from dovetail_conformance.crosscutting.secrecy import SecrecyRules
from dovetail_conformance.crosscutting.shape import ShapeRules
from dovetail_conformance.crosscutting.sharing import SharingRules
from dovetail_conformance.crosscutting.transport import TransportRules
from dovetail_conformance.crosscutting.values import ValueRules


class CrossCutting(ShapeRules, LifecycleRules, SharingRules, ValueRules, SecrecyRules, AccessRules, TransportRules, Contract):
    """Base of the types' contracts. A type adds its own rules, and `operations`: representative calls of its public methods."""

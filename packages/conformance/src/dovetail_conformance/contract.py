"""Contracts: the rules of a component type, as a class whose methods pytest runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import pytest

from dovetail_conformance.effort import Effort
from dovetail_conformance.harness import Harness
from dovetail_conformance.operations import Operation
from dovetail_conformance.outcomes import Deviation
from dovetail_conformance.rules import Rule, rule_of, rules_of


class Contract:
    """The rules of one component type. An author subclasses a type's contract, and supplies the fixture `harness`.

    A class with a `component_type` of its own is a type's contract; what derives from it is an author's, and may not touch a rule.
    """

    component_type: ClassVar[str]
    interface: ClassVar[str] = ""
    """The interface that the flavor is written for, where it is not the flavor's own; a newer rule is an advisory."""
    deviations: ClassVar[Mapping[str, Deviation]] = {}
    """Rules that the flavor does not keep; what the harness says is added."""
    rules: ClassVar[Mapping[str, Rule]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.rules = rules_of(cls)
        if not hasattr(cls, "component_type"):
            return
        if "component_type" not in vars(cls):
            _refuse_changed_rules(cls)
        check_known(cls, cls.deviations, f"{cls.__name__}.deviations")

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls) -> Iterator[Harness]:
        """The author's harness, entered."""
        raise NotImplementedError(f"{cls.__name__} needs a fixture `harness` that yields the flavor's harness")

    @pytest.fixture(autouse=True)
    def _gate(self, request: pytest.FixtureRequest, harness: Harness) -> Iterator[None]:
        """Let a rule begin only where it can be asked, and look around it; the component is made after this, and closed before it ends."""
        with request.config.stash[GATE](type(self), harness, request.node):
            yield

    @pytest.fixture
    def component(self, harness: Harness) -> Iterator[Any]:
        """A fresh component on an empty namespace."""
        with harness.make() as component:
            yield component

    @pytest.fixture
    def effort(self, request: pytest.FixtureRequest, harness: Harness) -> Effort:
        """How hard this run tries, or what the deviation from the rule names."""
        if (named := self._named(request, harness)) is not None:
            return named.effort
        return Effort.of(request.config.getoption("conformance_effort"))

    @pytest.fixture
    def seed(self, request: pytest.FixtureRequest, harness: Harness) -> int:
        """What everything random begins with; printed, and an option to give again. A deviation from the rule may name another."""
        named = self._named(request, harness)
        if named is not None and named.seed is not None:
            return named.seed
        return int(request.config.stash[SEED])

    def _named(self, request: pytest.FixtureRequest, harness: Harness) -> Deviation | None:
        """Return the deviation from the rule at hand, if it names a seed with which it shows."""
        rule = rule_of(request.function)
        deviation = {**harness.deviations, **self.deviations}.get(rule.id) if rule is not None else None
        return deviation if deviation is not None and deviation.seed is not None else None

    def operations(self, component: Any) -> Iterable[Operation]:
        """Return representative calls of every public method of a component."""
        raise NotImplementedError(f"{type(self).__name__} has no operations")


SEED = pytest.StashKey[int]()
"""Where the plugin keeps the seed of a run."""
GATE = pytest.StashKey[Callable[["type[Contract]", Harness, pytest.Item], AbstractContextManager[object]]]()
"""Where the plugin keeps what decides whether a rule can be asked, and looks around it."""


def check_known(contract: type[Contract], named: Iterable[str], where: str) -> None:
    """Raise TypeError if rules are named that the contract does not have."""
    if unknown := sorted(set(named) - contract.rules.keys()):
        raise TypeError(f"{where} names {', '.join(unknown)}, and the contract {contract.__name__} has no such rule")


def _refuse_changed_rules(cls: type[Contract]) -> None:
    for name, member in vars(cls).items():
        inherited = next((made for base in cls.__mro__[1:] if (made := rule_of(vars(base).get(name))) is not None), None)
        if inherited is not None:
            raise TypeError(f"{cls.__name__}.{name} overrides rule {inherited.id}: say what does not hold in `deviations` instead")
        if (own := rule_of(member)) is not None:
            raise TypeError(f"{cls.__name__}.{name} adds rule {own.id}: rules belong to the contract of the type; write an ordinary test")

"""A type: a gauge keeps readings. Flavor `memory`, and what belongs to its contract."""

from abc import ABC, abstractmethod
from datetime import UTC, datetime

from pydantic import Field

from dovetail_conformance import CrossCutting, Harness, Operation, check, raises, rule
from dovetail_core import Capability, Component, ComponentConfig, NotFound, needs
from dovetail_core.component_types import ComponentType

TYPE = ComponentType(name="gauge", title="gauge", summary="Keeps readings.", base="gauge:Gauge")


class GaugeCapability(Capability):
    RESET = "reset"


class Gauge(Component, ABC):
    """Keeps readings."""

    type = "gauge"

    @abstractmethod
    def put(self, value: int) -> None: ...

    @abstractmethod
    def readings(self) -> list[int]: ...

    @abstractmethod
    def times(self) -> list[datetime]: ...

    @needs(GaugeCapability.RESET)
    def reset(self) -> None:
        self._reset()

    def last(self) -> int:
        if not self.readings():
            raise NotFound("there is no reading", remedy="put one")
        return self.readings()[-1]


class Config(ComponentConfig):
    unit: str = Field("m", description="Unit of readings.")


class MemoryGauge(Gauge):
    """Keeps readings in memory."""

    flavor = "memory"
    capabilities = frozenset({GaugeCapability.RESET})
    Config = Config

    def setup(self):
        self.kept = []

    def put(self, value: int) -> None:
        self.kept.append((value, datetime.now(UTC)))

    def readings(self) -> list[int]:
        return [value for value, _ in self.kept]

    def times(self) -> list[datetime]:
        return [moment for _, moment in self.kept]

    def _reset(self):
        self.kept.clear()


def _with_a_reading(gauge):
    gauge.put(1)


class GaugeContract(CrossCutting):
    component_type = "gauge"

    def operations(self, component):
        return [
            Operation("put", lambda: component.put(1), lambda: len(component.readings())),
            Operation("put on top", lambda: component.put(2), lambda: len(component.readings()), prepare=_with_a_reading),
            Operation("readings", component.readings, reads=True),
            Operation("times", component.times, reads=True),
            Operation("last", component.last, reads=True, prepare=_with_a_reading),
        ]

    @rule("GA-01", severity=1)
    def test_what_is_put_is_read(self, component):
        """What is put is read, in order."""
        component.put(1)
        component.put(2)
        check(component.readings() == [1, 2], did="put 1 and 2", came=component.readings(), mend="keep the order")

    @rule("GA-02", severity=2, needs=GaugeCapability.RESET)
    def test_reset_forgets(self, component):
        """A reset forgets every reading."""
        component.put(1)
        component.reset()
        check(component.readings() == [], did="put 1 and reset", came=component.readings(), mend="forget it")

    @rule("GA-03", severity=3)
    def test_nothing_is_not_found(self, component):
        """Without a reading, the last one is not found."""
        with raises(NotFound, did="asked for the last of none"):
            component.last()

    @rule("GA-04", severity=2, since="1.1")
    def test_a_newer_rule(self, component):
        """A gauge has a name that is not empty."""
        check(component.name, did="looked at the name", came=component.name)

    @rule("GA-05", severity=2, hooks=("raw",))
    def test_through_the_side_door(self, component, harness):
        """What is put is seen through the side door."""
        component.put(7)
        check(harness.raw(component) == [7], did="put 7 and looked through the side door", came=harness.raw(component))


class MemoryHarness(Harness):
    flavor = MemoryGauge
    processes = False

    def make(self, **config):
        return self.flavor(**config)

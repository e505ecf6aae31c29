"""A component in a module that another process can import, too."""

from __future__ import annotations

import threading
from pathlib import Path

from pydantic import Field, SecretStr

from dovetail_core import Capability, Component, ComponentConfig, ProjectPath, needs


class Power(Capability):
    FLY = "fly"
    SWIM = "swim"


class Bird(Component):
    type = "bird"
    flavor = "duck"
    capabilities = frozenset({Power.SWIM})

    class Config(ComponentConfig):
        wings: int = Field(default=2, ge=0, description="How many.")
        nest: ProjectPath = Field(default=Path("nest"), description="Where.")
        password: SecretStr = Field(default=SecretStr(""), description="Secret.")

    config: Config

    def setup(self) -> None:
        self.prepared = self.config.wings
        self.lock = threading.Lock()  # as a client of an SDK has, and which cannot be sent

    @needs(Power.FLY)
    def fly(self) -> str:
        return "up"

    @needs(Power.SWIM)
    def swim(self) -> str:
        return "along"


def wings_of(bird: Bird) -> int:
    """Return how many wings a bird has."""
    return bird.config.wings

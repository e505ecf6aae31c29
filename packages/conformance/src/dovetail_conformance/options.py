"""The options of the run that is under way, for modules that pytest imports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dovetail_core.errors import ConfigError


@dataclass(frozen=True)
class Options:
    """What the command line asked for."""

    target: str = ""
    harness: str | None = None
    config: Path | None = None
    mutants: Path | None = None
    component_type: str = ""


_current = Options()


def use(given: Options) -> None:
    """Make options those of this process."""
    global _current
    _current = given


def options() -> Options:
    """Return the options of this process. Raises `ConfigError` if it is not a conformance run."""
    if not (_current.target or _current.mutants):
        raise ConfigError("this module is for the conformance command", remedy="dovetail conformance run TYPE/FLAVOR")
    return _current

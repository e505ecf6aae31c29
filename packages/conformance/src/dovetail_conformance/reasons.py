"""Why there are rules: who is hurt where one does not hold, and where users met that."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from dovetail_conformance.rules import Rule

_FILE = "reasons.toml"
"""Stands beside the modules with the rules that it is about."""


@dataclass(frozen=True)
class Reason:
    """Why there is a rule."""

    hurts: str
    """Who is hurt where it does not hold, and how."""
    seen: tuple[str, ...] = ()
    """Public reports of it, or of the like in another system of the field, as `owner/repository#number`."""


def reason(rule: Rule, method: Callable[..., object]) -> Reason | None:
    """Return why there is a rule, of which `method` is the body, or None where nothing is written of it."""
    package = method.__module__.rpartition(".")[0]
    said = _reasons(package).get(rule.id) if package else None
    return None if said is None else Reason(said["hurts"], tuple(said.get("seen", ())))


@cache
def _reasons(package: str) -> Mapping[str, Any]:
    file = resources.files(package).joinpath(_FILE)
    return tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}

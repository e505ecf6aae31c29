"""Which contracts and harnesses the installed packages offer. Nothing is imported to tell."""

from __future__ import annotations

from importlib import metadata

CONTRACTS_GROUP = "dovetail.contracts.v1"
HARNESSES_GROUP = "dovetail.conformance.v1"


def contract_names() -> list[str]:
    """Return the component types that have a contract, sorted."""
    return sorted({point.name for point in metadata.entry_points(group=CONTRACTS_GROUP)})


def target_names() -> list[str]:
    """Return the flavors that publish a harness, as `type/flavor`, sorted."""
    return sorted({point.name.replace(".", "/", 1) for point in metadata.entry_points(group=HARNESSES_GROUP)})

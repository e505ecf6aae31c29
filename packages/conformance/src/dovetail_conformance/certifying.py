"""What `--certify` refuses: whatever makes a report worth less than it looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from dovetail_conformance.effort import Effort
from dovetail_conformance.recording import Record

KNOWN_PLUGINS = frozenset({"dovetail-conformance", "pytest", "pytest-xdist", "hypothesis", "execnet"})


def refusals(config: pytest.Config, records: Iterable[Record], deselected: int) -> Iterator[str]:
    """Yield the reasons why a run cannot be certified."""
    if deselected:
        yield f"{deselected} rules were deselected: run all of them"
    effort = config.getoption("conformance_effort")
    if Effort.of(effort) is not Effort.FULL:
        yield f"the effort is {effort}: run with --effort full"
    yield from (f"the plugin {name} may change results: run without it" for name in _foreign(config))
    for record in records:
        if record.deviation is not None and not record.deviation.link:
            yield f"the deviation from {record.rule.id} has no link to an issue"


def _foreign(config: pytest.Config) -> list[str]:
    distributions = {distribution.project_name for _, distribution in config.pluginmanager.list_plugin_distinfo()}
    conftests = [name for name, _ in config.pluginmanager.list_name_plugin() if Path(name).name == "conftest.py"]
    return sorted({name for name in distributions if name.lower().replace("_", "-") not in KNOWN_PLUGINS}) + conftests

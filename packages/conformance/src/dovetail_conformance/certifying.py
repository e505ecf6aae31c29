"""What makes a report worth less than it looks: it earns no tier with rules that were not run, and `--certify` refuses the rest, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from dovetail_conformance.effort import Effort
from dovetail_conformance.recording import Record
from dovetail_conformance.targets import target

KNOWN_PLUGINS = frozenset({"dovetail-conformance", "pytest", "pytest-xdist", "hypothesis", "execnet"})


def not_run(config: pytest.Config, records: Iterable[Record]) -> Iterator[str]:
    """Yield the reason why a run shows less than its contract: rules that were not run, whichever process left them out."""
    found = target(config.getoption("conformance_target"), config.getoption("conformance_harness"))
    if ids := sorted(found.contract.rules.keys() - {record.rule.id for record in records}):
        yield f"{len(ids)} rules were not run: run all of them ({', '.join(ids)})"


def refusals(config: pytest.Config, records: Iterable[Record]) -> Iterator[str]:
    """Yield the reasons why a run cannot be certified, besides rules that were not run."""
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

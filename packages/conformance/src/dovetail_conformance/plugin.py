"""The pytest plugin: its options, and what takes part in a run."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from dovetail_conformance.contract import GATE, SEED
from dovetail_conformance.effort import Effort
from dovetail_conformance.options import Options, use
from dovetail_conformance.session import ConformanceSession

SESSION = pytest.StashKey[ConformanceSession]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of conformance runs."""
    group = parser.getgroup("conformance", "conformance of Dovetail flavors")
    group.addoption("--conformance-effort", default="standard", choices=[effort.label for effort in Effort], help="how hard to try")
    group.addoption("--conformance-seed", type=int, default=None, help="what everything random begins with")
    group.addoption("--conformance-report", type=Path, default=None, metavar="DIR", help="directory for the report")
    group.addoption("--conformance-target", default=None, metavar="TYPE/FLAVOR", help="the flavor that is asked")
    group.addoption("--conformance-harness", default=None, metavar="MODULE:CLASS", help="its harness, if no package offers it")
    group.addoption("--conformance-config", type=Path, default=None, metavar="FILE", help="settings for the harness, as TOML")
    group.addoption("--conformance-certify", action="store_true", help="refuse whatever makes a report worth less")
    group.addoption("--conformance-lowest", type=Path, default=None, metavar="FILE", help="report of a run with the lowest versions")
    group.addoption("--conformance-limit", type=float, default=None, metavar="SECONDS", help="what a rule may take before it is a hang")
    group.addoption(
        "--conformance-mutants", type=Path, default=None, metavar="FILE", help="variants of a reference flavor to try the rules on"
    )
    group.addoption("--conformance-records", type=Path, default=None, metavar="FILE", help="file for what was said of each rule, as JSON")
    group.addoption("--conformance-type", default=None, metavar="TYPE", help="the component type of the variants")


def pytest_configure(config: pytest.Config) -> None:
    """Begin a session."""
    worker = getattr(config, "workerinput", None)
    given = config.getoption("conformance_seed")
    config.stash[SEED] = worker["dovetail_seed"] if worker else given if given is not None else random.randrange(2**32)
    use(_options(config))
    session = ConformanceSession(config)
    config.stash[SESSION] = session
    config.stash[GATE] = session.around
    config.pluginmanager.register(session, "dovetail-conformance-session")
    _register_processes(config, session)


def _register_processes(config: pytest.Config, session: ConformanceSession) -> None:
    """Register what runs rules, and in a process that has workers what hears of their deaths."""
    from dovetail_conformance.crashing import CrashReader
    from dovetail_conformance.protocol import RuleProtocol

    if getattr(config.option, "dist", "no") != "no" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(CrashReader(config), "dovetail-conformance-crashes")
    else:
        config.pluginmanager.register(RuleProtocol(config, session), "dovetail-conformance-protocol")


def _options(config: pytest.Config) -> Options:
    return Options(
        target=config.getoption("conformance_target") or "",
        harness=config.getoption("conformance_harness"),
        config=config.getoption("conformance_config"),
        mutants=config.getoption("conformance_mutants"),
        component_type=config.getoption("conformance_type") or "",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give every worker the same seed."""
    node.workerinput["dovetail_seed"] = node.config.stash[SEED]


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say what the run depends on."""
    target = config.getoption("conformance_target")
    return f"conformance: {target}, effort {config.getoption('conformance_effort')}, seed {config.stash[SEED]}" if target else None

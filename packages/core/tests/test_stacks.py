"""Stacks are validated as a whole, built when asked, and closed in reverse."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dovetail_core import (
    ComponentSpec,
    ConfigError,
    Finding,
    FlavorCatalog,
    NotFound,
    Stack,
    StackInvalid,
    StackSpec,
    ensure_valid,
    hookimpl,
    installed_hooks,
    references,
    resolve,
    validate_stack,
)


def spec(*components: ComponentSpec, root: str = "") -> StackSpec:
    return StackSpec("test", components, root)


LOCAL = (
    ComponentSpec("orchestrator", "default", "local"),
    ComponentSpec("artifact_store", "default", "local", {"path": "things"}),
    ComponentSpec("metadata_store", "default", "sqlite"),
)


def test_a_good_stack_has_no_findings_and_survives_json() -> None:
    assert validate_stack(spec(*LOCAL), FlavorCatalog()) == []
    assert StackSpec.from_dict(spec(*LOCAL).to_dict()) == spec(*LOCAL)


def test_all_findings_are_told_at_once() -> None:
    broken = spec(
        ComponentSpec("orchestrator", "one", "locale"),
        ComponentSpec("artifact_store", "two", "local", {"pth": "x", "durable": "perhaps"}),
        ComponentSpec("artifact_store", "three", "local", {"path": "{{vault.key}}"}),
    )
    findings = [str(finding) for finding in validate_stack(broken, FlavorCatalog())]
    expected = [
        "no metadata store",
        "several components of type artifact_store: two, three",
        "no orchestrator flavor 'locale', did you mean 'local'?",
        "'pth' is not a setting, did you mean 'path'?",
        "{{vault.key}}, and the stack has no secrets manager",
    ]
    assert all(any(part in finding for finding in findings) for part in expected), findings
    with pytest.raises(StackInvalid) as caught:
        ensure_valid(broken, FlavorCatalog())
    assert len(caught.value.findings) == len(findings) >= 5
    assert len(pickle.loads(pickle.dumps(caught.value)).findings) == len(findings)


class WithSecretsManagers(FlavorCatalog):
    """A catalog of an environment in which a package brings that type."""

    def type_names(self) -> list[str]:
        return [*super().type_names(), "secrets_manager"]


def test_what_to_do_about_a_reference_can_be_done_with_what_is_installed() -> None:
    referring = spec(*LOCAL[::2], ComponentSpec("artifact_store", "default", "local", {"path": "{{vault.key}}"}))
    (now,), (then,) = (validate_stack(referring, catalog) for catalog in (FlavorCatalog(), WithSecretsManagers()))
    assert now.remedy.startswith("write the value") and "installed" in now.remedy
    assert then.remedy == "add a secrets manager to the stack, or write the value"


class Validator:
    def __init__(self, findings: list[Finding] | None) -> None:
        self.findings = findings

    @hookimpl
    def dovetail_validate_stack(self, spec: StackSpec) -> Any:
        if self.findings is None:
            raise RuntimeError("a validator that is broken")
        return self.findings


class LateValidator:
    @hookimpl
    def dovetail_validate_stack(self, spec: StackSpec) -> Iterator[Finding]:
        yield Finding("test", "half said", "")
        raise RuntimeError("a validator that breaks while it is read")


def test_a_validator_of_somebody_else_is_asked_and_one_that_raises_hides_nothing() -> None:
    plugins = [Validator(None), LateValidator(), Validator([Finding("test", "too blue", "paint it")])]
    for plugin in plugins:
        installed_hooks().register(plugin)
    try:
        assert [finding.problem for finding in validate_stack(spec(*LOCAL), FlavorCatalog())] == ["too blue"]
    finally:
        for plugin in plugins:
            installed_hooks().unregister(plugin)


def test_components_are_built_once_with_paths_from_the_root(tmp_path: Path) -> None:
    with Stack(spec(*LOCAL, root=str(tmp_path))) as stack:
        assert stack.artifact_store is stack.artifact_store
        assert stack.artifact_store.config.path == tmp_path / "things"
        assert stack.all("alerter") == ()
        with pytest.raises(NotFound, match="has no alerter"):
            stack.alerter  # noqa: B018
        assert not (tmp_path / "things").exists()
        assert pickle.loads(pickle.dumps(stack)).spec == stack.spec
        assert copy.copy(stack).name == "test"
        assert not hasattr(stack, "__wrapped__")


def test_references_are_found_at_any_depth_and_resolved_once() -> None:
    settings = {"a": "{{db.user}}", "b": ["x {{ db.password }} y"], "c": {"d": "plain"}, "e": 5}
    assert references(settings) == {("db", "user"), ("db", "password")}
    values = {"user": "{{db.password}}", "password": "pw-canary"}
    resolved = resolve(settings, lambda secret, key: values[key])
    assert resolved == {"a": "{{db.password}}", "b": ["x pw-canary y"], "c": {"d": "plain"}, "e": 5}
    assert settings["a"] == "{{db.user}}"
    with pytest.raises(ConfigError, match="no secrets manager"):
        resolve(settings, None)


def test_every_component_is_closed_even_if_one_raises(tmp_path: Path) -> None:
    closed: list[str] = []
    stack = Stack(spec(*LOCAL, root=str(tmp_path)))
    for kind in ("orchestrator", "artifact_store", "metadata_store"):
        component = stack.get(kind)

        def close(kind: str = kind) -> None:
            closed.append(kind)
            if kind == "artifact_store":
                raise RuntimeError

        component.close = close  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        stack.close()
    assert closed == ["metadata_store", "artifact_store", "orchestrator"]

"""Fixtures of the tests of stacks and of the command line: a project directory, and packages that are installed without pip."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from installed_packages import install, install_own_flavors

from dovetail.cli import main
from dovetail.project import Project


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory on the import path, with the metadata of this project's own flavors if they are not installed."""
    directory = tmp_path / "site"
    directory.mkdir()
    install_own_flavors(directory)
    monkeypatch.syspath_prepend(str(directory))
    known = set(sys.modules)
    yield directory
    for name in set(sys.modules) - known:
        if str(directory) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def vault_flavor(site: Path) -> Path:
    """An installed artifact store flavor `vault`, with secret, nested and required settings; return its module."""
    return install(
        site,
        "dovetail-artifact-store-vault",
        "dovetail.flavors.v1.artifact_store",
        {"vault": "vault_store:VaultStore"},
        vault_store='''
from dovetail_core import ComponentConfig
from dovetail_artifact_store.local import LocalArtifactStore
from pydantic import BaseModel, Field, SecretStr


class Proxy(BaseModel):
    url: str
    password: SecretStr | None = None


class VaultStore(LocalArtifactStore):
    """Objects in a vault."""

    flavor = "vault"

    class Config(ComponentConfig):
        path: str = Field(default="x", description="Where it is.")
        bucket: str = Field(description="The bucket.")
        key: SecretStr | None = Field(default=None, description="The key.")
        size: int | None = Field(default=None, description="The size.")
        proxy: Proxy | None = Field(default=None, description="The proxy.")
        keys: dict[str, SecretStr] = Field(default={}, description="More keys.")
        hosts: tuple[str, ...] = Field(default=(), description="Where else it is.")
''',
    )


@pytest.fixture
def project_with(tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Project]:
    """Return a function that gives the project in the working directory as it is now, after writing its stack file if one is given."""
    root = tmp_path / "project"
    (root / ".dovetail").mkdir(parents=True)
    monkeypatch.chdir(root)

    def at(text: str | None = None) -> Project:
        if text is not None:
            (root / "dovetail.yaml").write_text(text)
        return Project.find()

    return at  # type: ignore[return-value]


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What was printed as JSON."""
        return json.loads(self.out)


@pytest.fixture
def dovetail(project_with: Callable[..., Project], capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Return a function that executes the command line in a project's directory."""

    def execute(*words: str) -> Outcome:
        code = main(words)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return execute

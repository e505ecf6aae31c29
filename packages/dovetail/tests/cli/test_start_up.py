"""Help and the list of flavors load nothing heavy, whatever is installed; what is broken is a row."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from installed_packages import install

HEAVY = ("pydantic", "sqlalchemy", "rich", "pluggy", "fsspec", "alembic")
GROUP = "dovetail.flavors.v1.artifact_store"
_CODE = """
import json, sys
from dovetail.cli import main
code = main(sys.argv[1:])
print(json.dumps({"code": code, "modules": sorted(sys.modules)}), file=sys.stderr)
"""


def _run(site: Path, *words: str) -> tuple[str, set[str]]:
    """Return what a command printed in a process of its own, and the modules that it loaded."""
    code = f"import sys; sys.path.insert(0, {str(site)!r})\n{_CODE}"
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    last = json.loads(done.stderr.splitlines()[-1])
    assert last["code"] == 0, done.stderr
    return done.stdout, set(last["modules"])


def _heavy(modules: set[str]) -> set[str]:
    flavors = {name for name in modules if name.endswith((".local", ".sqlite")) or name.startswith("flavored")}
    return flavors | {name for name in modules if name.partition(".")[0] in HEAVY}


@pytest.fixture
def hundred(site: Path) -> Path:
    """A hundred installed flavors, of which three cannot be used."""
    source = "from dovetail_artifact_store.local import LocalArtifactStore\nclass F(LocalArtifactStore):\n    flavor = '{}'\n"
    for number in range(97):
        module = f"flavored_{number}"
        install(site, f"acme-{number}", GROUP, {f"f{number}": f"{module}:F"}, **{module: source.format(f"f{number}")})
    install(site, "broken-missing", GROUP, {"missing": "not_there_at_all:F"})
    install(site, "broken-twice", GROUP, {"f7": "flavored_8:F"})
    install(site, "broken-future", GROUP.replace("v1", "v2"), {"future": "flavored_9:F"})
    return site


@pytest.mark.parametrize("words", [("--help",), ("artifact-store", "--help"), ("artifact-store", "flavor", "list"), ("stack", "--help")])
def test_nothing_heavy_is_loaded(project_with: Callable[..., object], hundred: Path, words: tuple[str, ...]) -> None:
    out, modules = _run(hundred, *words)
    assert out
    assert _heavy(modules) == set()


def test_broken_flavors_are_rows_with_reason_and_remedy(project_with: Callable[..., object], hundred: Path) -> None:
    out, _ = _run(hundred, "artifact-store", "flavor", "list", "-o", "json")
    rows = [row for row in json.loads(out) if not row["source"].startswith("dovetail")]
    wrong = {(row["name"], row["source"]): (row["problem"], row["remedy"]) for row in rows if row["problem"]}
    assert len(rows) == 100
    sources = {("missing", "broken-missing 1.2"), ("f7", "acme-7 1.2"), ("f7", "broken-twice 1.2"), ("future", "broken-future 1.2")}
    assert set(wrong) == sources
    assert "not_there_at_all" in wrong["missing", "broken-missing 1.2"][0]
    assert "acme-7 1.2 and broken-twice 1.2" in wrong["f7", "acme-7 1.2"][0]
    assert "version 2 of the interface" in wrong["future", "broken-future 1.2"][0]
    assert all("pip " in remedy for _, remedy in wrong.values())


def test_the_rest_works_beside_broken_flavors(project_with: Callable[..., object], hundred: Path) -> None:
    out, _ = _run(hundred, "artifact-store", "register", "a", "--flavor", "f5", "--path", "here")
    assert out == "Registered artifact_store 'a' (flavor f5).\n"
    assert "f5" in _run(hundred, "artifact-store", "list")[0]

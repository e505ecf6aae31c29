"""`copier update`, and `dovetail flavor update` with it, bring later changes of a template in a git repository into packages made from there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from flavor_command import flavor, python
from under_git import committed, git, replaced, under_version_control

from dovetail_flavor_template.making import TEMPLATE

STORE = "src/dovetail_artifact_store_acme/store.py"


def update(package: Path) -> None:
    """Bring a package up to date with the latest version of its template."""
    done = python(package, "-m", "copier", "update", "--defaults")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """The template in a repository of its own, as it is published, with its first version."""
    folder = tmp_path / "template"
    subprocess.run(["cp", "-RL", str(TEMPLATE), str(folder)], check=True)
    git(folder, "init", "--quiet")
    committed(folder, "v0.1.0")
    return folder


def test_an_update_brings_the_templates_change_and_keeps_the_authors(published: Path, tmp_path: Path) -> None:
    assert flavor(tmp_path, "new", "artifact-store", "acme", "--template", str(published), "--path", "acme").returncode == 0
    package = tmp_path / "acme"
    assert "_commit: v0.1.0" in (package / ".copier-answers.yml").read_text()
    replaced(package / STORE, "return self._found(key)[1]", "return self._asked(key)")
    under_version_control(package)

    replaced(published / "types/artifact_store/flavor.py.jinja", "page_size = 5", "page_size = 6")
    replaced(published / "package/{% if not inside %}noxfile.py{% endif %}.jinja", '"mypy>=1.13"', '"mypy>=1.14"')
    committed(published, "v0.2.0")
    update(package)

    text = (package / STORE).read_text()
    assert "return self._asked(key)" in text and "page_size = 6" in text and "<<<<" not in text
    assert '"mypy>=1.14"' in (package / "noxfile.py").read_text()
    assert "_commit: v0.2.0" in (package / ".copier-answers.yml").read_text()


def test_a_package_that_grew_from_a_class_keeps_its_modules(published: Path, tmp_path: Path) -> None:
    (tmp_path / "my_module.py").write_text(
        'from dovetail_artifact_store import InMemoryArtifactStore\n\nclass MyStore(InMemoryArtifactStore):\n    flavor = "acme"\n'
    )
    words = ("--from", "my_module:MyStore", "--template", str(published), "--path", "acme")
    assert flavor(tmp_path, "new", *words).returncode == 0
    package = tmp_path / "acme"
    under_version_control(package)
    replaced(published / "package/{% if not inside %}noxfile.py{% endif %}.jinja", '"mypy>=1.13"', '"mypy>=1.14"')
    committed(published, "v0.2.0")
    update(package)
    assert "class MyStore" in (package / STORE).read_text() and not (package / "src/dovetail_artifact_store_acme/_client.py").exists()
    assert '"mypy>=1.14"' in (package / "noxfile.py").read_text()


def test_our_own_command_updates_from_there_too(published: Path, tmp_path: Path) -> None:
    assert flavor(tmp_path, "new", "artifact-store", "acme", "--template", str(published), "--path", "acme").returncode == 0
    package = tmp_path / "acme"
    under_version_control(package)
    replaced(published / "types/artifact_store/flavor.py.jinja", "page_size = 5", "page_size = 6")
    committed(published, "v0.2.0")
    done = flavor(package, "update")
    assert done.returncode == 0, done.stderr
    assert "page_size = 6" in (package / STORE).read_text()
    assert "_commit: v0.2.0" in (package / ".copier-answers.yml").read_text()


def test_a_template_that_is_gone_is_told(published: Path, tmp_path: Path) -> None:
    """It was given by a path from the working directory, which the package keeps whole, since it is updated from elsewhere."""
    assert flavor(tmp_path, "new", "artifact-store", "acme", "--template", "template", "--path", "acme").returncode == 0
    package = tmp_path / "acme"
    assert f"_src_path: {published}" in (package / ".copier-answers.yml").read_text()
    under_version_control(package)
    published.rename(tmp_path / "elsewhere")
    done = flavor(package, "update")
    assert done.returncode != 0 and f"copier cannot update the package from {published}" in done.stderr and "--was" in done.stderr


def test_an_address_that_git_cannot_reach_is_told(published: Path, tmp_path: Path) -> None:
    address = (tmp_path / "nowhere.git").as_uri()
    done = flavor(tmp_path, "new", "artifact-store", "other", "--template", address)
    assert done.returncode != 0 and "Traceback" not in done.stderr and "nowhere.git" in done.stderr
    git(published, "clone", "--quiet", "--bare", str(published), str(tmp_path / "nowhere.git"))
    assert flavor(tmp_path, "new", "artifact-store", "acme", "--template", address, "--path", "acme").returncode == 0
    under_version_control(tmp_path / "acme")
    (tmp_path / "nowhere.git").rename(tmp_path / "elsewhere.git")
    done = flavor(tmp_path / "acme", "update")
    assert done.returncode != 0 and "Traceback" not in done.stderr and f"copier cannot update the package from {address}" in done.stderr

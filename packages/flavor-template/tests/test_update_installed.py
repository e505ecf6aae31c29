"""`dovetail flavor update` brings what a later installed template changed, and keeps what an author changed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from flavor_command import flavor, python
from under_git import committed, git, replaced, under_version_control

from dovetail_flavor_template.making import TEMPLATE

PACKAGE = Path(__file__).parents[1]
STORE = "src/dovetail_artifact_store_acme/store.py"
NOXFILE = "package/{% if not inside %}noxfile.py{% endif %}.jinja"


def wheel(package: Path, out: Path) -> None:
    subprocess.run([sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", out, package], check=True, capture_output=True)


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a later version of this package, as an installer writes it, beside an index with the one of the tree."""
    folder = tmp_path_factory.mktemp("later")
    wheel(PACKAGE, folder / "index")
    changed = folder / "changed"
    shutil.copytree(PACKAGE, changed, ignore=shutil.ignore_patterns("__pycache__"))
    replaced(changed / "pyproject.toml", 'version = "0.1.0"', 'version = "0.2.0"')
    (changed / "pyproject.toml").write_text((changed / "pyproject.toml").read_text().partition("[tool.ruff]")[0])
    template = changed / "src/dovetail_flavor_template/template"
    replaced(template / "types/artifact_store/flavor.py.jinja", "page_size = 5", "page_size = 6")
    replaced(template / NOXFILE, '"mypy>=1.13"', '"mypy>=1.14"')
    (template / "package/SECURITY.md.jinja").write_text("How to report what is wrong with {{ distribution }}.\n")
    wheel(changed, folder / "wheels")
    shutil.unpack_archive(next((folder / "wheels").glob("*.whl")), folder / "installed", "zip")
    return folder


@pytest.fixture
def package(tmp_path: Path, later: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package from the template of the tree, committed; installers find that version in the index, and ask nobody else."""
    for installer in ("PIP", "UV"):
        monkeypatch.setenv(f"{installer}_FIND_LINKS", str(later / "index"))
        monkeypatch.setenv(f"{installer}_NO_INDEX", "1")
    assert flavor(tmp_path, "new", "artifact-store", "acme", "--path", "acme").returncode == 0
    under_version_control(tmp_path / "acme")
    return tmp_path / "acme"


def update(package: Path, later: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Update a package with the later version."""
    return python(package, "-P", "-m", "dovetail_flavor_template", "update", *words, path=later / "installed")


def test_what_both_changed_is_there(package: Path, later: Path) -> None:
    replaced(package / STORE, "return self._found(key)[1]", "return self._asked(key)")
    git(package, "rm", "--quiet", "CHANGELOG.md")
    (package / "notes.md").write_text("The author's own.\n")
    committed(package)
    done = update(package, later)
    assert done.returncode == 0 and "has what changed up to 0.2.0: look at it" in done.stdout, done.stderr
    text = (package / STORE).read_text()
    assert "return self._asked(key)" in text and "page_size = 6" in text and "<<<<" not in text
    assert '"mypy>=1.14"' in (package / "noxfile.py").read_text()
    assert (package / "SECURITY.md").read_text() == "How to report what is wrong with dovetail-artifact-store-acme.\n"
    assert not (package / "CHANGELOG.md").exists() and (package / "notes.md").exists()
    assert "_template: dovetail-flavor-template==0.2.0" in (package / ".copier-answers.yml").read_text()

    committed(package)
    assert "is as the installed template makes it: 0.2.0" in update(package, later).stdout


def test_where_both_changed_the_same_line_git_marks_a_conflict(package: Path, later: Path) -> None:
    replaced(package / STORE, "page_size = 5", "page_size = 1000")
    committed(package)
    done = update(package, later)
    assert done.returncode == 1 and "mend the conflicts" in done.stdout and done.stderr == f"conflict: {STORE}\n"
    text = (package / STORE).read_text()
    assert "<<<<<<<" in text and "page_size = 1000" in text and "page_size = 6" in text
    assert '"mypy>=1.14"' in (package / "noxfile.py").read_text()


def test_a_package_may_be_a_part_of_its_repository(package: Path, later: Path, tmp_path: Path) -> None:
    whole, part = tmp_path / "all", tmp_path / "all" / "flavors" / "acme"
    part.parent.mkdir(parents=True)
    shutil.move(package, part)
    shutil.rmtree(part / ".git")
    (whole / "noxfile.py").write_text("# The sessions of all flavors.\n")
    under_version_control(whole)
    done = update(whole, later, "flavors/acme")
    assert done.returncode == 0, done.stderr
    assert "page_size = 6" in (part / STORE).read_text() and '"mypy>=1.14"' in (part / "noxfile.py").read_text()
    assert (part / "SECURITY.md").exists() and (whole / "noxfile.py").read_text() == "# The sessions of all flavors.\n"


def test_a_package_that_grew_from_a_class_keeps_its_modules(package: Path, later: Path, tmp_path: Path) -> None:
    (tmp_path / "my_module.py").write_text(
        'from dovetail_artifact_store import InMemoryArtifactStore\n\nclass MyStore(InMemoryArtifactStore):\n    flavor = "acme"\n'
    )
    assert flavor(tmp_path, "new", "--from", "my_module:MyStore", "--path", "grown").returncode == 0
    under_version_control(tmp_path / "grown")
    done = update(tmp_path / "grown", later)
    assert done.returncode == 0, done.stderr
    assert "class MyStore" in (tmp_path / "grown" / STORE).read_text()
    assert '"mypy>=1.14"' in (tmp_path / "grown" / "noxfile.py").read_text()


def test_the_former_template_can_be_given(package: Path, later: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for installer in ("PIP", "UV"):
        monkeypatch.setenv(f"{installer}_FIND_LINKS", str(later / "nowhere"))
    done = update(package, later)
    assert done.returncode != 0 and "dovetail-flavor-template==0.1.0, which the package was made from, cannot be" in done.stderr
    assert "--was" in done.stderr and git_status(package) == ""
    done = update(package, later, "--was", str(TEMPLATE))
    assert done.returncode == 0, done.stderr
    assert "page_size = 6" in (package / STORE).read_text()


def git_status(folder: Path) -> str:
    return subprocess.run(["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True, check=True).stdout


def test_what_cannot_be_taken_back_is_refused(package: Path, later: Path, tmp_path: Path) -> None:
    (package / "notes.md").write_text("Not committed.\n")
    done = update(package, later)
    assert done.returncode != 0 and "has changes (?? notes.md)" in done.stderr
    (tmp_path / "empty").mkdir()
    done = update(package, later, str(tmp_path / "empty"))
    assert done.returncode != 0 and "has no .copier-answers.yml" in done.stderr
    shutil.rmtree(package / ".git")
    done = update(package, later)
    assert done.returncode != 0 and "is not under git" in done.stderr


def test_an_earlier_template_than_the_packages_is_refused(package: Path, later: Path) -> None:
    assert update(package, later).returncode == 0
    committed(package)
    done = flavor(package, "update")
    assert done.returncode != 0 and "is as dovetail-flavor-template 0.2.0 makes it, and 0.1.0 is installed" in done.stderr

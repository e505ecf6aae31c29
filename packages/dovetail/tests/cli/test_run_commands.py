"""Running pipelines, and the commands about what was recorded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., object]

PIPELINE = """
import pathlib
from typing import Annotated
from dovetail import pipeline, step

@step
def load(size: int) -> list[int]:
    print("loading", size)
    return list(range(size))

@step
def total(numbers: list[int], label: str) -> Annotated[int, "sum"]:
    if not pathlib.Path("mended").exists():
        raise ValueError(f"the label {label} is wrong")
    return sum(numbers)

@pipeline
def sums(size: int = 3, label: str = "x"):
    total(load(size), label)

@pipeline
def composed_wrongly():
    raise ZeroDivisionError("while composing")
"""


@pytest.fixture
def module(project_with: Callable[..., object], tmp_path: Path) -> str:
    """The name of a module of the project, another one in every test."""
    name = "flow_" + tmp_path.name.replace("-", "_")
    Path(f"{name}.py").write_text(PIPELINE)
    Path("mended").touch()
    return name


def test_a_run_is_told_step_by_step_and_can_be_described(dovetail: Run, module: str) -> None:
    done = dovetail("run", f"{module}:sums", "-p", "size=4", "-p", "label=1", "--name", "first")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert any(line.startswith("step total: succeeded in ") and line.endswith(" s") for line in lines)
    assert any(line.startswith("run first: succeeded in ") for line in lines)
    data = dovetail("runs", "describe", "first", "-o", "json").data
    assert (data["state"], data["parameters"]) == ("succeeded", {"size": 4, "label": "1"})
    assert [step["step"] for step in data["steps"]] == ["load", "total"]
    assert "loading 4" in dovetail("runs", "logs", "first", "load").out
    assert "-- load" in dovetail("runs", "logs", "first").out


def test_json_is_all_that_is_printed_when_it_is_asked_for(dovetail: Run, module: str) -> None:
    code = "import sys; from dovetail.cli import main; sys.exit(main(sys.argv[1:]))"
    path = os.pathsep.join(sys.path)
    words = [sys.executable, "-c", code, "run", f"{module}:sums", "-o", "json"]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    assert "step total: succeeded" in done.stderr
    text = done.stdout[done.stdout.index("{") :]
    assert json.loads(text)["state"] == "succeeded"


def test_the_second_run_is_cached_unless_asked_otherwise(dovetail: Run, module: str) -> None:
    dovetail("run", f"{module}:sums")
    assert "step total: cached" in dovetail("run", f"{module}:sums").out
    assert "cached" not in dovetail("run", f"{module}:sums", "--no-cache").out


def test_a_run_configuration_is_read_and_options_win(dovetail: Run, module: str) -> None:
    Path("run.yaml").write_text("run_name: from-file\nparameters: {size: 7, label: a}\n")
    assert dovetail("run", f"{module}:sums", "--config", "run.yaml", "-p", "label=b").code == 0
    assert dovetail("runs", "describe", "from-file", "-o", "json").data["parameters"] == {"size": 7, "label": "b"}
    Path("run.yaml").write_text("run_nam: x\n")
    assert "did you mean 'run_name'" in dovetail("run", f"{module}:sums", "--config", "run.yaml").err


def test_a_failed_run_shows_the_steps_error_and_is_resumed(dovetail: Run, module: str) -> None:
    Path("mended").unlink()
    done = dovetail("run", f"{module}:sums", "--name", "bad", "-p", "size=5")
    assert done.code == 1
    assert "ValueError: the label x is wrong" in done.err
    assert f"{module}.py" in done.err
    assert "Traceback" not in done.err
    Path("mended").touch()
    resumed = dovetail("runs", "resume", "bad", "-o", "json")
    assert resumed.code == 0, resumed.err
    listed = dovetail("runs", "list", "-o", "json").data
    assert listed[0]["parameters"] == {"size": 5, "label": "x"}
    assert listed[0]["resumed_from"] == listed[1]["id"]


def test_a_module_that_runs_its_pipeline_when_it_is_imported_is_told_to_guard_that(dovetail: Run, module: str) -> None:
    with Path(f"{module}.py").open("a") as file:
        file.write("\nsums()\n")
    done = dovetail("run", f"{module}:sums")
    assert (done.code, "pipeline 'sums' is run by the import of module" in done.err) == (2, True), done.err
    assert dovetail("runs", "list", "-o", "json").data == []


def test_the_debug_option_shows_tracebacks(dovetail: Run, module: str) -> None:
    assert "Traceback" in dovetail("--debug", "runs", "describe", "nobody").err
    assert "Traceback" not in dovetail("runs", "describe", "nobody").err


@pytest.mark.parametrize(
    ("target", "part"),
    [
        ("{}:smus", "did you mean 'sums'"),
        ("{}:load", "is not a pipeline"),
        ("{}", "not of the form module:pipeline"),
        ("no_such_module:sums", "there is no module 'no_such_module'"),
        ("{}:composed_wrongly", "ZeroDivisionError: while composing"),
    ],
)
def test_a_target_that_is_none_is_told(dovetail: Run, module: str, target: str, part: str) -> None:
    done = dovetail("run", target.format(module))
    assert (done.code, part in done.err) == (2, True), done.err


def test_a_module_that_fails_shows_where(dovetail: Run, module: str) -> None:
    Path(f"{module}_b.py").write_text("import json\n\njson.loads('{')\n")
    done = dovetail("run", f"{module}_b:sums")
    assert done.code == 2
    assert f'{module}_b.py", line 3' in done.err
    assert "JSONDecodeError" in done.err


@pytest.mark.parametrize(("given", "part"), [("size", "name=value"), ("size=many", "size"), ("sise=1", "did you mean 'size'")])
def test_wrong_parameters_are_refused(dovetail: Run, module: str, given: str, part: str) -> None:
    done = dovetail("run", f"{module}:sums", "--param", given)
    assert (done.code, part in done.err) == (2, True), done.err
    assert dovetail("runs", "list", "-o", "json").data == []


OPTIONAL = """
from typing import Annotated
from dovetail import pipeline, step

@step
def keep(commit: str | None, label: Annotated[str, "x"], size: int | str) -> list[str]:
    return [repr(commit), repr(label), repr(size)]

@pipeline
def flow(commit: str | None = "", label: Annotated[str, "a label"] = "", size: int | str = 0):
    keep(commit, label, size)
"""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("commit=1234567", "label=true", "size=3"), {"commit": "1234567", "label": "true", "size": 3}),
        (("commit=null", "label=null", "size=three"), {"commit": None, "label": "null", "size": "three"}),
    ],
)
def test_what_is_typed_for_an_argument_that_takes_text_is_text(
    dovetail: Run, module: str, given: tuple[str, ...], expected: dict[str, object]
) -> None:
    Path(f"{module}_text.py").write_text(OPTIONAL)
    done = dovetail("run", f"{module}_text:flow", "--name", "texts", *(word for one in given for word in ("-p", one)))
    assert done.code == 0, done.err
    assert dovetail("runs", "describe", "texts", "-o", "json").data["parameters"] == expected


def test_a_pipeline_is_found_by_the_path_of_its_file(dovetail: Run, module: str, tmp_path: Path) -> None:
    for directory in (Path("inner"), Path("in-between"), tmp_path / "outside"):
        directory.mkdir()
        (directory / f"{directory.name.replace('-', '_')}_{module}.py").write_text(PIPELINE)
    targets = [f"./{module}.py", f"{module}.py", str(Path(f"{module}.py").absolute()), f"./{module}", f"inner/inner_{module}.py"]
    for target in (*targets, f"./in-between/in_between_{module}.py", f"{tmp_path}/outside/outside_{module}.py"):
        done = dovetail("run", f"{target}:sums")
        assert done.code == 0, (target, done.err)


@pytest.mark.parametrize(("target", "part"), [("./gone.py", "there is no file"), ("./odd-name.py", "'odd-name' is no name in Python")])
def test_a_file_that_cannot_be_imported_is_told(dovetail: Run, module: str, target: str, part: str) -> None:
    Path("odd-name.py").write_text(PIPELINE)
    done = dovetail("run", f"{target}:sums")
    assert (done.code, part in done.err) == (2, True), done.err


def test_artifacts_are_listed_traced_and_downloaded(dovetail: Run, module: str) -> None:
    dovetail("run", f"{module}:sums", "--name", "r")
    rows = dovetail("artifacts", "list", "--run", "r", "-o", "json").data
    artifact = next(row["id"] for row in rows if row["step"] == "total")
    assert dovetail("artifacts", "describe", artifact, "-o", "yaml").out.startswith(f"id: {artifact}\n")
    edges = dovetail("artifacts", "lineage", artifact, "-o", "json").data["edges"]
    assert {edge["step"] for edge in edges} == {"load", "total"}
    assert dovetail("artifacts", "download", artifact, "out/value.json").code == 0
    assert Path("out/value.json").read_text() == "3"
    assert dovetail("artifacts", "download", artifact, "out/value.json").code == 2


def test_what_was_altered_is_not_downloaded(dovetail: Run, module: str) -> None:
    dovetail("run", f"{module}:sums", "--name", "r")
    row = next(row for row in dovetail("artifacts", "list", "-o", "json").data if row["step"] == "total")
    (Path(".dovetail/artifacts") / row["key"]).write_text("4")
    done = dovetail("artifacts", "download", row["id"], "value.json")
    assert done.code == 1
    assert os.listdir(".").count("value.json") == 0


def test_a_run_is_deleted_with_its_artifacts(dovetail: Run, module: str) -> None:
    dovetail("run", f"{module}:sums", "--name", "r")
    done = dovetail("runs", "delete", "r", "--yes")
    assert (done.code, done.out) == (0, "Deleted run 'r' and 2 artifacts.\n")
    assert dovetail("artifacts", "list").out == "no artifacts\n"
    assert dovetail("runs", "describe", "r").code == 2


def test_ctrl_c_ends_with_130_and_the_run_is_cancelled(dovetail: Run, module: str) -> None:
    source = "import time\nfrom dovetail import pipeline, step\n\n@step\ndef wait() -> int:\n    print('waiting', flush=True)\n"
    Path(f"{module}_c.py").write_text(source + "    time.sleep(600)\n    return 1\n\n@pipeline\ndef waiting():\n    wait()\n")
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "  # tests may be run where it is ignored
    code = f"{heard}import sys; from dovetail.cli import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", code, "run", f"{module}_c:waiting", "--name", "w"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        assert any("waiting" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err.splitlines()[-1]) == (130, "Interrupted.")
    assert dovetail("runs", "describe", "w", "-o", "json").data["state"] == "cancelled"

"""Steps execute in processes of their own, and the process of a run may die at any moment."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from project_directory import ProjectDirectory

from dovetail import RunHistory, get_run
from dovetail.code_archive import project_files
from dovetail.entrypoint import main
from dovetail_metadata_store.records import State

MODULE = """
    import os, signal, sys, time
    from pathlib import Path
    from typing import Annotated
    from dovetail import pipeline, step
    import parts.inner

    WITNESS = Path({witness!r})

    def note(line):
        with WITNESS.open("a") as file:
            file.write(line + "\\n")

    @step(isolated=True)
    def apart(x: int = 1) -> int:
        print("process", os.getpid())
        note(f"apart {{os.getpid()}}")
        return parts.inner.double(x)

    @step
    def here(x: int) -> int:
        note(f"here {{os.getpid()}}")
        return x + 1

    @step(isolated=True)
    def killed() -> int:
        print("last words", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        return 1

    @step(isolated=True)
    def leaves() -> int:
        os._exit(0)

    @step(isolated=True)
    def raises() -> int:
        raise ValueError("on purpose")

    @step(timeout=6)
    def hangs() -> int:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.fork() == 0:
            os.setsid()
        note(f"hangs {{os.getpid()}}")
        time.sleep(300)
        return 1

    @step(environment={{"COLOUR": "green"}})
    def painted() -> str:
        return os.environ["COLOUR"]

    @step(cache=False)
    def slow(x: int) -> int:
        note(f"slow {{x}}")
        time.sleep(0.02)
        return x + 1

    @pipeline
    def mixed():
        here(apart(20))

    @pipeline
    def one(which: str):
        globals()[which]()

    @pipeline
    def long(length: int = 40):
        x = slow(0)
        for _ in range(length - 1):
            x = slow(x)
"""


@pytest.fixture
def module(project: ProjectDirectory) -> ProjectDirectory:
    project.write("module.py", MODULE.format(witness=str(project.path / "witness.txt")))
    project.write("parts/__init__.py", "")
    project.write("parts/inner.py", "def double(x):\n    return 2 * x\n")
    return project


def failure(module: ProjectDirectory, which: str) -> str:
    """Run a step that fails and return what the user reads."""
    module.write("dovetail.yaml", "components: {orchestrator: {default: {flavor: local, grace: 0.5}}}\n")
    code = f"import module; module.one.with_options(run_name='r-{which}')(which='{which}')"
    return module.run(code, expected=1)


def test_an_isolated_step_has_another_process_and_its_value_comes_back(module: ProjectDirectory) -> None:
    assert module.run("import module; print(module.mixed().steps['here'].outputs['output'].load())").splitlines()[-1] == "41"
    pids = dict(line.split() for line in module.witnessed())
    assert pids["apart"] != pids["here"]
    run = get_run(
        next(
            iter(
                json.loads(
                    module.run(
                        "from dovetail import RunHistory; import json; print(json.dumps([r.name for r in RunHistory().search().items]))"
                    )
                )
            )
        )
    )
    assert list(run.steps["apart"].logs()) == [f"process {pids['apart']}"]


def test_a_step_killed_by_a_signal_is_failed_with_its_reason_and_its_log_is_whole(module: ProjectDirectory) -> None:
    assert "killed by SIGKILL (signal 9)" in failure(module, "killed")
    run = get_run("r-killed")
    assert run.state is State.FAILED
    assert list(run.steps["killed"].logs()) == ["last words"]


def test_exit_code_0_without_a_commit_is_a_failure(module: ProjectDirectory) -> None:
    failure(module, "leaves")
    recorded = get_run("r-leaves").steps["leaves"].record.failure
    assert recorded is not None and recorded.kind == "Lost"


def test_an_exception_in_another_process_is_told_as_in_this_one(module: ProjectDirectory) -> None:
    assert "step 'raises' failed: ValueError: on purpose" in failure(module, "raises")
    recorded = get_run("r-raises").steps["raises"].record.failure
    assert recorded is not None and 'raise ValueError("on purpose")' in recorded.traceback


@pytest.mark.parametrize("isolated", [False, True])
def test_neither_an_error_that_says_it_is_permanent_nor_an_end_of_the_process_is_tried_again(
    module: ProjectDirectory, isolated: bool
) -> None:
    module.edit(
        "module.py",
        "def slow(x",
        "def flaky(kind: str):\n    import dovetail_core.errors\n    note(kind)\n"
        "    raise getattr(dovetail_core.errors, kind, SystemExit if kind == 'exit' else ValueError)('on purpose')\n\n@step(cache=False)\ndef slow(x",
    )
    module.edit(
        "module.py",
        "def long(",
        "def tries():\n    flaky.map(['PermissionDenied', 'ConfigError', 'Unavailable', 'Other', 'exit'])\n\n@pipeline\ndef long(",
    )
    options = f"isolated={isolated}, failure_mode='continue', retry={{'retries': 1, 'delay': 0}}"
    module.run(f"import module; module.tries.with_options({options})()", expected=1)
    assert sorted(module.witnessed()) == ["ConfigError", "Other", "Other", "PermissionDenied", "Unavailable", "Unavailable", "exit"]


def test_a_time_limit_kills_the_whole_tree_of_a_step_that_does_not_listen(module: ProjectDirectory) -> None:
    assert "Timeout" in failure(module, "hangs")
    pids = [int(line.split()[1]) for line in module.witnessed()]
    assert len(pids) == 2
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


def test_the_environment_of_a_step_is_its_own(module: ProjectDirectory) -> None:
    code = "import module, os; print(module.one(which='painted').steps['painted'].outputs['output'].load(), os.environ.get('COLOUR'))"
    assert module.run(code).splitlines()[-1] == "green None"


def test_one_step_executes_in_a_fresh_process_from_an_empty_directory(module: ProjectDirectory, tmp_path: Path) -> None:
    """Nothing but the run's id, the step's name and the stack's description is needed: the code comes from the artifact store."""
    run_id, stack = module.recorded("module.mixed", "by-hand")
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "stack.json").write_text(json.dumps(stack))
    for file in ("module.py", "parts/inner.py"):
        (module.path / file).rename(module.path / f"{file}.gone")
    command = [sys.executable, "-m", "dovetail.entrypoint", run_id, "apart", "--stack", "stack.json"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(empty / "cache")}
    done = subprocess.run(command, cwd=empty, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert get_run("by-hand").steps["apart"].outputs["output"].load() == 40


def test_a_step_in_a_process_of_its_own_has_the_files_of_the_project(project: ProjectDirectory) -> None:
    project.write("words.csv", "one,two")
    project.write("spaced/inner/parts.py", "def split(text):\n    return text.split(',')\n")
    code = """
        from pathlib import Path
        from dovetail import pipeline, step
        from spaced.inner import parts

        @step(timeout=60)
        def read() -> list[str]:
            return parts.split((Path(__file__).parent / "words.csv").read_text())

        @pipeline
        def flow():
            read()
    """
    project.write("flows.py", code)
    run = "import flows; print(flows.flow().steps['read'].outputs['output'].load())"
    assert project.run(run).splitlines()[-1] == "['one', 'two']"


def test_code_that_was_edited_since_the_run_began_is_taken_from_the_archive(module: ProjectDirectory, tmp_path: Path) -> None:
    run_id, stack = module.recorded("module.mixed", "edited")
    module.edit("parts/inner.py", "2 * x", "3 * x")
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "DOVETAIL_STACK": json.dumps(stack)}
    command = [sys.executable, "-m", "dovetail.entrypoint", run_id, "apart"]
    subprocess.run(command, cwd=tmp_path, check=True, env=environment)
    assert get_run("edited").steps["apart"].outputs["output"].load() == 40


def test_a_package_without_a_file_of_its_own_is_shipped_unless_another_one_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("main.py", "spaced/inner/parts.py", "spaced/inner/table.csv", "json/notes/data.csv", "unused/inner/parts.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("import json, spaced.inner.parts\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert project_files(tmp_path, ["main"]) == {"main.py", "spaced/inner/parts.py", "spaced/inner/table.csv"}


SCRIPT = """
    import dataclasses
    from typing import Any
    from dovetail import pipeline, step

    @dataclasses.dataclass
    class Model:
        weight: int

    @step(isolated=True)
    def train() -> Model:
        return Model(3)

    @step
    def check(model: Model) -> bool:
        return isinstance(model, Model)

    @step
    def check_any(model: Any) -> bool:
        return isinstance(model, Model)

    @pipeline
    def flow():
        model = train()
        check(model), check_any(model)

    if __name__ == "__main__":
        steps = flow().steps
        print(*(steps[name].outputs["output"].load() for name in ("check", "check_any")), isinstance(steps["train"].outputs["output"].load(), Model))
"""


def test_a_class_of_a_script_is_one_class_in_all_of_its_processes(project: ProjectDirectory) -> None:
    project.write("script.py", SCRIPT)
    done = subprocess.run([sys.executable, "script.py"], cwd=project.path, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["True", "True", "True"], done.stderr


WITHOUT_GUARD = """
    import os, sys
    from pathlib import Path
    from dovetail import pipeline, step

    with Path("witness.txt").open("a") as file:
        file.write("imported\\n")
    if len(Path("witness.txt").read_text().splitlines()) > 4:
        os._exit(9)  # it would go on without end

    @step(isolated=True, retries=0)
    def apart() -> int:
        return 1

    @pipeline
    def flow():
        apart()

    flow.with_options(run_name="r" + str(os.getpid()))()
"""


def test_a_script_that_runs_its_pipeline_when_it_is_imported_is_told_to_guard_that(project: ProjectDirectory) -> None:
    project.write("script.py", WITHOUT_GUARD)
    done = subprocess.run([sys.executable, "script.py"], cwd=project.path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "pipeline 'flow' is run by the import of module 'script'" in done.stderr
    assert 'if __name__ == "__main__":' in done.stderr
    assert len(RunHistory().search().items) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "--stack stack.json cannot be read: No such file or directory (check the path)"),
        ('{"key": "s3cr3t"', "--stack stack.json is no JSON"),
        ('["stack"]', "--stack stack.json describes no stack"),
        ("", "the stack is not described (give --stack FILE, or set DOVETAIL_STACK)"),
    ],
)
def test_a_stack_that_is_not_described_is_told_in_one_line(
    text: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    if text is not None:
        Path("stack.json").write_text(text)
    assert main(["run", "step", "--stack", "stack.json"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"Error: {said}")
    assert error.count("\n") == 1
    assert "s3cr3t" not in error


def test_a_cancelled_run_stops_and_says_so(module: ProjectDirectory) -> None:
    process = module.start("import module; module.long.with_options(run_name='stop-me', parameters={'length': 500})()")
    wait_for(lambda: len(module.witnessed()) > 3)
    run = get_run("stop-me").cancel()
    process.communicate(timeout=30)
    assert process.returncode != 0
    assert run.refresh().state is State.CANCELLED
    assert {step.state for step in get_run("stop-me").steps.values()} == {State.SUCCEEDED, State.CANCELLED}


def test_a_keyboard_interrupt_stops_the_run_and_is_not_retried(module: ProjectDirectory) -> None:
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "  # tests may be run where it is ignored
    process = module.start(f"{heard}import module; module.long.with_options(run_name='ctrl-c', retries=3, parameters={{'length': 500}})()")
    wait_for(lambda: len(module.witnessed()) > 3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in err
    assert get_run("ctrl-c").state is State.CANCELLED
    assert len(set(module.witnessed())) == len(module.witnessed())


def wait_for(condition: object, seconds: float = 30) -> None:
    """Return once something holds that another process brings about."""
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


LENGTH = 12
MOMENTS = 20


def test_a_run_killed_at_any_moment_leaves_a_whole_store_and_can_be_finished(module: ProjectDirectory) -> None:
    """Every visible artifact is whole, the run is reported failed, and its resumption executes each committed step once."""
    seed = int(os.environ.get("DOVETAIL_SEED", time.time_ns() % 10**6))
    print(f"DOVETAIL_SEED={seed}")
    moments = random.Random(seed)
    for number in range(MOMENTS):
        name = f"killed-{number}"
        (module.path / "witness.txt").unlink(missing_ok=True)
        killed_at(module, name, moments.uniform(0.0, 1.1))
        finished = finish(module, name)
        assert finished.state is State.SUCCEEDED
        assert finished.steps[f"slow_{LENGTH}"].outputs["output"].load() == LENGTH
        for step in finished.steps.values():
            for output in step.outputs.values():
                output.load()


def killed_at(module: ProjectDirectory, name: str, seconds: float) -> None:
    """Start a run and kill its process some time after the interpreter is up."""
    code = f"import module; print('up', flush=True); module.long.with_options(run_name='{name}', parameters={{'length': {LENGTH}}})()"
    process = module.start(code)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    process.communicate()


def finish(module: ProjectDirectory, name: str):  # type: ignore[no-untyped-def]
    """Look at what is left of a killed run, resume it, and return the run that finished it."""
    from dovetail_core import NotFound

    committed: set[str] = set()
    resume = ""
    try:
        left = get_run(name)
    except NotFound:  # it was killed before it was recorded
        pass
    else:
        assert left.state in (State.FAILED, State.SUCCEEDED)
        committed = {step.record.name for step in left.steps.values() if step.state.good}
        for step in left.steps.values():
            assert step.state.terminal
            assert all(output.load() is not None for output in step.outputs.values())
        if left.state is State.SUCCEEDED:
            return left
        resume = name
    before = len(module.witnessed())
    module.run(
        f"import module; module.long.with_options(run_name='{name}-again', parameters={{'length': {LENGTH}}}).run(resume='{resume}')"
    )
    executed = [f"slow_{int(line.split()[1]) + 1}" if line != "slow 0" else "slow" for line in module.witnessed()[before:]]
    assert not committed.intersection(executed)
    assert len(committed) + len(executed) == LENGTH
    return get_run(f"{name}-again")

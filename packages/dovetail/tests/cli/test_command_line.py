"""What holds for every command."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from installed_packages import install

from dovetail.cli import root
from dovetail_core.discovery import offered_types

Run = Callable[..., object]

REQUIRED = ("orchestrator", "artifact_store", "metadata_store")
"""Types that every stack has one of."""


def test_the_exit_codes_are_in_the_help(dovetail: Run) -> None:
    out = dovetail("--help").out
    for code in ("  0 ", "  1 ", "  2 ", "  70 ", "  130 "):
        assert code in out


@pytest.mark.parametrize(("words", "part"), [(["stak"], "'stack'"), (["stack", "lst"], "'list'"), (["runs", "descrbe"], "'describe'")])
def test_a_misspelt_command_is_told_the_closest(dovetail: Run, words: list[str], part: str) -> None:
    done = dovetail(*words)
    assert (done.code, f"did you mean {part}" in done.err) == (2, True)


@pytest.mark.parametrize(
    "words", [["stack", "list"], ["runs", "list"], ["artifacts", "list"], ["artifact-store", "list"], ["doctor"], ["stack", "describe"]]
)
def test_every_form_of_output_is_there(dovetail: Run, words: list[str]) -> None:
    assert dovetail(*words).code == 0
    assert isinstance(dovetail(*words, "-o", "json").data, (list, dict))
    assert dovetail(*words, "--output", "yaml").code == 0


def _leaves(command: click.Command, context: click.Context, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from _leaves(inner, click.Context(inner, parent=context, info_name=name), *path, name)


def test_every_command_but_those_that_print_a_file_for_others_has_the_option() -> None:
    own = [*root._COMMANDS, *(kind.replace("_", "-") for kind in offered_types())]
    without = [
        path
        for path, command in _leaves(root.dovetail, click.Context(root.dovetail))
        if path[0] in own and not any("--output" in parameter.opts for parameter in command.params)
    ]
    assert without == [("schema",), ("completion",)]


def test_what_a_command_did_is_told_as_data_too(dovetail: Run, project_with: Callable[..., object]) -> None:
    store, stack = ["artifact-store"], ["stack"]
    default = ["--orchestrator", "default", "--metadata-store", "default"]
    done = [
        ([*store, "register", "a", "--flavor", "local", "--path", "a"], {"type": "artifact_store", "name": "a", "flavor": "local"}),
        ([*store, "update", "a", "--durable"], {"type": "artifact_store", "name": "a", "changed": ["durable"]}),
        ([*store, "remove-attribute", "a", "durable"], {"type": "artifact_store", "name": "a", "removed": ["durable"]}),
        ([*store, "copy", "a", "b"], {"type": "artifact_store", "name": "b", "copied_from": "a"}),
        ([*stack, "register", "s", "--artifact-store", "a", *default], {"stack": "s", "active": False}),
        ([*store, "rename", "a", "c"], {"type": "artifact_store", "name": "c", "renamed_from": "a", "stacks": ["s"]}),
        ([*store, "delete", "b"], {"type": "artifact_store", "name": "b"}),
        ([*store, "up", "c"], [{"component": "artifact_store 'c'", "status": "running"}]),
        ([*stack, "update", "s", "--artifact-store", "default"], {"stack": "s"}),
        ([*stack, "copy", "s", "t"], {"stack": "t", "copied_from": "s"}),
        ([*stack, "rename", "t", "u"], {"stack": "u", "renamed_from": "t"}),
        ([*stack, "set", "u"], {"stack": "u", "active": True}),
        ([*stack, "delete", "s"], {"stack": "s"}),
    ]
    for words, expected in done:
        assert dovetail(*words, "-o", "json").data == expected
    assert [row["status"] for row in dovetail("stack", "down", "-o", "json").data] == ["running"] * 3
    assert dovetail("stack", "export", "-o", "json").data["stacks"] == {"u": {kind: "default" for kind in REQUIRED}}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed(dovetail: Run, shell: str) -> None:
    done = dovetail("completion", shell)
    assert (done.code, "_DOVETAIL_COMPLETE" in done.out) == (0, True)


def _with_plugin(site: Path, source: str, *words: str) -> subprocess.CompletedProcess[str]:
    install(site, "acme-plugin", "dovetail.hooks.v1", {"acme": "acme_plugin"}, acme_plugin=source)
    code = "import sys; from dovetail.cli import main; sys.exit(main(sys.argv[1:]))"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, env=env)


PLUGIN = """
import click
from dovetail_core import hookimpl

@click.command("greet")
def greet():
    "Say hello."
    click.echo("hello")

@hookimpl
def dovetail_commands():
    return [greet]
"""


def test_a_plugins_command_is_listed_and_runs(project_with: Callable[..., object], site: Path) -> None:
    assert _with_plugin(site, PLUGIN, "greet").stdout == "hello\n"


def test_a_broken_plugin_harms_nothing_and_is_told_by_the_doctor(project_with: Callable[..., object], site: Path) -> None:
    done = _with_plugin(site, "raise SystemExit(5)", "doctor")
    assert done.returncode == 1
    assert "WRONG hook plugin 'acme'" in done.stdout


def test_a_broken_component_type_is_told_by_the_doctor(dovetail: Run, site: Path) -> None:
    install(site, "acme-weather", "dovetail.component_types.v1", {"weather": "gone:TYPE"})
    done = dovetail("doctor")
    assert done.code == 1
    assert "WRONG component type 'weather': gone:TYPE cannot be loaded" in done.out
    assert dovetail("stack", "describe").code == 0


def test_the_list_of_commands_survives_a_broken_plugin(project_with: Callable[..., object], site: Path) -> None:
    done = _with_plugin(site, "raise SystemExit(5)", "--help")
    assert (done.returncode, "artifact-store" in done.stdout) == (0, True)


def test_the_list_of_commands_survives_a_plugin_whose_generator_fails(project_with: Callable[..., object], site: Path) -> None:
    source = PLUGIN.replace("return [greet]", "yield greet\n    raise RuntimeError('too late')")
    done = _with_plugin(site, source, "--help")
    assert (done.returncode, "artifact-store" in done.stdout, "greet" in done.stdout) == (0, True, False)


def test_a_fault_of_a_flavor_is_an_internal_error_without_a_traceback(dovetail: Run, site: Path) -> None:
    source = "from dovetail_artifact_store.local import LocalArtifactStore\n\nclass Faulty(LocalArtifactStore):\n    flavor = 'faulty'\n"
    source += "    def provision(self):\n        raise RuntimeError('a wheel came off')\n"
    install(site, "acme-faulty", "dovetail.flavors.v1.artifact_store", {"faulty": "faulty_store:Faulty"}, faulty_store=source)
    dovetail("artifact-store", "register", "f", "--flavor", "faulty")
    done = dovetail("artifact-store", "up", "f")
    assert (done.code, len(done.err.splitlines())) == (70, 1)
    assert "a wheel came off" in done.err


def test_on_a_terminal_a_run_is_a_table_that_is_kept_up_to_date(project_with: Callable[..., object]) -> None:
    """The command runs in a pseudo-terminal, whose other end reads what a person would see."""
    Path("flow_on_terminal.py").write_text(
        "from dovetail import pipeline, step\n\n@step\ndef one() -> int:\n    return 1\n\n@pipeline\ndef single():\n    one()\n"
    )
    ours, theirs = pty.openpty()
    code = "import sys; from dovetail.cli import main; sys.exit(main(['run', 'flow_on_terminal:single', '--name', 'shown']))"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen([sys.executable, "-c", code], stdout=theirs, stderr=theirs, env=env) as process:
        os.close(theirs)
        seen = b"".join(iter(lambda: _read(ours), b"")).decode()
    assert process.returncode == 0, seen
    assert "run shown: succeeded" in seen
    assert "\x1b[" in seen
    assert "step one: running" not in seen


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux tells that the other end is closed
        return b""

"""Shell completion knows the project's names, loads no more than it must, and prints nothing but the answer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from installed_packages import install

from dovetail.cli.shells import joined

ProjectWith = Callable[..., object]

HEAVY = ("pydantic", "sqlalchemy", "rich", "pluggy", "fsspec", "alembic", "pytest")
FILE = """\
components:
  artifact_store:
    mine: {flavor: local, path: x, durable: true}
  metadata_store:
    far: {flavor: far}
stacks:
  second: {orchestrator: default, artifact_store: mine, metadata_store: default}
  remote: {orchestrator: default, artifact_store: mine, metadata_store: far}
flavors:
  artifact_store:
    own: own_store:OwnStore
    noisy: noisy_store:NoisyStore
"""
WINERY = """\
import dovetail
from dovetail import pipeline, step
raise SystemExit("this module is never imported to complete its names")

@pipeline
def winery(): ...

@dovetail.pipeline(cache=False)
def cellar(): ...

@step
def blend(): ...
"""
NOISY = """\
import os, sys
from dovetail_artifact_store.local import LocalArtifactStore
print("noise"); print("noise", file=sys.stderr); os.write(1, b"noise"); os.write(2, b"noise")

class NoisyStore(LocalArtifactStore):
    flavor = "noisy"
"""
CODE = """
import atexit, json, sys
atexit.register(lambda: open("modules.json", "w").write(json.dumps(sorted(sys.modules))))
from dovetail.cli import main
main([])
"""


@pytest.fixture
def project(project_with: ProjectWith) -> None:
    """A project with names of every sort."""
    project_with(FILE)
    Path("wine.py").write_text(WINERY)
    Path("shop").mkdir()
    Path("shop/orders.py").write_text("from dovetail import pipeline\n@pipeline\ndef delivery(): ...\n")
    Path("broken.py").write_text("@pipeline\ndef broken(:\n")
    Path("env/lib").mkdir(parents=True)
    Path("env/pyvenv.cfg").write_text("")
    Path("env/lib/other.py").write_text("@pipeline\ndef other(): ...\n")
    Path("noisy_store.py").write_text(NOISY)


def _complete(shell: str, line: str, words: list[str] | None = None) -> tuple[list[str], set[str]]:
    """Return what a shell is answered for a line of words, and the modules that were loaded for it."""
    words = words or line.split(" ")
    env = {**os.environ, "_DOVETAIL_COMPLETE": f"{shell}_complete", "COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    if shell == "fish":
        env |= {"COMP_WORDS": " ".join(words), "COMP_CWORD": words[-1]}
    env["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, env=env)
    assert done.stderr == ""
    return done.stdout.strip().splitlines(), set(json.loads(Path("modules.json").read_text()))


LIGHT = [
    ("dovetail sch", ["schema"]),
    ("dovetail stack set s", ["second"]),
    ("dovetail run x:y --stack r", ["remote"]),
    ("dovetail stack register new --artifact-store m", ["mine"]),
    ("dovetail stack remove-component second a", ["artifact_store"]),
    ("dovetail stack remove-component second artifact-store ", ["mine"]),
    ("dovetail artifact-store describe ", ["default", "mine"]),
    ("dovetail artifact-store register new --flavor lo", ["local"]),
    ("dovetail artifact-store register new --flavor o", ["own"]),
    ("dovetail artifact-store flavor describe own", ["own"]),
    ("dovetail artifact-store flavor unregister ", ["noisy", "own"]),
    ("dovetail artifact-store remove-attribute mine ", ["path", "durable"]),
    ("dovetail artifact-store remove-attribute mine path ", ["durable"]),
    ("dovetail run ", ["wine:winery", "wine:cellar", "shop.orders:delivery"]),
    ("dovetail run wine:c", ["wine:cellar"]),
    ("dovetail runs list --state f", ["failed"]),
    ("dovetail conformance run artifact_store/lo", ["artifact_store/local"]),
    ("dovetail conformance run artifact_store/l", ["artifact_store/local"]),
    ("dovetail conformance list arti", ["artifact_store"]),
]


@pytest.mark.parametrize(("line", "expected"), LIGHT)
def test_names_are_completed_and_nothing_heavy_is_loaded(project: None, line: str, expected: list[str]) -> None:
    answer, modules = _complete("bash", line)
    assert answer == [f"plain,{one}" for one in expected]
    assert [name for name in HEAVY if name in modules] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_is_answered(project: None, shell: str) -> None:
    answer, _ = _complete(shell, "dovetail run wine:w")
    assert answer == {"bash": ["plain,wine:winery"], "zsh": ["plain", "wine:winery", "_"], "fish": ["plain,wine:winery"]}[shell]


def test_the_settings_of_the_chosen_flavor_are_completed(project: None, vault_flavor: Path) -> None:
    register = "dovetail artifact-store register new --flavor vault"
    assert _complete("bash", f"{register} --b")[0] == ["plain,--bucket"]
    assert _complete("bash", f"{register} --path x --k")[0] == ["plain,--key", "plain,--keys"]
    assert _complete("bash", "dovetail artifact-store update mine --dur")[0] == ["plain,--durable"]
    assert _complete("bash", "dovetail orchestrator update default --mode th")[0] == ["plain,threads"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["dovetail", "run", "wine", ":"], ["winery", "cellar"]),
        (["dovetail", "run", "wine", ":", "w"], ["winery"]),
        (["dovetail", "artifact-store", "register", "new", "--flavor", "=", "lo"], ["local"]),
        (["dovetail", "artifact-store", "register", "new", "--flavor", "="], ["local", "memory", "noisy", "own"]),
        (["dovetail", "artifact-store", "register", "new", "--flavor", "=", "local", "--pa"], ["--path"]),
    ],
)
def test_words_that_bash_breaks_are_completed(project: None, words: list[str], expected: list[str]) -> None:
    answer, _ = _complete("bash", "", words)
    assert [one.removeprefix("plain,") for one in answer if one != "plain,s3"] == expected


def test_broken_words_are_joined() -> None:
    assert joined(["a", ":", "b", "c", "=", "", "d"]) == ["a:b", "c=", "", "d"]
    assert joined(["a:b", ""]) == ["a:b", ""]
    assert joined([]) == []


@pytest.mark.parametrize(
    "line",
    [
        "dovetail stak ",
        "dovetail stack remove-component nowhere ",
        "dovetail artifact-store describe x y z ",
        "dovetail artifact-store register new --flavor nobody --p",
        "dovetail runs describe ",
        "dovetail runs logs nothing ",
        "dovetail runs describe --stack remote ",
        "dovetail runs describe --stack nowhere ",
    ],
)
def test_what_cannot_be_told_is_silence(project: None, line: str) -> None:
    assert _complete("bash", line)[0] == []


@pytest.mark.parametrize("line", ["dovetail stack set d", "dovetail runs describe ", "dovetail artifact-store register x --flavor lo"])
def test_a_damaged_file_is_silence(project_with: ProjectWith, line: str) -> None:
    project_with("stacks: [")
    assert _complete("bash", line)[0] == []


def test_what_a_flavor_prints_when_it_is_imported_is_not_in_the_answer(project: None) -> None:
    assert _complete("bash", "dovetail artifact-store register new --flavor noisy --pa")[0] == ["plain,--path"]


def test_a_broken_plugin_is_silence(project: None, site: Path) -> None:
    install(site, "acme-plugin", "dovetail.hooks.v1", {"acme": "acme_plugin"}, acme_plugin="print('noise')\nraise SystemExit(5)")
    assert "plain,schema" in _complete("bash", "dovetail sch")[0]


def test_runs_and_their_steps_are_completed_from_a_store_on_this_machine_only(project: None, site: Path) -> None:
    source = (
        "from dovetail_core import Reach\nfrom dovetail_metadata_store import SqliteMetadataStore\n\nclass FarStore(SqliteMetadataStore):\n"
    )
    source += "    flavor = 'far'\n    @classmethod\n    def reach(cls, config):\n        return Reach.NETWORK\n"
    install(site, "acme-far", "dovetail.flavors.v1.metadata_store", {"far": "far_store:FarStore"}, far_store=source)
    Path("flow.py").write_text(
        "from dovetail import pipeline, step\n\n@step\ndef one() -> int:\n    return 1\n\n@pipeline\ndef single():\n    one()\n"
    )
    code = "import sys; from dovetail.cli import main; sys.exit(main(['run', 'flow:single', '--name', 'nightly']))"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, check=True)
    assert _complete("bash", "dovetail runs describe ")[0] == ["plain,nightly"]
    assert _complete("bash", "dovetail runs delete nightly ")[0] == []
    assert _complete("bash", "dovetail artifacts list --run n")[0] == ["plain,nightly"]
    assert _complete("bash", "dovetail run flow:single --resume n")[0] == ["plain,nightly"]
    assert _complete("bash", "dovetail runs logs nightly ")[0] == ["plain,one"]
    assert _complete("bash", "dovetail runs describe --stack remote ")[0] == []


def test_completing_runs_writes_nothing(project_with: ProjectWith) -> None:
    project_with("")
    assert _complete("bash", "dovetail runs describe ")[0] == []
    assert sorted(os.listdir(".dovetail")) == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["dovetail", "stack", "set", "se"], ["second"]),
        (["dovetail", "run", "wine", ":", "ce"], ["cellar"]),
        (["dovetail", "artifact-store", "register", "x", "--flavor", "=", "ow"], ["own"]),
        (["dovetail", "artifact-store", "describe", ""], ["default", "mine"]),
    ],
)
def test_a_real_bash_completes(project: None, tmp_path: Path, words: list[str], expected: list[str]) -> None:
    """The script is sourced, and its function called as bash calls it, with a command `dovetail` on the path."""
    command = tmp_path / "bin" / "dovetail"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\nimport sys\nsys.path[:] = {sys.path!r}\nfrom dovetail.cli import main\nsys.exit(main())\n")
    command.chmod(0o755)
    array = " ".join(f"'{word}'" for word in words)
    script = f"""
        eval "$(dovetail completion bash)" || exit
        COMP_WORDS=({array}); COMP_CWORD={len(words) - 1}
        $(complete -p dovetail | sed 's/.*-F \\([^ ]*\\).*/\\1/') dovetail
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    env = {**os.environ, "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, env=env)
    assert (done.stdout.splitlines(), done.stderr) == (expected, "")

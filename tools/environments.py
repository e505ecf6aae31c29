"""Fresh environments, made and filled by uv or by pip."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

INSTALLERS = ("uv", "pip")
_OURS = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE", "UV_COMPILE_BYTECODE")
"""Variables of the calling process that would lead an environment elsewhere, or slow it down."""


class Environment:
    """An environment of this Python, in a folder that does not exist yet."""

    def __init__(self, folder: Path, installer: str = "") -> None:
        self.folder = folder
        self.installer = installer or ("uv" if shutil.which("uv") else "pip")
        self.python = folder / "bin" / "python"
        if self.installer == "uv":
            execute(["uv", "venv", "--quiet", "--python", sys.executable, folder])
        else:
            execute([sys.executable, "-m", "virtualenv", "--quiet", folder])

    def install(self, *words: str | Path, index: str = "", constraints: Iterable[str] = ()) -> None:
        """Install what the words say, as either installer takes them. Raises `CalledProcessError` with what it printed.

        `index` is asked besides the machine's own: uv takes a name that it knows from there only, pip takes the highest version of
        all, so that names which must not come from elsewhere need constraints.
        """
        options: list[str | Path] = []
        if texts := list(constraints):
            file = self.folder / "constraints.txt"
            file.write_text("".join(f"{text}\n" for text in texts))
            options += ["--constraint", file]
        if index:
            options += ["--index" if self.installer == "uv" else "--extra-index-url", index]
        self._pip("install", *options, *words)

    def check(self) -> None:
        """Verify that what is installed fits together. Raises `CalledProcessError` if it does not."""
        self._pip("check")

    def _pip(self, command: str, *words: str | Path) -> None:
        if self.installer == "uv":
            execute(["uv", "pip", command, "--quiet", "--python", self.python, *words])
        else:
            execute([self.python, "-m", "pip", command, "--quiet", "--disable-pip-version-check", *words])

    def run(self, *words: str | Path, folder: Path | None = None) -> str:
        """Run the environment's Python, isolated from this process's, in a folder; return what it printed."""
        path = os.pathsep.join([str(self.folder / "bin"), os.environ.get("PATH", "")])
        return execute([self.python, *words], folder or self.folder, {"PATH": path})


def execute(command: Iterable[str | Path], folder: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Run a command and return its standard output. Raises `CalledProcessError`, whose notes hold what was printed."""
    variables = {name: value for name, value in os.environ.items() if name not in _OURS}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, env={**variables, **(environment or {})}, capture_output=True, text=True, check=False)
    if done.returncode:
        error = subprocess.CalledProcessError(done.returncode, words, done.stdout, done.stderr)
        error.add_note(done.stdout + done.stderr)
        raise error
    return done.stdout

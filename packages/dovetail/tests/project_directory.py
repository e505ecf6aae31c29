"""Projects to run pipelines in: a directory with code of its own, and processes that execute it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class ProjectDirectory:
    """A directory in which a user's code lives; `witness.txt` there gets a line from every step that says so."""

    path: Path

    def write(self, name: str, text: str) -> Path:
        """Write a file of the user's."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
        return file

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a file of the user's."""
        text = (self.path / name).read_text()
        assert old in text
        before = (self.path / name).stat().st_mtime
        (self.path / name).write_text(text.replace(old, new))
        os.utime(self.path / name, (before + 2, before + 2))  # byte code is told from its source by whole seconds

    def start(self, code: str) -> subprocess.Popen[str]:
        """Start Python code in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)],
            cwd=self.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "XDG_CACHE_HOME": str(self.path / ".cache")},
        )

    def run(self, code: str, expected: int | None = 0) -> str:
        """Execute Python code in a process of its own and return what it printed."""
        process = self.start(code)
        out, err = process.communicate(timeout=120)
        if expected is not None:
            assert process.returncode == expected, out + err
        return out + err if expected != 0 else out

    def recorded(self, pipeline: str, name: str) -> tuple[str, dict[str, Any]]:
        """Record a run of a pipeline, as `module.name`, that nobody executes; return its id and the description of its stack."""
        module, _, function = pipeline.partition(".")
        code = f"""
            import json, {module}
            from dovetail import Project
            from dovetail.execution.run_lifecycle import describe_stack, _created, _with_code
            stack = Project.find().stack()
            plan = _with_code({module}.{function}.compile().plan, stack)
            run = _created(plan, stack, {name!r}, None)
            stack.metadata_store.transition_run(run.id, "running")
            print(json.dumps([run.id, describe_stack(stack.spec, {{}})]))
        """
        run_id, stack = json.loads(self.run(code).splitlines()[-1])
        return run_id, stack

    def witnessed(self) -> list[str]:
        """Return the lines that steps left."""
        file = self.path / "witness.txt"
        return file.read_text().splitlines() if file.exists() else []

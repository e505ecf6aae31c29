"""A small repository of packages in a temporary folder, under git, in the shape of this one."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "{distribution}"
version = "{version}"  # a comment that stays
requires-python = ">=3.11"
dependencies = [{requirements}]
"""


class SmallRepository:
    """Writes packages and commits; nothing outside its root is read or changed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")
        for file in ("pyproject.toml", "tools/changelog.md.jinja"):
            self.write(file, (ROOT / file).read_text())

    def git(self, *words: str) -> str:
        """Run git, whatever the machine's own settings are, and return what it printed."""
        settings = ["-c", "user.name=A maintainer", "-c", "user.email=maintainer@localhost", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *settings, *words], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def write(self, file: str, text: str) -> None:
        """Write a file, with its folders."""
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--message={message}")

    def package(self, name: str, *requirements: str, version: str = "0.1.0") -> None:
        """Write a package of one module, as every package has its files."""
        distribution = f"dovetail-{name}"
        folder, module = f"packages/{name}", distribution.replace("-", "_")
        listed = ", ".join(f'"{requirement}"' for requirement in requirements)
        self.write(f"{folder}/pyproject.toml", PYPROJECT.format(distribution=distribution, version=version, requirements=listed))
        self.write(f"{folder}/src/{module}/__init__.py", f'VERSION = "{version}"\n__all__ = ["VERSION"]\n')
        self.write(f"{folder}/CHANGELOG.md", "# Changelog\n\n<!-- towncrier release notes start -->\n")
        self.write(f"{folder}/changes/first-release.added.md", "It is there.\n")
        self.write(f"{folder}/README.md", f"# {distribution}\n")

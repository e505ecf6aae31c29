"""Merges what changed between two versions of some files into a folder under git, as git merges."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dovetail_core.errors import ConfigError

_IDENTITY = ("-c", "user.name=dovetail", "-c", "user.email=dovetail@localhost", "-c", "commit.gpgsign=false")
"""Who makes the commits that are merged; none of them becomes part of a branch."""


@dataclass(frozen=True)
class GitFolder:
    """A folder under git, which may be a part of its repository."""

    folder: Path

    def git(self, *words: str, environment: Mapping[str, str] | None = None) -> str:
        """Run git there and return what it printed. Raises `ConfigError` with what it says."""
        done = self._run(*words, environment=environment)
        if done.returncode:
            raise ConfigError(f"git {words[0]} in {self.folder}: {done.stderr.strip()}")
        return done.stdout.strip()

    def check(self) -> None:
        """Raise `ConfigError` unless everything in the folder is committed, so that a merge can be taken back."""
        if self._run("rev-parse", "--verify", "--quiet", "HEAD").returncode:
            raise ConfigError(f"{self.folder} is not under git, or has no commit", remedy="git init; git add --all; git commit")
        if changes := self.git("status", "--porcelain").splitlines():
            raise ConfigError(f"{self.folder} has changes ({changes[0].strip()})", remedy="commit, or put them aside")

    def merge(self, old: Path, new: Path) -> list[str]:
        """Bring what differs between two folders into this one and its index; return the files with conflicts, which are marked in them."""
        before = self._commit(old)
        after = self._commit(new, "-p", before)
        if self.git("rev-parse", f"{before}^{{tree}}") == self.git("rev-parse", f"{after}^{{tree}}"):
            return []
        done = self._run("cherry-pick", "--no-commit", after)
        conflicts = self.git("diff", "--name-only", "--diff-filter=U", "--relative").splitlines()
        if done.returncode and not conflicts:
            raise ConfigError(f"git cannot merge in {self.folder}: {done.stderr.strip()}")
        return conflicts

    def _commit(self, files: Path, *words: str) -> str:
        """Return a commit, on no branch, that has some files where this folder is in its repository, and nothing else."""
        with tempfile.TemporaryDirectory() as scratch:
            place = {"GIT_DIR": self.git("rev-parse", "--absolute-git-dir"), "GIT_INDEX_FILE": str(Path(scratch, "index"))}
            inside = GitFolder(files)
            inside.git("add", "--all", "--force", ".", environment={**place, "GIT_WORK_TREE": str(files)})
            tree = inside.git("write-tree", environment=place)
            if prefix := self.git("rev-parse", "--show-prefix").rstrip("/"):
                moved = {**place, "GIT_INDEX_FILE": str(Path(scratch, "moved"))}
                inside.git("read-tree", f"--prefix={prefix}/", tree, environment=moved)
                tree = inside.git("write-tree", environment=moved)
        return self.git("commit-tree", tree, "-m", "The template", *words)

    def _run(self, *words: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        variables = {**os.environ, **(environment or {})}
        try:
            return subprocess.run(["git", *_IDENTITY, *words], cwd=self.folder, env=variables, capture_output=True, text=True, check=False)
        except OSError as error:
            raise ConfigError(f"git cannot be run: {error}", remedy="install git: an update is merged by it") from error

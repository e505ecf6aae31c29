"""What was released: the tags of packages, and the tree as it was at one."""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from packaging.version import InvalidVersion, Version
from workspace import Package


@dataclass(frozen=True)
class Releases:
    """The releases of the packages in a repository, told from its tags."""

    root: Path

    def git(self, *words: str) -> str:
        """Run git and return what it printed. Raises `CalledProcessError`."""
        return subprocess.run(["git", *words], cwd=self.root, capture_output=True, text=True, check=True).stdout

    def versions(self, package: Package) -> list[Version]:
        """Return the released versions of a package, lowest first."""
        found: list[Version] = []
        for tag in self.git("tag", "--list", f"{package.distribution}/v*").split():
            try:
                found.append(Version(tag.partition("/v")[2]))
            except InvalidVersion:
                continue  # somebody's own tag
        return sorted(found)

    def latest(self, package: Package) -> Version | None:
        """Return the newest release that is no pre-release, if there is one."""
        return max((version for version in self.versions(package) if not version.is_prerelease), default=None)

    def folder(self, package: Package, version: Version, into: Path) -> Path:
        """Write a package's folder as it was released below `into`, and return it; the working tree is not touched."""
        place = f"packages/{package.name}"
        command = ["git", "archive", "--format=tar", package.tag(version), place]
        archive = subprocess.run(command, cwd=self.root, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as file:
            file.extractall(into, filter="data")
        return into / place

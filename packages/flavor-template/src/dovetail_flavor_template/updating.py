"""Brings later changes of the template into a package that was made from it."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from dovetail_core.errors import ConfigError, InvalidArgument, Unavailable
from dovetail_flavor_template import answers
from dovetail_flavor_template.answers import DISTRIBUTION, Answers
from dovetail_flavor_template.making import TEMPLATE, reason, rendered
from dovetail_flavor_template.merging import GitFolder


@dataclass(frozen=True)
class Updated:
    """What an update did."""

    before: str
    """Version of the template that the package was made from; empty: not known."""
    after: str
    conflicts: tuple[str, ...] = ()
    """Files in which both the template and the author changed the same lines, which are marked."""


def update(folder: Path, *, was: Path | None = None, ask: bool = False) -> Updated:
    """Bring a package that is under git up to date with the installed template; what its author changed stays.

    The package is made twice, by the version that it was made from and by the one that is installed, and git merges the difference;
    nothing is committed. `was` is a folder with the former template; otherwise that version is installed aside, by pip or uv. With `ask`,
    what only the later template asks is asked on the terminal. A package that was made from a git repository is updated by copier, from
    there. Raises `ConfigError` for a package that cannot be updated, and `Unavailable` if the former version cannot be had.
    """
    said, now = answers.read(folder), answers.installed_version()
    GitFolder(folder).check()
    if was is None and said.source:
        return _by_copier(folder, said, ask)
    if was is None and not said.version:
        raise ConfigError(f"{folder / answers.NAME} does not say what the package was made from", remedy="give that template (--was)")
    if said.version and Version(said.version) > Version(now):
        raise ConfigError(f"the package is as {DISTRIBUTION} {said.version} makes it, and {now} is installed", remedy="install a later one")
    if was is None and said.version == now:
        return Updated(now, now)
    with tempfile.TemporaryDirectory(prefix="dovetail-flavor-") as scratch:
        former = was or _installed_aside(said.version, Path(scratch, "installed"))
        old, new = Path(scratch, "old"), Path(scratch, "new")
        rendered(str(former), old, said.given)
        rendered(str(TEMPLATE), new, said.given, ask=ask)
        conflicts = _merged(folder, old, new)
    return Updated(said.version, now, tuple(conflicts))


def _merged(folder: Path, old: Path, new: Path) -> list[str]:
    """Merge, but for the answers, which are those of the new one."""
    told = (new / answers.NAME).read_text("utf-8")
    for made in (old, new):
        (made / answers.NAME).unlink()
    git = GitFolder(folder)
    conflicts = git.merge(old, new)
    (folder / answers.NAME).write_text(told, "utf-8")
    answers.stamp(folder)
    git.git("add", "--", answers.NAME)
    return conflicts


def _by_copier(folder: Path, said: Answers, ask: bool) -> Updated:
    import copier
    from copier.errors import UserMessageError

    try:
        copier.run_update(folder, defaults=not ask, overwrite=True, quiet=True)
    except (UserMessageError, ValueError, OSError) as error:
        problem = f"copier cannot update the package from {said.source}: {reason(error)}"
        raise ConfigError(problem, remedy="give the former template (--was)") from error
    conflicts = GitFolder(folder).git("diff", "--name-only", "--diff-filter=U", "--relative").splitlines()
    return Updated("", said.source, tuple(conflicts))


def _installed_aside(version: str, folder: Path) -> Path:
    """Install a version of the template into a folder of its own, and return where the template is in it."""
    wanted = f"{DISTRIBUTION}=={version}"
    command = [*_installer(), "--quiet", "--no-deps", "--target", str(folder), wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = f"{wanted}, which the package was made from, cannot be installed aside: {done.stderr.strip()}"
        raise Unavailable(said, remedy="give a folder with that template (--was)")
    return folder / "dovetail_flavor_template" / TEMPLATE.name


def _installer() -> list[str]:
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--python", sys.executable]
    raise InvalidArgument("there is neither pip nor uv to install the former template with", remedy="give a folder with it (--was)")

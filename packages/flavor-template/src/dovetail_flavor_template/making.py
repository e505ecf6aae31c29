"""Makes a package from the template."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dovetail_core.config import closest
from dovetail_core.discovery import offered_types
from dovetail_core.errors import AlreadyExists, ConfigError, InvalidArgument, NotFound
from dovetail_flavor_template import answers

if TYPE_CHECKING:
    from dovetail_flavor_template.growing import Origin

TEMPLATE = Path(__file__).with_name("template")
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST = 24


@dataclass(frozen=True)
class Order:
    """What is wanted: a package for a flavor of a component type, and what the template's questions are answered with."""

    component_type: str
    name: str
    answers: Mapping[str, str] = field(default_factory=dict)
    """Question -> answer; see `copier.yml` of the template."""
    inside: bool = False
    """Whether the package is one of Dovetail's own repository."""
    origin: Origin | None = None
    """The class that it grows from; None: the flavor in memory."""
    template: str = ""
    """Where the template is, as copier takes it, such as the address of a git repository; empty: the one of this package."""

    @property
    def distribution(self) -> str:
        """Name of the package."""
        return f"dovetail-{self.component_type}-{self.name}".replace("_", "-")

    @property
    def import_name(self) -> str:
        """Name of what is imported."""
        return self.distribution.replace("-", "_")

    @property
    def module(self) -> str:
        """Name of the flavor's module."""
        return self.component_type.rpartition("_")[2]


def template_types() -> list[str]:
    """Return the component types that the template knows, sorted."""
    return sorted(folder.name for folder in (TEMPLATE / "types").iterdir() if folder.is_dir())


def known_type(name: str) -> str:
    """Return a component type by its name, spelled with `_` or `-`. Raises `NotFound`."""
    kind, installed, known = name.replace("-", "_"), list(offered_types()), template_types()
    if kind in known:
        return kind
    if kind in installed:
        raise NotFound(f"the template does not know the type '{name}'", remedy=f"it knows {', '.join(known)}")
    others = "" if installed == known else f"; the template knows {', '.join(known)}"
    remedy = f"installed: {', '.join(installed) or 'none'}{others}"
    raise NotFound(f"there is no component type '{name}'{closest(kind, known)}", remedy=remedy)


def valid_name(name: str) -> str:
    """Return the name of a flavor. Raises `InvalidArgument` for one that cannot be part of a distribution's."""
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        said = f"'{name}' is no name for a flavor, since it is part of its distribution's name"
        raise InvalidArgument(said, remedy=f"take small letters and digits, with dashes between them, and at most {LONGEST} characters")
    return name


def make(order: Order, folder: Path, *, ask: bool = False) -> None:
    """Make the package in a folder that is not there, or is empty; with `ask`, what is not answered is asked on the terminal.

    Raises `AlreadyExists` for a folder with something in it, `InvalidArgument` for an answer that cannot be, and `ConfigError` for a
    class that cannot be carried into a package. Nothing is left behind then.
    """
    if folder.is_file() or (folder.is_dir() and any(each.name != ".git" for each in folder.iterdir())):
        raise AlreadyExists(f"there is something in {folder} already", remedy="give another folder (--path), or empty it")
    given, modules = _answers(order), order.origin.modules(order.import_name, order.module) if order.origin else {}
    rendered(_place(order.template), folder, given, likely=_defaults(order), ask=ask)
    if order.origin is not None:
        _write_modules(folder / "src" / order.import_name, modules)
        _tell_capabilities(folder / "README.md", order.origin)
    if not order.template and not order.inside:
        answers.stamp(folder)


def _place(template: str) -> str:
    """Return where a template is, also as seen from the package: copier writes there what it is given."""
    path = Path(template) if template else TEMPLATE
    return str(path.absolute()) if path.exists() else template


def _answers(order: Order) -> dict[str, Any]:
    answers: dict[str, Any] = {**order.answers, "component_type": known_type(order.component_type), "name": valid_name(order.name)}
    if order.inside:
        answers |= {"inside": True, "license": "Apache-2.0"}
    if order.origin is not None:
        needed, tested = order.origin.requirements()
        answers |= {"own_class": order.origin.flavor.__name__, "own_requirements": needed, "own_test_requirements": tested}
        answers |= {"own_harness": order.origin.harness.__name__} if order.origin.harness else {}
    return answers


def _defaults(order: Order) -> dict[str, str]:
    """Return answers that are likely, where the template's own are only possible."""
    author = "" if order.inside else _git_name()
    return {"author": author} if author else {}


def _git_name() -> str:
    try:
        done = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip().replace('"', "").replace("\\", "")


def rendered(
    template: str, folder: Path, answers: Mapping[str, Any], *, likely: Mapping[str, str] | None = None, ask: bool = False
) -> None:
    """Write what a template makes of some answers into a folder; `likely` are defaults. Raises `InvalidArgument` for what it refuses."""
    import copier
    from copier.errors import UserMessageError

    try:
        copier.run_copy(
            template, folder, data=dict(answers), user_defaults=dict(likely or {}), defaults=not ask, quiet=True, overwrite=True
        )
    except (UserMessageError, ValueError, OSError) as error:
        said = f"the package cannot be made from {'the template' if template == str(TEMPLATE) else template}: {reason(error)}"
        raise InvalidArgument(said, remedy="give another answer" if isinstance(error, ValueError) else "look at the template") from error


def reason(error: Exception) -> str:
    """Return what an error of copier says; one of the git that it runs is an `OSError` with what git said."""
    return str(getattr(error, "stderr", "")).strip() or str(error)


def _write_modules(folder: Path, modules: Mapping[str, str]) -> None:
    """Write modules, mended where that is safe, sorted and formatted, as the package's own settings have it."""
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text, "utf-8")
    files = [str(folder / f"{name}.py") for name in modules]
    for words in (["check", "--fix"], ["format"]):
        subprocess.run([sys.executable, "-m", "ruff", *words, "--quiet", "--no-cache", *files], capture_output=True, check=False)


def _tell_capabilities(readme: Path, origin: Origin) -> None:
    from dovetail_conformance.capability_table import updated

    readme.write_text(updated(readme.read_text("utf-8"), origin.flavor), "utf-8")


def checked_repository(folder: Path) -> Path:
    """Return the root of Dovetail's repository that a folder is in. Raises `ConfigError` if it is in none."""
    found = repository(folder)
    if found is None:
        raise ConfigError(f"{folder} is not in Dovetail's repository", remedy="go there, or leave out --inside")
    return found


def repository(folder: Path) -> Path | None:
    """Return the root of Dovetail's repository that a folder is in, if it is in one."""
    for root in (folder, *folder.parents):
        noxfile = root / "noxfile.py"
        if (root / "packages" / "core" / "pyproject.toml").is_file() and noxfile.is_file() and "PACKAGES = [" in noxfile.read_text("utf-8"):
            return root
    return None

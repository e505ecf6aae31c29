"""Where a function's code is: which directory its module is imported from, and how it is found again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dovetail.importing import import_code
from dovetail.plan import CodeReference
from dovetail.source_index import source_file
from dovetail_core import ConfigError


def source_root(function: Callable[..., Any]) -> Path | None:
    """Return the directory from which a function's module is imported; None if it is installed or has no file."""
    return root_of(function.__module__)


def root_of(module: str) -> Path | None:
    """Return the directory from which a module is imported; None if it is installed or has no file."""
    file = source_file(module)
    if file is None:
        return None
    file = file.resolve()
    if module == "__main__":
        return _main_root(file)
    parts = module.split(".")
    above = len(parts) - (0 if file.name == "__init__.py" else 1)
    return file.parents[above]


def _main_root(file: Path) -> Path:
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return file.parents[spec.name.count(".")] if spec is not None else file.parent


def reference_to(function: Callable[..., Any], root: Path | None) -> CodeReference:
    """Return how a function is found again by another process that imports modules from `root` or from installed packages."""
    module = function.__module__
    if module == "__main__":
        module = main_name()
    own = source_root(function)
    importable = "<" not in function.__qualname__ and module != "__main__" and own in (root, None) and _installed_or_source(function)
    return CodeReference(module=module, qualname=function.__qualname__, importable=importable)


def main_name() -> str:
    """Return the name by which another process imports what is `__main__` here; `__main__` if it has no file."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name)
    file = getattr(main, "__file__", None)
    return Path(file).stem if file else "__main__"


def _installed_or_source(function: Callable[..., Any]) -> bool:
    return bool(getattr(sys.modules.get(function.__module__), "__file__", None))


def find(reference: CodeReference, root: Path | None) -> Any:
    """Import what a reference means, with `root` on the import path.

    Raises `ConfigError` naming it if it is not there, and if its module runs a pipeline when it is imported.
    """
    if root is not None and str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        value: Any = import_code(reference.module)
        for name in reference.qualname.split("."):
            value = getattr(value, name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"{reference.module}:{reference.qualname} cannot be imported: {error}",
            remedy="define it at the top level of a module of the project",
        ) from error
    return value

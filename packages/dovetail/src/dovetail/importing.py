"""Imports modules of the user's, and knows meanwhile that it does: such a module must not start runs."""

from __future__ import annotations

import contextvars
from importlib import import_module
from types import ModuleType

from dovetail_core import ConfigError

_module: contextvars.ContextVar[str] = contextvars.ContextVar("imported_module", default="")


def import_code(module: str) -> ModuleType:
    """Import the module of a step, a pipeline or a class. Raises what it raises, and `ConfigError` if it runs a pipeline."""
    token = _module.set(module)
    try:
        return import_module(module)
    finally:
        _module.reset(token)


def refuse_while_importing(pipeline: str) -> None:
    """Raise `ConfigError` if a run would begin because its module is imported, which every step in another process would do again."""
    if module := _module.get():
        raise ConfigError(
            f"pipeline '{pipeline}' is run by the import of module '{module}', which was to give a step, a pipeline or a class only",
            remedy='guard the call in the module with: if __name__ == "__main__":',
        )

"""Calls hook plugins, one at a time, so that one that fails harms nobody."""

from __future__ import annotations

import functools
import logging
from importlib import metadata
from typing import Any

import pluggy

from dovetail_core import hookspecs

GROUP = "dovetail.hooks.v1"
log: logging.Logger = logging.getLogger("dovetail.hooks")


class Hooks:
    """A set of hook plugins."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self.broken: dict[str, str] = {}
        """Names of plugins that could not be loaded, with the reason."""

    @classmethod
    def installed(cls) -> Hooks:
        """Return the plugins of all installed packages, in the order of their names; the ones that fail to load are in `broken`."""
        hooks = cls()
        for point in sorted(metadata.entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
            hooks._load(point)
        return hooks

    def _load(self, point: metadata.EntryPoint) -> None:
        try:
            self.register(point.load(), point.name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit at import must not end the program either
            self.broken[point.name] = f"{type(error).__name__}: {error}"
            log.warning("hook plugin %s cannot be loaded: %s: %s", point.name, type(error).__name__, error)

    def register(self, plugin: object, name: str | None = None) -> None:
        """Add a plugin; raises, and leaves it out, if its implementations do not fit the specifications."""
        if self._manager.is_registered(plugin):
            raise ValueError(f"hook plugin {self._manager.get_name(plugin)} is registered already")
        try:
            self._manager.register(plugin, name)
            self._manager.check_pending()
        except BaseException:
            if self._manager.is_registered(plugin):  # or every later one would be found wrong, too
                self._manager.unregister(plugin)
            raise

    def unregister(self, plugin: object) -> None:
        """Remove a plugin."""
        self._manager.unregister(plugin)

    def implement(self, hook: str) -> bool:
        """Tell whether any plugin implements a hook."""
        return bool(getattr(self._manager.hook, hook).get_hookimpls())

    def call(self, hook: str, **arguments: Any) -> list[list[Any]]:
        """Call every implementation of `hook` and return a list of what each gave, but for those that gave None.

        An implementation that raises, at once or while what it gave is read, is logged and left out.
        """
        results: list[list[Any]] = []
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            try:
                result = implementation.function(*(arguments[name] for name in implementation.argnames))
                if result is not None:
                    results.append(list(result))
            except Exception:
                log.exception("hook plugin %s failed in %s", implementation.plugin_name, hook)
        return results


@functools.cache
def installed_hooks() -> Hooks:
    """Return the installed plugins, loaded once in a process."""
    return Hooks.installed()

"""An extension of griffe, which reads the code for the Python interface: special methods without a word of their own are left out."""

from __future__ import annotations

from typing import Any

import griffe


class SilentMethods(griffe.Extension):
    """Leaves out what Python calls by itself, such as `__post_init__`, unless it has a docstring; `__init__` shows how to make one."""

    def on_class_members(self, *, cls: griffe.Class, **_: Any) -> None:
        """Look at the methods of a class."""
        for name, member in list(cls.members.items()):
            if name.startswith("__") and name != "__init__" and member.is_function and member.docstring is None:
                cls.del_member(name)

"""What a change of an interface demands of the next version."""

from __future__ import annotations

from pathlib import Path

import pytest
from interfaces import ComponentTypeInfo, Finding, compare, component_types, load
from members import Level

SOURCE = '''\
from abc import ABC, abstractmethod

from dovetail_core import Capability, ComponentConfig, needs
from pydantic import Field

__all__ = ["Store", "StoreConfig", "Upload", "open_store"]


class StoreCapability(Capability):
    COPY = "copy"
    MOVE = "move"


class StoreConfig(ComponentConfig):
    path: str
    durable: bool = Field(default=False, description="Whether writes are flushed.")


class Primitives(ABC):
    @abstractmethod
    def _read(self, key: str) -> bytes: ...

    @property
    @abstractmethod
    def size(self) -> int: ...


class Store(Primitives):
    page: int = 8
    url: str

    @property
    def place(self) -> str:
        """Where it is."""

    def read(self, key: str, limit: int = 0) -> bytes:
        """Return what is at a key."""
        return self._read(key)

    @needs(StoreCapability.COPY)
    def copy(self, key: str, target: str) -> None:
        """Copy."""

    def move(self, key: str, target: str) -> None:
        """Move."""

    def _write(self, key: str) -> None:
        """Write; to be overridden where the backend does it better."""

    def _own(self, key):
        return key


class Upload(ABC):
    @abstractmethod
    def commit(self) -> None: ...

    def abort(self) -> None: ...


def open_store(path: str) -> Store: ...
'''
STORE = ComponentTypeInfo("store", "kitchen.Store", (1, 0))


def version(folder: Path, text: str) -> Path:
    (folder / "kitchen").mkdir(parents=True)
    (folder / "kitchen" / "__init__.py").write_text(text)
    return folder


@pytest.fixture
def found(tmp_path: Path, request: pytest.FixtureRequest) -> list[Finding]:
    """What changed when the pairs of texts of the parameter are replaced."""
    text = SOURCE
    for old, new in request.param:
        assert old in text
        text = text.replace(old, new)
    before, after = version(tmp_path / "old", SOURCE), version(tmp_path / "new", text)
    return compare(load("kitchen", before), load("kitchen", after), [STORE])


@pytest.mark.parametrize("found", [[("return key", "return key * 2")]], indirect=True)
def test_what_is_inside_demands_nothing(found: list[Finding]) -> None:
    assert found == []


@pytest.mark.parametrize("found", [[("def _own(self, key)", "def _own(self, name)")]], indirect=True)
def test_a_method_of_the_base_class_s_own_is_no_interface(found: list[Finding]) -> None:
    assert found == []


@pytest.mark.parametrize(
    ("found", "level", "path", "interface"),
    [
        ([("def _read(self, key: str)", "def _read(self, name: str)")], "MAJOR", "Store._read", "store"),
        ([("def _read(self, key: str)", "def _read(self, key: str, start: int = 0)")], "MAJOR", "Store._read", "store"),
        ([("def _write(self, key: str)", "def _write(self, key: str, start: int = 0)")], "MAJOR", "Store._write", "store"),
        ([("limit: int = 0", "limit: int = 0, start: int = 0")], "MINOR", "Store.read", "store"),
        ([("limit: int = 0", "limit: int = 1")], "MAJOR", "Store.read", "store"),
        ([("target: str) -> None:\n        \"\"\"Move", "target: str = '') -> None:\n        \"\"\"Move")], "MAJOR", "Store.move", "store"),
        ([("def _read(self, key: str)", "def _read(self, key: str = '')")], "MAJOR", "Store._read", "store"),
        ([("def _read(", "async def _read(")], "MAJOR", "Store._read", "store"),
        ([("    def move(self, ", "    @classmethod\n    def move(cls, ")], "MAJOR", "Store.move", "store"),
        ([("    @needs(StoreCapability.COPY)\n", "")], "MAJOR", "Store.copy", "store"),
        ([("(StoreCapability.COPY)", "(StoreCapability.MOVE)")], "MAJOR", "Store.copy", "store"),
        ([("(ABC):\n", "(ABC):\n    @property\n    @abstractmethod\n    def used(self) -> int: ...\n\n")], "MAJOR", "Store.used", "store"),
        ([("    @property\n    def place(", "    @property\n    @abstractmethod\n    def place(")], "MAJOR", "Store.place", "store"),
        ([("    @property\n    def place(", "    def place(")], "MAJOR", "Store.place", "store"),
        ([("    @property\n    def place(", "    @property\n    def where(")], "MAJOR", "Store.place", "store"),
        ([("    page: int = 8\n", "")], "MAJOR", "Store.page", "store"),
        ([("    page: int = 8\n", "    page: int\n")], "MAJOR", "Store.page", "store"),
        ([("    page: int = 8\n", "    page: int = 8\n    part: int = 9\n")], "MINOR", "Store.part", "store"),
        ([('COPY = "copy"', 'COPY = "copying"')], "MAJOR", "StoreCapability.COPY", "store"),
        ([("limit: int = 0", "limit: int")], "MAJOR", "Store.read", "store"),
        ([("def move(self, key: str, target: str)", "def move(self, target: str, key: str)")], "MAJOR", "Store.move", "store"),
        ([("    def move(", "    @needs(StoreCapability.MOVE)\n    def move(")], "MAJOR", "Store.move", "store"),
        ([("    def move(", "    @abstractmethod\n    def move(")], "MAJOR", "Store.move", "store"),
        ([("    def move(", "    def rename(")], "MAJOR", "Store.move", "store"),
        ([("    def move(", "    def exists(self) -> bool:\n        return True\n\n    def move(")], "MINOR", "Store.exists", "store"),
        ([("class Store(", "class Shop("), ('"Store"', '"Shop"')], "MAJOR", "Store", "store"),
        ([('    MOVE = "move"\n', "")], "MAJOR", "StoreCapability.MOVE", "store"),
        ([("    MOVE =", '    LINK = "link"\n    MOVE =')], "MINOR", "StoreCapability.LINK", "store"),
        ([("    def abort(", "    @abstractmethod\n    def abort(")], "MAJOR", "Upload.abort", "store"),
        ([("    def abort(", "    @abstractmethod\n    def sync(self) -> None: ...\n\n    def abort(")], "MAJOR", "Upload.sync", "store"),
        ([("    path: str", "    folder: str")], "MAJOR", "StoreConfig.path", "settings"),
        ([("    path: str", '    path: str\n    mode: int = Field(description="Bits.")')], "MAJOR", "StoreConfig.mode", "settings"),
        ([("    path: str", '    path: str\n    mode: int = Field(default=0, description="Bits.")')], "MINOR", "StoreConfig.mode", "settings"),
        ([("default=False, ", "")], "MAJOR", "StoreConfig.durable", "settings"),
        ([("    path: str", "    path: bytes")], "PATCH", "StoreConfig.path", "settings"),
        ([("class StoreConfig", "class ShopConfig"), ('"StoreConfig"', '"ShopConfig"')], "MAJOR", "StoreConfig", "settings"),
        ([("def open_store(path: str)", "def open_store(place: str)")], "MAJOR", "open_store", ""),
        ([('"open_store"]', '"open_store", "shut_store"]'), ("def open_store", "def shut_store(): ...\n\n\ndef open_store")], "MINOR", "shut_store", ""),
    ],
    indirect=["found"],
)  # fmt: skip
def test_a_change_demands_a_step(found: list[Finding], level: str, path: str, interface: str) -> None:
    told = [(each.level, each.interface) for each in found if each.path == f"kitchen.{path}"]
    assert (Level[level], interface) in told
    assert max(each.level for each in found) is Level[level]


@pytest.mark.parametrize(
    ("found", "level", "path", "what"),
    [
        ([("def _read(self, key: str)", "def _read(self, key: bytes)")], "PATCH", "Store._read", "the type of key was str and is bytes"),
        ([("key: str, limit: int", "key: str | bytes, limit: int")], "PATCH", "Store.read", "the type of key was str and is str | bytes"),
        ([("key: str) -> bytes: ...", "key: str) -> str: ...")], "PATCH", "Store._read", "the type of what it returns was bytes and is str"),
        ([("key: str) -> bytes: ...", "key: str): ...")], "PATCH", "Store._read", "the type of what it returns was bytes and is not said"),
        ([("limit: int = 0) -> bytes", "limit: int = 0)")], "PATCH", "Store.read", "the type of what it returns was bytes and is not said"),
        ([("def place(self) -> str", "def place(self) -> bytes")], "PATCH", "Store.place", "its type was str and is bytes"),
        ([("    page: int = 8", "    page: float = 8")], "PATCH", "Store.page", "its type was int and is float"),
        ([("    page: int = 8", "    @property\n    def page(self) -> int: ...")], "PATCH", "Store.page", "it was an attribute and is a property"),
        ([("    url: str\n", "    url: str\n    user: str\n")], "MINOR", "Store.user", "a new attribute without a value"),
        ([("limit: int = 0", "limit: int = 0, start: int = 0")], "MINOR", "Store.read", "parameter start is new"),
        ([("    path: str", "    path: bytes")], "PATCH", "StoreConfig.path", "its type was str and is bytes"),
        ([('"open_store"]', '"open_store", "mode"]'), ("def open_store(path: str)", "def open_store(path: str, mode: int = 0)")], "MINOR", "mode", ""),
    ],
    indirect=["found"],
)  # fmt: skip
def test_what_no_program_can_tell_is_for_a_person_to_judge(found: list[Finding], level: str, path: str, what: str) -> None:
    (told,) = (each for each in found if each.path == f"kitchen.{path}")
    assert told.level is Level[level] and what in told.what
    assert told.judge is bool(what)
    assert str(told).startswith("judge: " if what else "minor: ")


def test_a_component_type_is_read_and_not_run(tmp_path: Path) -> None:
    text = 'raise SystemExit\nTYPE = ComponentType(name="store", base="kitchen.interface:Store", interface="1.3")\n'
    package = load("kitchen", version(tmp_path, text))
    assert list(component_types(package, ["kitchen:TYPE"])) == [ComponentTypeInfo("store", "kitchen.interface.Store", (1, 3))]

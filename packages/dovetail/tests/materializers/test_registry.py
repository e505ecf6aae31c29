"""Which materializer a value gets, and what happens to those of plugins."""

from __future__ import annotations

import dataclasses
import logging
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from dovetail.materializers import Materializer, Refused, Registry, Source, Target, load, save
from dovetail_artifact_store import LocalArtifactStore
from dovetail_core import ConfigError, Hooks, hookimpl


class Sheet:
    def __init__(self, text: str) -> None:
        self.text = text


class Poem(Sheet):
    pass


class Sheets(Materializer):
    """As the documentation shows it."""

    name = "sheets"
    format = "sheet"
    version = 2
    types = (f"{__name__}.Sheet",)

    def save(self, value: Any, target: Target) -> Mapping[str, Any]:
        with target.open("sheet.txt") as file:
            file.write(value.text.encode())
        return {"characters": len(value.text)}

    def load(self, source: Source, kind: str) -> Any:
        with source.open("sheet.txt") as file:
            text = file.read().decode()
        return (Poem if kind.endswith(".Poem") else Sheet)(f"{text} (v{source.version})")


class Poems(Sheets):
    name = "poems"
    types = (f"{__name__}.Poem",)


class Halves(Materializer):
    """Of several files, one in a folder of its own, and one by whatever stores it."""

    name = "halves"
    format = "halves"
    types = (f"{__name__}.Poem",)

    def save(self, value: Any, target: Target) -> Mapping[str, Any]:
        target.write_bytes("first.txt", value.text[:1].encode())
        with target.directory() as folder:
            (folder / "deep").mkdir()
            (folder / "deep" / "rest.txt").write_text(value.text[1:])
        reference = target.save("extra", {"also": (1, 2)})
        target.write_bytes("reference", repr(reference).encode())
        return {}

    def load(self, source: Source, kind: str) -> Any:
        assert source.names == ("deep/rest.txt", "extra/value.json", "first.txt", "reference")
        assert source.load(eval(source.read_bytes("reference"))) == {"also": (1, 2)}
        return Poem((source.directory() / "first.txt").read_text() + source.read_bytes("deep/rest.txt").decode())


class Fussy(Materializer):
    """Refuses everything."""

    name = "fussy"
    format = "fussy"
    types = ("builtins.object",)

    def save(self, value: Any, target: Target) -> Mapping[str, Any]:
        raise Refused("not to its taste")

    def load(self, source: Source, kind: str) -> Any:
        raise AssertionError("it never stored anything")


class Dated(Materializer):
    """Chosen by a predicate."""

    name = "dated"
    format = "dated"

    @classmethod
    def accepts(cls, kind: type) -> bool:
        return hasattr(kind, "year_of_print")

    def save(self, value: Any, target: Target) -> Mapping[str, Any]:
        target.write_bytes("year", str(value.year_of_print).encode())
        return {}

    def load(self, source: Source, kind: str) -> Any:
        return int(source.read_bytes("year"))


class Newspaper:
    year_of_print = 1921


def plugins(*kinds: Any) -> Hooks:
    """Return hooks with one plugin that offers materializers."""

    class Plugin:
        @hookimpl
        def dovetail_materializers(self) -> Any:
            return kinds

    hooks = Hooks()
    hooks.register(Plugin())
    return hooks


def test_a_plugin_stores_its_types_and_their_subclasses(store: LocalArtifactStore) -> None:
    registry = Registry(hooks=plugins(Sheets))
    artifact = save(Poem("rose"), store, "a", registry=registry)
    assert (artifact.materializer, artifact.format, artifact.metadata) == ("sheets", "sheet/2", {"characters": 4})
    assert artifact.key == "a/sheet.txt"
    back = load(artifact, store, registry=registry)
    assert type(back) is Poem and back.text == "rose (v2)"


def test_a_file_of_an_older_version_is_given_with_that_version(store: LocalArtifactStore) -> None:
    registry = Registry(hooks=plugins(Sheets))
    artifact = dataclasses.replace(save(Sheet("x"), store, "a", registry=registry), format="sheet/1")
    assert load(artifact, store, registry=registry).text == "x (v1)"


@pytest.mark.parametrize("order", [(Sheets, Poems), (Poems, Sheets)])
def test_of_two_plugins_the_one_for_the_nearer_class_is_taken(order: Any) -> None:
    registry = Registry(hooks=plugins(*order))
    assert registry.for_type(Poem).name == "poems"
    assert registry.for_type(Sheet).name == "sheets"


def test_a_plugin_comes_before_what_is_built_in(store: LocalArtifactStore) -> None:
    class Lists(Sheets):
        name = "lists"
        types = ("builtins.list",)

    registry = Registry(hooks=plugins(Lists))
    assert registry.for_value([1]).name == "lists"
    assert registry.for_type(list[int]).name == "lists"
    assert registry.for_value({}).name == "json"


def test_a_plugin_may_choose_by_a_predicate(store: LocalArtifactStore) -> None:
    registry = Registry(hooks=plugins(Dated))
    assert load(save(Newspaper(), store, "a", registry=registry), store, registry=registry) == 1921


def test_a_plugin_may_write_several_files_and_other_values(any_store: LocalArtifactStore) -> None:
    registry = Registry(hooks=plugins(Halves))
    artifact = save(Poem("rose"), any_store, "a", registry=registry)
    assert artifact.key == "a"
    assert load(artifact, any_store, registry=registry).text == "rose"
    assert artifact.size == sum(info.size for info in any_store.list("a") if info.key != "a/tree.json")


@pytest.mark.parametrize(("name", "key"), [("poem.txt", "a@poem.txt"), ("poem@home.txt", "a"), ("deep/poem.txt", "a")])
def test_the_only_file_of_a_value_needs_no_folder_if_its_name_can_be_told_from_its_key(
    name: str, key: str, any_store: LocalArtifactStore
) -> None:
    class Whole(Materializer):
        """Of one file."""

        name = "whole"
        format = "whole"
        types = (f"{__name__}.Poem",)

        def save(self, value: Any, target: Target) -> Mapping[str, Any]:
            target.write_bytes(file, value.text.encode())
            return {}

        def load(self, source: Source, kind: str) -> Any:
            assert source.names == (file,)
            text = source.read_bytes(file).decode()
            assert (source.directory() / file).read_text() == text
            return Poem(text)

    file = name
    registry = Registry(hooks=plugins(Whole))
    for prefix in ("a", "b@c", "d"):
        artifact = save(Poem(prefix), any_store, prefix, registry=registry)
        assert load(artifact, any_store, registry=registry).text == prefix
        assert artifact.key == prefix + key[1:]


def test_a_plugin_is_found_for_values_inside_of_others(store: LocalArtifactStore) -> None:
    registry = Registry(hooks=plugins(Sheets))
    back = load(save({"a": [Sheet("x")]}, store, "a", registry=registry), store, registry=registry)
    assert back["a"][0].text == "x (v2)"


def test_what_a_plugin_refuses_goes_to_the_next(store: LocalArtifactStore) -> None:
    registry = Registry(hooks=plugins(Fussy))
    assert save([1], store, "a", registry=registry).materializer == "json"
    with pytest.raises(ConfigError, match="not to its taste"):
        save(Sheet("x"), store, "b", registry=registry)


class Nameless(Materializer):
    types = ("builtins.list",)

    def save(self, value: Any, target: Target) -> Mapping[str, Any]:
        return {}

    def load(self, source: Source, kind: str) -> Any:
        return None


class Unfinished(Materializer):
    name = "unfinished"
    format = "x"
    types = ("builtins.list",)

    def save(self, value: Any, target: Target) -> Mapping[str, Any]:
        return {}


class Impostor(Nameless):
    name = "json"
    format = "x"


class Careless(Nameless):
    name = "careless"
    format = "x"
    types = "builtins.list"  # type: ignore[assignment]


class Failing(Nameless):
    name = "failing"
    format = "x"

    def __init__(self) -> None:
        raise RuntimeError("no licence")


@pytest.mark.parametrize("broken", [Nameless, Unfinished, Impostor, Careless, Failing, int, "text", None], ids=repr)
def test_a_broken_class_of_a_plugin_is_left_out_with_a_line_in_the_log(
    broken: Any, store: LocalArtifactStore, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registry(hooks=plugins(broken, Sheets))
    with caplog.at_level(logging.WARNING):
        assert save([1], store, "a", registry=registry).materializer == "json"
    assert "is left out" in caplog.text
    assert registry.for_type(Sheet).name == "sheets", "the others of the plugin are there"


def test_of_two_plugins_of_one_name_the_second_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    class Other(Poems):
        name = "sheets"

    assert Registry(hooks=plugins(Sheets, Other)).for_type(Poem).name == "sheets"
    assert "the name 'sheets' is taken" in caplog.text


def test_a_plugin_that_fails_while_it_is_asked_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    class Plugin:
        @hookimpl
        def dovetail_materializers(self) -> Iterator[Any]:
            yield Sheets
            raise OSError("gone")

    class Odd(Dated):
        name = "odd"

        @classmethod
        def accepts(cls, kind: type) -> bool:
            raise ValueError("odd")

    hooks = plugins(Odd, Poems)
    hooks.register(Plugin())
    registry = Registry(hooks=hooks)
    assert registry.for_type(Poem).name == "poems"
    assert registry.for_type(dict).name == "json"
    assert "gone" in caplog.text and "odd" in caplog.text


@pytest.mark.parametrize("kind", [None, 3, "int"], ids=repr)
def test_what_is_no_class_has_no_materializer(kind: Any, registry: Registry) -> None:
    with pytest.raises(ConfigError, match="no class"):
        registry.for_type(kind)


def test_a_class_that_nothing_stores_has_no_materializer(registry: Registry) -> None:
    with pytest.raises(ConfigError, match="Sheet cannot be stored: no materializer is for its class"):
        registry.for_type(Sheet)


def test_an_artifact_of_a_materializer_that_is_not_installed_names_it_and_the_remedy(store: LocalArtifactStore, registry: Registry) -> None:
    artifact = save(Sheet("x"), store, "a", registry=Registry(hooks=plugins(Sheets)))
    with pytest.raises(ConfigError, match=r"file://.*/a/sheet\.txt cannot be loaded: .*'sheets'.*not installed.*install the package"):
        load(artifact, store, registry=registry)


@pytest.mark.parametrize("form", ["json/2", "yaml/1", "json", "json/x"])
def test_a_format_or_version_that_is_not_known_is_refused(form: str, store: LocalArtifactStore, registry: Registry) -> None:
    artifact = dataclasses.replace(save([1], store, "a", registry=registry), format=form)
    with pytest.raises(ConfigError, match=rf"file://.*stored as {form} .*reads json up to version 1"):
        load(artifact, store, registry=registry)


def test_a_digest_of_an_unknown_kind_is_refused(store: LocalArtifactStore, registry: Registry) -> None:
    artifact = dataclasses.replace(save([1], store, "a", registry=registry), digest="blake9:00")
    with pytest.raises(ConfigError, match="unknown kind, 'blake9'"):
        load(artifact, store, registry=registry)


LIBRARIES = ["numpy", "pandas", "polars", "pyarrow", "sklearn", "skops", "matplotlib", "PIL", "torch", "safetensors", "cloudpickle"]


def run(code: str) -> str:
    prelude = f"import sys\nsys.path[:0] = {sys.path!r}\nloaded = lambda: [name for name in {LIBRARIES!r} if name in sys.modules]\n"
    return subprocess.run([sys.executable, "-c", prelude + code], capture_output=True, text=True, check=True).stdout.strip()


def test_importing_the_package_imports_no_library_and_not_even_pydantic() -> None:
    assert run("import dovetail.materializers\nprint(loaded(), 'pydantic' in sys.modules)") == "[] False"


def test_storing_plain_values_of_every_kind_imports_no_library(tmp_path: Any) -> None:
    code = f"""
import datetime, pathlib
from dovetail.materializers import *
from dovetail_artifact_store import LocalArtifactStore
store, registry = LocalArtifactStore(path={str(tmp_path / "store")!r}), Registry()
path = pathlib.Path({str(tmp_path / "file")!r})
path.write_text("x")
for value in [None, 1, "x", b"x", [(1,)], {{1: {{2}}}}, datetime.date(2026, 1, 1), path, pathlib.PurePath]:
    try:
        load(save(value, store, "a", registry=registry), store, registry=registry)
    except Exception as error:
        assert "cannot be stored" in str(error), error
    store.rmtree("a")
print(loaded())
"""
    assert run(code) == "[]"


@pytest.mark.parametrize(
    ("library", "make", "allowed"),
    [
        ("numpy", "__import__('numpy').zeros(3)", {"numpy"}),
        ("polars", "__import__('polars').DataFrame({'a': [1]})", {"polars"}),
        ("PIL.Image", "__import__('PIL.Image').Image.new('L', (1, 1))", {"PIL"}),
    ],
)
def test_a_value_of_one_library_imports_no_other(library: str, make: str, allowed: set[str], tmp_path: Any) -> None:
    pytest.importorskip(library, reason=f"{library} is optional")
    code = f"""
from dovetail.materializers import *
from dovetail_artifact_store import LocalArtifactStore
value = {make}
before = set(loaded())
store, registry = LocalArtifactStore(path={str(tmp_path)!r}), Registry()
load(save(value, store, "a", registry=registry), store, registry=registry)
print(sorted(set(loaded()) - before - {allowed!r}))
"""
    assert run(code) == "[]"


def test_a_library_that_is_missing_where_an_artifact_is_loaded_is_named_with_the_command_that_installs_it(
    store: LocalArtifactStore, registry: Registry
) -> None:
    numpy = pytest.importorskip("numpy", reason="numpy is optional")
    artifact = save(numpy.zeros(3), store, "a", registry=registry)
    code = f"""
sys.modules["numpy"] = None
from dovetail.materializers import *
from dovetail_artifact_store import LocalArtifactStore
store = LocalArtifactStore(path={str(store.config.path)!r})
try:
    load(Saved(**{ {name: getattr(artifact, name) for name in artifact.__slots__}!r}), store, registry=Registry())
except Exception as error:
    print(type(error).__name__, error)
"""
    said = run(code)
    assert said.startswith("ConfigError file://") and "(pip install numpy)" in said

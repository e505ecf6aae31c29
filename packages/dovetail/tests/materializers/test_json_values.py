"""Plain data and instances of classes come back exactly as they were."""

from __future__ import annotations

import collections
import dataclasses
import enum
import functools
import importlib
import ipaddress
import json
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dovetail.materializers import Registry, load, save
from dovetail_artifact_store import LocalArtifactStore
from dovetail_core import ConfigError

RoundTrip = Callable[..., Any]
SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Colour(enum.Enum):
    RED = "red"
    BLUE = ("b", 2)


class Level(enum.IntEnum):
    LOW = 1


class Mode(enum.StrEnum):
    FAST = "fast"


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: float
    y: Any = None


@dataclasses.dataclass
class Leaf:
    items: Any
    when: datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Tree:
    name: str
    leaves: tuple[Leaf, ...] = ()
    depth: int = dataclasses.field(default=0, init=False)


@dataclasses.dataclass
class Measured:
    values: list[float]

    def __post_init__(self) -> None:
        self.unit = "m"

    @functools.cached_property
    def total(self) -> float:
        return sum(self.values)


class Inner(pydantic.BaseModel):
    limits: tuple[int, int]
    anything: Any = None


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow", frozen=True)

    zeta: float
    inner: Inner | None = None
    alpha: str = pydantic.Field(default="a", alias="ALPHA")
    _cached: int = pydantic.PrivateAttr(default=3)


class Numbers(pydantic.RootModel[list[int]]):
    pass


class Upper(pydantic.BaseModel):
    """Its validator must not run a second time."""

    word: str

    @pydantic.field_validator("word")
    @classmethod
    def doubled(cls, value: str) -> str:
        return value * 2


class Names(dict):  # type: ignore[type-arg]
    pass


class Word(str):
    pass


class Sheet:
    pass


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal and of the same types all the way down; NaN equals itself."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        pairs = [(key, match) for key in one for match in other if same(key, match)]
        return len(one) == len(other) == len(pairs) and all(same(one[key], other[match]) for key, match in pairs)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, (set, frozenset)):
        return len(one) == len(other) and all(any(same(item, match) for match in other) for item in one)
    if isinstance(one, int):
        return one == other
    return bool(one == other and repr(one) == repr(other)) or bool(one != one and other != other)


zones = st.sampled_from(
    [None, UTC, timezone(timedelta(hours=-3, minutes=7)), timezone(timedelta(hours=1), "CET"), ZoneInfo("Europe/Berlin")]
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**200), 2**200),
    st.floats(),
    st.text(),
    st.text(st.characters(categories=["Cs", "Cc", "Lu"])),
    st.text(st.sampled_from("$abc")),
    st.binary(),
    st.dates(),
    st.builds(datetime.replace, st.datetimes(), tzinfo=zones, fold=st.sampled_from([0, 1])),
    st.times(),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.complex_numbers(allow_nan=False),
    st.sampled_from([*Colour, *Level, *Mode, *Rights, Rights.READ | Rights.WRITE]),
    st.builds(range, st.integers(-9, 9), st.integers(-9, 9), st.integers(1, 3)),
)
hashables = st.recursive(
    scalars.filter(lambda value: value == value), lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=5
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=4), inner, max_size=4),
        st.dictionaries(hashables, inner, max_size=4),
        st.sets(hashables, max_size=4),
        st.builds(Point, st.floats(allow_nan=False), inner),
    ),
    max_leaves=12,
)


@SETTINGS
@given(value=values)
def test_a_value_comes_back_equal_and_of_the_same_types(store: LocalArtifactStore, registry: Registry, value: Any) -> None:
    assert same(load(save(value, store, "a", registry=registry), store, registry=registry), value)


@SETTINGS
@given(pairs=st.lists(st.tuples(hashables, values), max_size=5), data=st.data())
def test_the_order_in_which_a_dict_or_set_was_filled_does_not_change_the_digest(digest: Any, pairs: list[Any], data: st.DataObject) -> None:
    filled = dict(pairs)
    other = dict(data.draw(st.permutations(list(filled.items()))))
    assert digest(filled) == digest(other)
    assert digest(set(filled)) == digest(set(other))


@pytest.mark.parametrize(
    "make", [dict, lambda pairs: {"in": [dict(pairs)]}, lambda pairs: {0: 0, **dict(pairs)}], ids=["plain", "in", "tagged"]
)
def test_dicts_filled_in_another_order_have_the_same_digest(digest: Any, make: Any) -> None:
    pairs = [("b", 1), ("a", 2), ("c", 3)]
    assert digest(make(pairs)) == digest(make(reversed(pairs)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, "1"),
        (1, 1.0),
        (1, True),
        (0, None),
        ((1,), [1]),
        ({1: 2}, {"1": 2}),
        ({1}, frozenset({1})),
        (b"a", "a"),
        (Level.LOW, 1),
        (0.0, -0.0),
    ],
    ids=repr,
)
def test_values_that_are_not_the_same_have_different_digests(digest: Any, one: Any, other: Any) -> None:
    assert digest([one]) != digest([other])
    assert digest({"k": one}) != digest({"k": other})


@pytest.mark.parametrize("value", [{"$tuple": [1]}, {"$item": 0}, {"$": 1}, {"$a": 1, "b": 2}], ids=str)
def test_a_dict_that_looks_like_a_tag_stays_a_dict(round_trip: RoundTrip, value: Any) -> None:
    assert round_trip(value) == value


@pytest.mark.parametrize(
    "value", [10**5000, -(2**63) - 1, 2**63, [2**63, 1], float("inf"), -0.0, {"x": [float("nan"), 1.0]}], ids=lambda value: str(type(value))
)
def test_extreme_numbers_are_exact(round_trip: RoundTrip, value: Any) -> None:
    assert same(round_trip(value), value)


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
        time(1, 2, 3, tzinfo=UTC),
        date(1, 1, 1),
        Decimal("1.10"),
        UUID(int=3),
        ipaddress.ip_address("::1"),
        Fraction(1, 3),
        collections.OrderedDict(b=1, a=2),
        collections.deque([1, 2]),
        collections.deque([1, (2,)], maxlen=2),
        collections.deque(maxlen=0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_types_of_the_standard_library_come_back(round_trip: RoundTrip, value: Any) -> None:
    back = round_trip({"inside": [value]})["inside"][0]
    assert back == value and type(back) is type(value) and repr(back) == repr(value)
    assert same(round_trip(value), value)


@pytest.mark.parametrize(
    "value",
    [
        np.float64(0.1),
        np.float32(0.1),
        np.float64("nan"),
        np.int8(-3),
        np.bool_(True),
        np.str_("é"),
        np.bytes_(b"x"),
        np.complex64(1j),
        np.datetime64("2026-01-01"),
        np.uint64(2**64 - 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_numpy_scalars_come_back_with_their_dtype(round_trip: RoundTrip, value: Any) -> None:
    for back in (round_trip(value), round_trip({"score": value})["score"]):
        assert type(back) is type(value) and back.dtype == value.dtype
        assert back == value or (back != back and value != value)


@pytest.mark.parametrize(
    "value",
    [
        Leaf([1, (2, {3})], datetime(2026, 1, 1, tzinfo=UTC)),
        Tree("t", (Leaf((1, 2)), Leaf({"a": Leaf(None)}))),
        Inner(limits=(1, 2), anything=(1, {2: b"x"})),
        Model(zeta=0.5, inner=Inner(limits=(1, 2)), ALPHA="x", more=(1, 2)),  # type: ignore[call-arg]
        Numbers([1, 2]),
        Upper(word="ab"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_instances_of_classes_come_back_equal(round_trip: RoundTrip, value: Any) -> None:
    back = round_trip(value)
    assert type(back) is type(value) and back == value
    assert repr(back) == repr(value)
    assert round_trip([value]) == [value]


def test_a_model_keeps_what_equality_does_not_see(round_trip: RoundTrip) -> None:
    model = Model(zeta=1.0)
    model._cached = 7
    back = round_trip(model)
    assert back.model_fields_set == {"zeta"}
    assert back._cached == 7
    assert list(back.model_dump()) == list(model.model_dump())
    with pytest.raises(pydantic.ValidationError):
        back.zeta = 3.0


def test_a_dataclass_keeps_its_other_attributes_but_not_what_can_be_computed_again(round_trip: RoundTrip, digest: Any) -> None:
    measured = Measured([1.0, 2.0])
    before = digest(measured)
    assert measured.total == 3.0
    assert digest(measured) == before
    back = round_trip(measured)
    assert back.unit == "m" and back.total == 3.0


def test_arrays_and_frames_inside_of_containers_come_back(round_trip: RoundTrip) -> None:
    pd = pytest.importorskip("pandas", reason="pandas is optional")
    value = {"split": (np.arange(6).reshape(2, 3), [pd.DataFrame({"a": [1]})]), "leaf": Leaf(np.zeros(2)), 3: np.ones(1)}
    back = round_trip(value)
    np.testing.assert_array_equal(back["split"][0], value["split"][0])
    pd.testing.assert_frame_equal(back["split"][1][0], value["split"][1][0])
    np.testing.assert_array_equal(back["leaf"].items, np.zeros(2))
    np.testing.assert_array_equal(back[3], np.ones(1))


def test_the_order_of_a_dict_of_arrays_does_not_change_the_digest(digest: Any) -> None:
    one, other = np.zeros(3), np.ones(3)
    assert digest({"a": one, "b": other}) == digest({"b": other, "a": one})
    assert digest({"a": one, "b": other}) != digest({"a": other, "b": one})


def test_what_is_stored_is_plain_json_that_other_tools_read(store: LocalArtifactStore, registry: Registry) -> None:
    value = {"b": [1, 2.5, None, True], "a": "é"}
    artifact = save(value, store, "a", registry=registry)
    assert json.loads(store.read_bytes(artifact.key)) == value
    assert (artifact.type, artifact.materializer, artifact.format, artifact.metadata) == ("builtins.dict", "json", "json/1", {"length": 2})


class FixedZone(tzinfo):
    """A time zone of another library."""

    def utcoffset(self, when: datetime | None) -> timedelta:
        return timedelta(hours=1)


def local_class() -> Any:
    @dataclasses.dataclass
    class Hidden:
        x: int = 1

    return Hidden()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Word("a"), r"Word cannot be stored.*str\(\.\.\.\)"),
        (Names(a=1), r"Names cannot be stored.*dict\(\.\.\.\)"),
        ([Names(a=1)], r"Names cannot be stored"),
        (Sheet(), r"Sheet cannot be stored.*hook dovetail_materializers.*allow_pickle"),
        ({"deep": [Sheet()]}, r"Sheet cannot be stored"),
        (local_class(), r"Hidden cannot be stored.*top of a module"),
        (datetime(2026, 1, 1, tzinfo=FixedZone()), r"time zone is a .*FixedZone"),
        (lambda: 1, r"function cannot be stored"),
        (int, r"type cannot be stored"),
        (open, r"cannot be stored"),
        (collections.OrderedDict(a=(1,)), r"would not come back equal"),
    ],
    ids=lambda value: getattr(type(value), "__name__", "x") if not isinstance(value, str) else "",
)
def test_what_would_not_come_back_as_it_was_is_refused(store: LocalArtifactStore, registry: Registry, value: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        save(value, store, "a", registry=registry)
    assert list(store.list()) == []


def test_a_secret_is_never_stored_not_even_with_pickle(store: LocalArtifactStore, pickling: Registry) -> None:
    with pytest.raises(ConfigError, match="it is a secret"):
        save(Inner(limits=(1, 2), anything=pydantic.SecretStr("hidden away")), store, "a", registry=pickling)
    assert list(store.list()) == []


@pytest.mark.parametrize("make", [lambda path: {path}, lambda path: {path: 1}, lambda path: [{(1, path)}]], ids=["set", "key", "inside"])
def test_what_becomes_a_file_is_refused_in_a_set_which_has_no_order(
    make: Any, store: LocalArtifactStore, registry: Registry, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="Path is not stored in a set or as a key of a dict"):
        save(make(tmp_path / "file"), store, "a", registry=registry)
    assert list(store.list()) == []


def test_a_value_that_contains_itself_is_refused(store: LocalArtifactStore, registry: Registry) -> None:
    value: list[Any] = [np.zeros(2)]
    value.append({"me": value})
    with pytest.raises(ConfigError, match="contains itself"):
        save(value, store, "a", registry=registry)
    assert list(store.list()) == [], "what was written before the error is deleted"


def settings_with(fields: str) -> str:
    return f"import dataclasses\n@dataclasses.dataclass\nclass Settings:\n{textwrap.indent(fields, '    ')}"


VERSIONS = {
    "same": settings_with("a: int\nb: int = 2\n"),
    "with a new field that has a default": settings_with("a: int\nb: int = 2\nc: list = dataclasses.field(default_factory=list)\n"),
    "with a new field that has none": settings_with("new: str\na: int\nb: int = 2\n"),
    "without a field": settings_with("a: int\n"),
    "as another kind of class": "class Settings:\n    pass\n",
    "as no class": "Settings = 3\n",
    "not at all": "",
}


@pytest.mark.parametrize("now", VERSIONS)
def test_a_class_that_changed_is_completed_by_its_defaults_or_named_in_an_error(
    now: str, store: LocalArtifactStore, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    path = tmp_path / "changing_module.py"
    path.write_text(VERSIONS["same"])
    module = importlib.import_module("changing_module")
    artifact = save(module.Settings(1), store, "a", registry=registry)
    path.write_text(VERSIONS[now])
    monkeypatch.delitem(sys.modules, "changing_module")
    importlib.invalidate_caches()
    if now == "same" or "default" in now:
        back = load(artifact, store, registry=registry)
        assert (back.a, back.b, getattr(back, "c", [])) == (1, 2, [])
    else:
        with pytest.raises(ConfigError, match=r"file://.*Settings"):
            load(artifact, store, registry=registry)


def test_an_enum_of_strings_is_no_string(store: LocalArtifactStore, registry: Registry) -> None:
    artifact = save([Mode.FAST], store, "a", registry=registry)
    assert artifact.key == "a@value.json"
    assert save(Mode.FAST, store, "b", registry=registry).materializer == "json"


def test_the_annotation_gives_a_class_of_a_script_that_another_process_cannot_import(store: LocalArtifactStore, registry: Registry) -> None:
    artifact = save(Leaf([1]), store, "a", registry=registry)
    data = store.read_bytes(artifact.key).replace(Leaf.__module__.encode(), b"__main__")
    info = store.write_bytes("b/value.json", data)
    script = dataclasses.replace(artifact, key=info.key, digest=info.digest, size=info.size)
    assert load(script, store, annotation=list[Leaf] | None, registry=registry) == Leaf([1])
    with pytest.raises(ConfigError, match="script must move to a module"):
        load(script, store, registry=registry)

"""What is written is what is read: numbers, texts, sizes."""

from __future__ import annotations

import math
from typing import Any

from dovetail_conformance import attempt, check, raises, rule
from dovetail_core.errors import AlreadyExists, InvalidArgument
from dovetail_metadata_store.contract.samples import STEPS, a_run, started
from dovetail_metadata_store.interface import MetadataStore

_TEXTS = (
    "\U0001f600 \u65e5\u672c",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "e\u0301",
    "\u00e9",
    "a'b\"c;--",
    "50%_\\",
    "tab\tline\n",
    "{x}",
    "\u2028",
)
_NAMES = (
    "Name",
    "name",
    "NAME",
    "nam\u00e9",
    "name ",
    " name",
    "na\u0301me",
    "\U0001f600",
    "nm",
    "%",
    "_",
    "name%",
    "n'ame",
    "ﬁ",
    "fi",
    "ß",
    "ss",
)


class ValueRules:
    """Rules about values."""

    @rule("MS-14", severity=1)
    def test_every_number_comes_back(self, store: MetadataStore) -> None:
        """Every float comes back as it was: not a number, infinities, minus zero, the smallest and the largest; one hides no other."""
        floats = {
            "nan": math.nan,
            "inf": math.inf,
            "ninf": -math.inf,
            "zero": -0.0,
            "tiny": 5e-324,
            "huge": 1.7976931348623157e308,
            "third": 1 / 3,
        }
        run = started(store, parameters=floats)
        store.put_metadata(run.id, floats)
        for source, found in {"parameters": store.get_run(run.id).parameters, "facts": store.get_metadata(run.id)}.items():
            for name, value in floats.items():
                came = found.get(name)
                same = isinstance(came, float) and (math.copysign(1, came), repr(came)) == (math.copysign(1, value), repr(value))
                check(same, did=f"stored {value!r} among the {source}", came=came, mend="store floats exactly")

    @rule("MS-15", severity=2)
    def test_values_keep_their_types(self, store: MetadataStore) -> None:
        """Integers beyond 2**53, booleans, empty texts, nulls, lists and mappings stay what they are, and distinct."""
        values: dict[str, Any] = {
            "big": 2**63 - 1, "beyond": 2**53 + 1, "one": 1, "float": 1.0, "true": True, "false": False, "zero": 0, "empty": "", "null": None,
            "text": "1", "list": [1, [True, None], {"a": []}], "map": {"b": {"c": 1.5}, "": 0}, "nothing": {}, "none": [],
        }  # fmt: skip
        run = started(store)
        store.put_metadata(run.id, values)
        for name, came in store.get_metadata(run.id).items():
            check((type(came), came) == (type(values[name]), values[name]), did=f"stored {values[name]!r}", came=repr(came))
        check(set(store.get_metadata(run.id)) == set(values), did="read all names", came=sorted(store.get_metadata(run.id)))
        with raises(InvalidArgument, did="stored what JSON does not have"):
            store.put_metadata(run.id, {"set": {1}})

    @rule("MS-17", severity=2)
    def test_every_text_comes_back(self, store: MetadataStore) -> None:
        """Text of any script, and of any character that text may hold, comes back as it was in every field."""
        for text in _TEXTS:
            run = a_run(name=f"n {text}", pipeline=text, stack=text, parameters={text: text})
            store.create_run(run, [text], {text: text})
            store.put_metadata(run.id, {text: text})
            read = store.get_run(run.id)
            came = (read.name, read.pipeline, read.stack, dict(read.parameters), store.get_plan(run.id), store.get_metadata(run.id))
            wanted = (f"n {text}", text, text, {text: text}, {text: text}, {text: text})
            check(came == wanted, did=f"stored {text!r} in every field", came=came)
            check([step.name for step in store.get_steps(run.id)] == [text], did=f"named a step {text!r}", came=store.get_steps(run.id))
        for bad in ("nul\x00", "\ud800"):
            with raises(InvalidArgument, did=f"stored {bad!r}", mend="refuse what no database holds"):
                store.create_run(a_run(name=bad), STEPS)

    @rule("MS-16", severity=1)
    def test_names_that_look_alike_are_distinct(self, store: MetadataStore) -> None:
        """Names that differ in case, accents, spaces or composition only are distinct, in runs, steps and facts."""
        ids = {}
        for name in _NAMES:
            run = a_run(name=name)
            with attempt(did=f"created a run {name!r} beside those that look alike", mend="compare texts by code points"):
                store.create_run(run, _NAMES)
            ids[name] = run.id
        for name, identifier in ids.items():
            check(store.find_run(name).id == identifier, did=f"looked for the run {name!r}", came=store.find_run(name).name)
            with raises(AlreadyExists, did=f"created a second run {name!r}"):
                store.create_run(a_run(name=name), STEPS)
        run_id = ids["name"]
        store.put_metadata(run_id, {name: number for number, name in enumerate(_NAMES)})
        facts = store.get_metadata(run_id)
        check(facts == {name: number for number, name in enumerate(_NAMES)}, did="stored facts whose names look alike", came=facts)
        for name in _NAMES:
            check(store.get_step(run_id, name).name == name, did=f"asked for the step {name!r}", came=store.get_step(run_id, name).name)

    @rule("MS-18", severity=2)
    def test_what_is_too_long_is_refused_and_never_cut(self, store: MetadataStore) -> None:
        """A value that is too long is refused with `InvalidArgument`, naming the field; any other is stored in full."""
        longest = _longest(store)
        run = store.get_run(longest)
        check(len(run.name) >= 100, did="looked for the longest name of a run", came=len(run.name))
        check(store.find_run(run.name).id == longest, did="looked for the longest name", came="another run")
        with raises(InvalidArgument, did="created a run whose name is longer"):
            store.create_run(a_run(name=run.name + "x"), STEPS)
        text = "\u00e9" * 500_000
        store.put_metadata(longest, {"long": text})
        check(store.get_metadata(longest)["long"] == text, did="stored a text of 500 000 letters", came="another text")
        with raises(InvalidArgument, did="stored a document of 100 MB"):
            store.put_metadata(longest, {"long": "x" * 100_000_000})
        check(store.get_metadata(longest)["long"] == text, did="stored what is too long", came="the old value is gone")


def _longest(store: MetadataStore) -> str:
    """Create the run with the longest name that is accepted, and return its id."""
    size = 1 << 14
    while size > 10:
        run = a_run(name="n" * size)
        try:
            store.create_run(run, STEPS)
        except InvalidArgument:
            size -= max(1, size // 64) if size > 300 else 1
            continue
        break
    while True:
        longer = a_run(name="n" * (size + 1))
        try:
            store.create_run(longer, STEPS)
        except InvalidArgument:
            return run.id
        run, size = longer, size + 1

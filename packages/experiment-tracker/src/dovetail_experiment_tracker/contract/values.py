"""Parameters, tags and keys."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import SecretStr

from dovetail_conformance import check, raises, rule
from dovetail_core.errors import Conflict, InvalidArgument
from dovetail_experiment_tracker.contract.samples import reread, same, stored
from dovetail_experiment_tracker.interface import ExperimentTracker
from dovetail_experiment_tracker.run import Run

_PARAMS: dict[str, Any] = {
    "int": 1, "text": "1", "none": None, "word": "null", "true": True, "text true": "true", "float": 0.1, "one": 1.0, "nan": math.nan,
    "inf": -math.inf, "nan word": "NaN", "list": [1, None, "a", [True]], "map": {"b": 1, "a": {"c": []}}, "brackets": "[1]", "quoted": '"q"',
    "empty": "", "blank": " 1 ", "big": 2**70, "plain": "svm", "unicode": "é 日本 \U0001f600", "lines": "a\nb\tc", "equals": "a=b",
}  # fmt: skip
_KEYS = [
    "plain", "Plain", "PLAIN", "with space", "a/b", "a/b/c", "a.b", "a:b", "a-b", "a_b", "-lead", "--x", "..", "../up", "/abs", "a//b", ".", "./x",
    "trail ", " lead", "é", "e\u0301", "日本", "\U0001f600", "%41", "A", "a", "a%", "a'b", 'a"b', "a`b", "a\\b", "x" * 250, "CON", "nul.txt", "?#&=",
]  # fmt: skip


class ValueRules:
    """Rules about what runs hold beside metrics."""

    @rule("ET-13", severity=2)
    def test_a_parameter_is_read_as_it_was_logged(self, tracker: ExperimentTracker) -> None:
        """Parameters are read back with the values and types they were logged with: texts, numbers, None, lists, mappings; keys are keys."""
        with tracker.start_run(params={"given": "at start"}) as run:
            run.log_params(_PARAMS)
            run.log_param("tuple", (1, 2))
            came = dict(reread(run).params)
            wanted = {**_PARAMS, "tuple": [1, 2], "given": "at start"}
            different = {key: came.get(key, "(absent)") for key in wanted if key not in came or not same(came[key], wanted[key])}
            check(
                not different, did="logged parameters of many types, and read them", came=different, mend="store what `params.encode` gives"
            )
            check(came.keys() == wanted.keys(), did="read their keys", came=sorted(came))
            for bad in ({1, 2}, object(), 1j, b"x", {1: 2}, "x" * 7000, "nul\0"):
                with raises(InvalidArgument, did=f"logged a parameter of type {type(bad).__name__} that cannot be stored"):
                    run.log_param("bad", bad)
            check("bad" not in reread(run).params, did="read the parameters after that", came="one of them is there")

    @rule("ET-09", severity=2)
    def test_a_parameter_has_one_value(self, tracker: ExperimentTracker) -> None:
        """A parameter that is logged again with its value is accepted; with another, the call is a `Conflict` and records nothing of it."""
        with tracker.start_run(params={"a": 1, "b": [1, {"x": None}]}) as run:
            run.log_params({"a": 1, "b": [1, {"x": None}]})
            more = {f"new {number}": number for number in range(2 * min(tracker.params_per_call, 50) + 1)}
            for bad in ({"a": 2}, {"a": 1.0}, {"fresh": 1, "a": "1"}, {**more, "a": 1.0}, {**more, "b": [1]}):
                with raises(Conflict, did=f"logged {len(bad)} parameters, one of which has another value already"):
                    run.log_params(bad)
                came = dict(reread(run).params)
                check(
                    came == {"a": 1, "b": [1, {"x": None}]},
                    did="read the parameters after a conflict",
                    came=came,
                    mend="record all or none",
                )
            run.log_param("c", 3)
            run.log_metric("m", 1, step=0)
            check(dict(reread(run).params)["c"] == 3, did="logged another parameter after a conflict", came=dict(reread(run).params))

    @rule("ET-10", severity=2)
    def test_one_bad_item_refuses_the_call(self, tracker: ExperimentTracker) -> None:
        """One item that cannot be recorded refuses the whole call, the same whether it comes alone or among many."""
        with tracker.start_run() as run:
            good = {f"k{number}": number for number in range(20)}
            for bad_key in ("", "x" * 251, "nul\0", "line\n", "\ud800"):
                for what, call in _calls(run):
                    for items in ({bad_key: "1"}, {**good, bad_key: "1"}):
                        with raises(InvalidArgument, did=f"logged {len(items)} {what}, one with the key {bad_key[:10]!r}"):
                            call(items)
            bad_values = ["no number", object(), "x" * 5001]
            for (what, log), bad in zip(_calls(run, as_they_are=True), bad_values, strict=True):
                with raises(InvalidArgument, did=f"logged 21 {what}, one with a bad value"):
                    log({**(good if what != "tags" else dict.fromkeys(good, "1")), "bad": bad})
            record = reread(run)
            left = [key for kind in (record.metrics, record.params, record.tags) for key in kind if key in good]
            check(not left, did="read what was refused", came=left, mend="check every item before the first is recorded")

    @rule("ET-12", severity=2)
    def test_keys_are_distinct_or_refused(self, tracker: ExperimentTracker) -> None:
        """Keys with spaces, slashes, dots, other scripts or another case are each kept apart, or refused with `InvalidArgument`; none leads elsewhere."""
        with tracker.start_run() as run:
            accepted: dict[str, float] = {}
            for number, key in enumerate(_KEYS):
                try:
                    run.log_metric(key, number, step=0)
                except InvalidArgument:
                    for what, call in _calls(run):
                        with raises(InvalidArgument, did=f"used the key {key!r}, which metrics refuse, for {what}"):
                            call({key: "1"})
                    continue
                run.log_param(key, number)
                run.set_tag(key, str(number))
                accepted[key] = float(number)
            check({"plain", "a/b", "a.b", "a_b", "a-b"} <= accepted.keys(), did="used ordinary keys", came=sorted(accepted))
            record = reread(run)
            check(record.metrics == accepted, did="read the metrics of odd keys", came=_missing(accepted, record.metrics))
            params, tags = dict(record.params), {key: float(record.tags[key]) for key in accepted if key in record.tags}
            check(params == accepted, did="read the parameters of odd keys", came=_missing(accepted, params))
            check(tags == accepted, did="read the tags of odd keys", came=_missing(accepted, tags))
            for key, value in accepted.items():
                check(stored(run, key) == [(0, value)], did=f"read the history of {key!r}", came=stored(run, key))

    @rule("ET-35", severity=2)
    def test_a_tag_is_replaced(self, tracker: ExperimentTracker) -> None:
        """Tags are texts of any characters, up to 5000, read as they were set; one that is set again has the new value, and others keep theirs."""
        values = {"a": "1", "long": "é" * 5000, "text": "a\nb 'c' \"d\" \u2028 \U0001f600", "empty": "", "number": "007"}
        with tracker.start_run(tags={"first": "x", "a": "0"}) as run:
            for key in values:
                run.set_tags({key: values[key]})
            run.set_tag("a", "2")
            tags = reread(run).tags
            wanted = {**values, "a": "2", "first": "x"}
            different = {key: tags.get(key, "(absent)")[:40] for key in wanted if tags.get(key) != wanted[key]}
            check(not different, did="set tags, one of them again", came=different)

    @rule("ET-18", severity=1, kind="security")
    def test_the_address_of_a_run_holds_no_credentials(self, tracker: ExperimentTracker) -> None:
        """The address at which people look at a run has no user or password in it, and while a run is active no child process inherits one."""
        secrets = [value.get_secret_value() for _, value in tracker.config if isinstance(value, SecretStr)]
        before = dict(os.environ)
        with tracker.start_run() as run:
            new = {name for name, value in os.environ.items() if value != before.get(name)}
            told = [name for name in new if any(secret in os.environ[name] for secret in secrets)]
            check(not told, did="entered the block of a run, and looked at the environment", came=f"a secret is in {told}")
            url = run.url
            check(url is None or "@" not in url.split("?")[0].split("#")[0], did="asked for the address of a run", came=url)


def _calls(run: Run, as_they_are: bool = False) -> list[tuple[str, Callable[[Mapping[str, Any]], object]]]:
    """Return what logs metrics, parameters and tags; metrics with the value 1, if values are not taken as they are."""
    return [
        ("metrics", lambda items: run.log_metrics(items if as_they_are else dict.fromkeys(items, 1.0))),
        ("parameters", lambda items: run.log_params(items)),
        ("tags", lambda items: run.set_tags(items if as_they_are else dict.fromkeys(items, "1"))),
    ]


def _missing(wanted: Mapping[str, float], came: Mapping[str, float]) -> str:
    return f"missing or other: {sorted(key for key in wanted if came.get(key) != wanted[key])[:8]}; unknown: {sorted(set(came) - set(wanted))[:8]}"

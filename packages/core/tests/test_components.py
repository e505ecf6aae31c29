"""Components, their settings, and what they may be asked."""

from __future__ import annotations

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from birds import Bird, Power, wings_of
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from dovetail_core import (
    ComponentConfig,
    ConfigError,
    Resources,
    Unsupported,
    mask,
    validated,
    validated_unresolved,
)
from dovetail_core.component import Status


def test_keywords_make_the_config_and_the_config_cannot_change() -> None:
    bird = Bird(wings=4)
    assert bird.config.wings == bird.prepared == 4
    with pytest.raises(ValueError):
        bird.config.wings = 5


def test_everything_that_is_wrong_is_said_at_once_without_values() -> None:
    with pytest.raises(ConfigError) as caught:
        Bird(wigns=3, wings="secret-canary", nest=5)
    message = str(caught.value)
    assert "'wigns' is not a setting, did you mean 'wings'?" in message
    assert "'wings'" in message and "'nest'" in message
    assert "secret-canary" not in message


@pytest.mark.parametrize("base", [Bird.Config, ComponentConfig])
def test_unknown_settings_are_refused_whatever_a_config_inherits(base: type[ComponentConfig]) -> None:
    class Config(base):  # type: ignore[misc, valid-type]
        more: int = 1

    class Swan(Bird):
        flavor = "swan"

    Swan.Config = Config  # type: ignore[misc, assignment]
    with pytest.raises(ConfigError, match="'zzz' is not a setting"):
        Swan(zzz=1)


def test_a_misspelt_setting_of_a_nested_model_is_told_the_closest_there() -> None:
    class Egg(BaseModel):
        model_config = ConfigDict(extra="forbid")
        colour: str = "white"

    class Nest(ComponentConfig):
        color: int = 1
        best: Egg | None = None
        eggs: dict[str, list[Egg]] = {}

    with pytest.raises(ConfigError) as raised:
        validated(Nest, {"best": {"colourr": "x"}, "eggs": {"first": [{"clour": "y"}]}, "colr": 2}, what="nest")
    assert "'best.colourr' is not a setting, did you mean 'colour'?" in raised.value.message
    assert "'eggs.first.0.clour' is not a setting, did you mean 'colour'?" in raised.value.message
    assert "'colr' is not a setting, did you mean 'color'?" in raised.value.message


def test_what_a_validator_says_is_said_without_the_validators_ado() -> None:
    with pytest.raises(ConfigError, match=r"^step: 'memory': '8G B' is not an amount of memory"):
        validated(Resources, {"memory": "8G B"}, what="step")


def test_what_is_not_declared_is_refused_and_what_is_declared_works() -> None:
    assert Bird().swim() == "along"
    with pytest.raises(Unsupported, match="bird 'duck' does not support fly"):
        Bird().fly()


def test_capabilities_cannot_be_added_to_at_run_time() -> None:
    with pytest.raises(AttributeError):
        Bird.capabilities.add(Power.FLY)  # type: ignore[attr-defined]


def test_relative_paths_are_anchored_when_the_component_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    anchored = Bird.from_settings({"nest": "tree"}, name="b", root=tmp_path)
    monkeypatch.chdir(tmp_path)
    here = Bird(nest="tree")
    monkeypatch.chdir("/")
    assert anchored.config.nest == here.config.nest == tmp_path / "tree"
    assert Bird(nest="~/x").config.nest == Path.home() / "x"


def test_a_component_survives_pickling_with_its_settings_and_name() -> None:
    bird = Bird.from_settings({"wings": 3}, name="prod")
    copy = pickle.loads(pickle.dumps(bird))
    assert (copy.config, copy.name, copy.prepared) == (bird.config, "prod", 3)
    assert copy.label == "bird 'prod'"


def test_a_component_can_be_sent_to_a_spawned_process() -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(wings_of, Bird(wings=7)).result(timeout=60) == 7


def test_a_secret_is_shown_nowhere() -> None:
    bird = Bird(password="canary-4711")
    seen: list[Any] = [repr(bird), str(bird), repr(bird.config), str(bird.config.model_dump()), bird.config.model_dump_json(), vars(bird)]
    assert "canary-4711" not in str(seen)
    assert "canary-4711" not in str(ConfigError("login with canary-4711 failed"))
    assert "Y2FuYXJ5LTQ3MTE" not in mask("Basic Y2FuYXJ5LTQ3MTE=")


def test_a_secret_inside_of_a_setting_is_masked_too() -> None:
    class Login(ComponentConfig):
        token: SecretStr

    class Nested(ComponentConfig):
        logins: list[dict[str, Login]] = []

    Nested(logins=[{"a": Login(token="canary-0815")}])
    assert "canary-0815" not in mask("token=canary-0815")


def test_a_component_is_running_can_be_closed_twice_and_is_a_context_manager() -> None:
    with Bird() as bird:
        assert bird.status() is Status.RUNNING
    bird.close()
    bird.check()


def test_settings_or_a_config_but_not_both() -> None:
    with pytest.raises(TypeError):
        Bird(Bird.Config(), wings=3)


def test_what_a_reference_stands_for_is_not_judged_before_it_is_there() -> None:
    class Config(ComponentConfig):
        port: int = Field(description="port")
        token: SecretStr = Field(min_length=20, description="token")
        name: str = Field(default="x", max_length=3, description="name")

    settings = {"port": "{{db.port}}", "token": "{{db.token}}"}
    assert validated_unresolved(Config, settings, what="it") is None
    assert validated_unresolved(Config, {"port": 1, "token": "t" * 20}, what="it") == Config(port=1, token=SecretStr("t" * 20))
    with pytest.raises(ConfigError, match=r"'name': .*3 char") as caught:
        validated_unresolved(Config, {**settings, "name": "long name"}, what="it")
    assert "port" not in caught.value.message
    with pytest.raises(ConfigError, match="'prt' is not a setting, did you mean 'port'"):
        validated_unresolved(Config, {"prt": "{{db.port}}", **settings}, what="it")
    with pytest.raises(ConfigError, match=r"'port'.*'token'"):
        validated(Config, settings, what="it")
    text = type("Text", (ComponentConfig,), {"__annotations__": {"word": SecretStr}})
    for word in ("{{db.shown}}", "hunter2-{{db.shown}}"):
        validated_unresolved(text, {"word": word}, what="it")
    assert mask("{{db.shown}}") == "{{db.shown}}"
    assert "hunter2" not in mask("it is hunter2-{{db.shown}}")

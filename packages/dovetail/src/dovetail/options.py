"""Options of steps and runs, given in code or in a YAML run configuration."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from dovetail_core import ConfigError, Resources, RetryPolicy, validated

M = TypeVar("M", bound=BaseModel)


class StepOptions(BaseModel):
    """Options of one step; what is not set is left to the run, then to the defaults."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    cache: bool | None = Field(default=None, description="Whether earlier results may be taken; False at any level wins.")
    retries: int | None = Field(default=None, ge=0, description="Further attempts after a failure.")
    retry: RetryPolicy | None = Field(
        default=None, description="Attempts and waits in full; `retries` of this level, or a higher one, wins over its number."
    )
    timeout: float | None = Field(
        default=None, gt=0, description="Seconds that one attempt may take; the step then has a process of its own."
    )
    resources: Resources | None = Field(default=None, description="Resources that the step needs.")
    isolated: bool | None = Field(default=None, description="Whether the step has a process of its own.")
    environment: dict[str, str] | None = Field(
        default=None, description="Environment variables, in a process of its own; part of the cache key."
    )
    operator: str | None = Field(default=None, description="Name of the step operator that executes the step.")
    settings: dict[str, Any] | None = Field(default=None, description="Settings for the orchestrator's flavor.")
    experiment_tracker: bool | str | None = Field(
        default=None,
        description="True, or the name of the stack's tracker: each attempt is a run of it, from the beginning; default: if the step asks for it.",
    )

    def policy(self) -> RetryPolicy:
        """Return the retry policy."""
        policy = self.retry or RetryPolicy()
        return policy if self.retries is None else policy.model_copy(update={"retries": self.retries})


class StepRunOptions(StepOptions):
    """Options of one step in a run configuration, which may also set its parameters."""

    parameters: dict[str, Any] = Field(default_factory=dict, description="Values for the step's arguments.")


class RunOptions(BaseModel):
    """Options of a run; step options given here hold for every step that does not set its own."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    stack: str | None = Field(default=None, description="Name of the stack; default: the active one.")
    run_name: str | None = Field(
        default=None, min_length=1, max_length=200, description="Name of the run; `{pipeline}`, `{date}` and `{time}` are filled in."
    )
    cache: bool | None = Field(default=None, description="Whether earlier results may be taken; False at any level wins.")
    retries: int | None = Field(default=None, ge=0, description="Further attempts after a failure.")
    retry: RetryPolicy | None = Field(
        default=None, description="Attempts and waits in full; `retries` of this level, or a higher one, wins over its number."
    )
    timeout: float | None = Field(default=None, gt=0, description="Seconds that one attempt of a step may take.")
    resources: Resources | None = Field(default=None, description="Resources that a step needs.")
    isolated: bool | None = Field(default=None, description="Whether each step has a process of its own.")
    failure_mode: Literal["fail_fast", "continue"] = Field(
        default="fail_fast", description="What happens to independent steps when one fails."
    )
    parameters: dict[str, Any] = Field(default_factory=dict, description="Values for the pipeline's arguments.")
    steps: dict[str, StepRunOptions] = Field(default_factory=dict, description="Options of single steps, by name.")

    def for_step(self, name: str, own: StepOptions) -> StepRunOptions:
        """Return the options of a step: the run configuration's for it, over the step's own, over the run's."""
        given = self.steps.get(name, StepRunOptions())
        shared = {key: getattr(self, key) for key in ("retries", "retry", "timeout", "resources", "isolated")}
        levels = [shared, *({key: getattr(level, key) for key in level.model_fields_set} for level in (own, given))]
        merged = functools.reduce(_over, levels, dict[str, Any]())
        merged["cache"] = not any(level.cache is False for level in (self, own, given))
        return StepRunOptions.model_construct(**merged)


def _over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with the ones of a higher level over them; a retry policy there replaces the bare number below."""
    replaced = {"retries"} if above.get("retry") is not None else set()
    kept = {name: value for name, value in below.items() if name not in replaced}
    return kept | {name: value for name, value in above.items() if value is not None}


def merged(model: type[M], base: M, changes: Mapping[str, Any], what: str) -> M:
    """Return `base` with `changes`, validated; unknown names are refused with the closest one. Nested mappings of parameters and steps are joined."""
    data = {name: getattr(base, name) for name in base.model_fields_set}
    joined = {
        name: {**data[name], **value}
        for name, value in changes.items()
        if name in ("parameters", "steps") and isinstance(data.get(name), dict) and isinstance(value, Mapping)
    }
    return validated(model, {**_over(data, changes), **changes, **joined}, what=what)


def resumed(earlier: RunOptions, given: RunOptions) -> RunOptions:
    """Return the options of a run that continues an earlier one: the earlier one's, but its name and stack, over which what is given now wins."""
    kept = RunOptions.model_construct(earlier.model_fields_set - {"run_name", "stack"}, **dict(earlier))
    return merged(RunOptions, kept, {name: getattr(given, name) for name in given.model_fields_set}, "the run's options")


def read_run_configuration(path: Path) -> dict[str, Any]:
    """Return the options in a YAML run configuration. Raises `ConfigError` naming the file."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        data = YAML(typ="safe").load(path)
    except FileNotFoundError:
        raise ConfigError(f"run configuration {path} does not exist", remedy="check the path") from None
    except YAMLError as error:
        raise ConfigError(f"run configuration {path} is no valid YAML: {error}", remedy="mend the file") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"run configuration {path} holds no mapping", remedy="write options as `name: value`")
    return data

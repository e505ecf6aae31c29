"""Settings of the alerter in Slack."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from dovetail_alerter import AlerterConfig

_CHANNEL = re.compile(r"#?[^\s#@,<>&|/\\]{1,80}")
_BOT_TOKEN = re.compile(r"xox[bpe][-.][A-Za-z0-9.-]+")
_APP_TOKEN = re.compile(r"xapp-[A-Za-z0-9.-]+")


class SlackConfig(AlerterConfig):
    """Settings of the alerter in Slack: either `token` and `channels`, or `webhook_url`."""

    token: SecretStr | None = Field(default=None, description="Bot token, xoxb-...; needs the scope chat:write.")
    channels: tuple[str, ...] = Field(
        default=(), description="Channels to post to, by id (C0123456789) or name (#ops); questions are asked in the first."
    )
    webhook_url: SecretStr | None = Field(default=None, description="Incoming webhook, which posts to one channel and can do nothing else.")
    app_token: SecretStr | None = Field(
        default=None, description="App-level token, xapp-..., with the scope connections:write: questions then have buttons."
    )
    answers: Literal["auto", "buttons", "replies"] = Field(
        default="auto", description="How questions are answered. `auto`: by buttons with an app_token, else by replies and reactions."
    )
    poll_seconds: float = Field(
        default=3.0, ge=0.05, le=60, allow_inf_nan=False, description="Seconds between two looks for replies and reactions."
    )
    timeout: float = Field(default=10.0, gt=0, le=600, allow_inf_nan=False, description="Seconds that one request may take.")
    base_url: str = Field(default="https://slack.com/api/", description="Address of the Web API; another one for GovSlack.")

    @field_validator("token")
    @classmethod
    def _is_a_bot_token(cls, value: SecretStr | None) -> SecretStr | None:
        return _matching(value, _BOT_TOKEN, "a bot token begins with xoxb-")

    @field_validator("app_token")
    @classmethod
    def _is_an_app_token(cls, value: SecretStr | None) -> SecretStr | None:
        return _matching(value, _APP_TOKEN, "an app-level token begins with xapp-")

    @field_validator("webhook_url")
    @classmethod
    def _is_a_webhook(cls, value: SecretStr | None) -> SecretStr | None:
        return _matching(value, re.compile(r"https?://[^/@\s]+/\S+"), "a webhook is an https address, with a path")

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^/@\s]+(/[^\s?#]*)?", value):
            raise ValueError("it is no http or https address; credentials go into settings of their own")
        return value.rstrip("/") + "/"

    @field_validator("channels")
    @classmethod
    def _are_channels(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(values)) < len(values):
            raise ValueError("a channel is named twice")
        if not all(_CHANNEL.fullmatch(value) for value in values):
            raise ValueError("a channel is an id such as C0123456789, or a name such as #ops")
        return values

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if (self.token is None) == (self.webhook_url is None):
            raise ValueError("give either `token` or `webhook_url`")
        if self.token is not None and not self.channels:
            raise ValueError("`channels` names no channel to post to")
        if self.webhook_url is not None and (self.channels or self.app_token):
            raise ValueError("a webhook has its own channel, and takes no answers: leave out `channels` and `app_token`")
        if self.answers == "buttons" and self.app_token is None:
            raise ValueError("`answers: buttons` needs an `app_token`")
        return self

    @property
    def buttons(self) -> bool:
        """Whether questions are answered by buttons."""
        return self.app_token is not None and self.answers != "replies"


def _matching(value: SecretStr | None, form: re.Pattern[str], problem: str) -> SecretStr | None:
    if value is not None and not form.fullmatch(value.get_secret_value()):
        raise ValueError(problem)
    return value

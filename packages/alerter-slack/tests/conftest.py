"""Fixtures: a fake Slack, and alerters in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dovetail_alerter_slack import SlackAlerter
from dovetail_alerter_slack.testing import FakeSlack


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pauses that Slack asks for be this test's alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """A workspace with a channel `ops` that the app is in."""
    with FakeSlack() as fake:
        fake.workspace.add_channel("ops")
        yield fake


@pytest.fixture
def alerter_for(slack: FakeSlack) -> Callable[..., SlackAlerter]:
    """Return a function that makes an alerter in the workspace, with a token for `scopes`, or for all that it may need."""

    def make(scopes: set[str] | None = None, **settings: Any) -> SlackAlerter:
        token = slack.workspace.add_token(scopes) if scopes is not None else slack.workspace.add_token()
        base = {"token": token, "channels": ["#ops"], "base_url": f"{slack.url}/api/", "poll_seconds": 0.05, "timeout": 5}
        return SlackAlerter(**{**base, **settings})

    return make

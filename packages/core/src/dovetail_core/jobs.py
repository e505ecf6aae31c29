"""Models of work that orchestrators and step operators share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from dovetail_core.resources import Resources
from dovetail_core.retry import delays


class RetryPolicy(BaseModel):
    """How often, and after which waits, a failed attempt is repeated."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    retries: int = Field(default=0, ge=0, description="Further attempts after the first.")
    delay: float = Field(default=1.0, ge=0, description="Seconds before the second attempt.")
    backoff: float = Field(default=2.0, ge=1, description="Factor by which each further wait grows.")
    max_delay: float = Field(default=300.0, ge=0, description="Longest wait, in seconds.")
    jitter: float = Field(default=0.0, ge=0, le=1, description="Random part by which a wait may be shortened.")

    def waits(self) -> Iterator[float]:
        """Yield the wait before each further attempt, in seconds; `retries` of them."""
        schedule = delays(first=self.delay, factor=self.backoff, longest=self.max_delay, jitter=self.jitter)
        for _ in range(self.retries):
            yield next(schedule)


class StepJob(BaseModel):
    """One command to execute in a specialised environment."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="For people; need not be unique.")
    command: tuple[str, ...] = Field(description="Arguments, passed unchanged, with no shell between.")
    environment: dict[str, str] = Field(default_factory=dict, description="Environment variables.")
    secrets: dict[str, str] = Field(default_factory=dict, description="Environment variables whose values are secret references.")
    requirements: tuple[str, ...] = Field(default=(), description="Python requirements (PEP 508).")
    resources: Resources = Field(default=Resources(), description="Resources to apply, or to refuse.")
    code: str | None = Field(default=None, description="Digest of the code archive in the artifact store.")
    timeout: float | None = Field(default=None, gt=0, description="Seconds after which the job is killed.")

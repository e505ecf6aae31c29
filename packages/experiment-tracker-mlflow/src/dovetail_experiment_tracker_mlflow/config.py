"""Settings of the experiment tracker in MLflow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from dovetail_experiment_tracker import BufferedTrackerConfig

_SERVER = re.compile(r"https?://[^/@\s?#]+(/[^\s?#]*)?")


class MlflowConfig(BufferedTrackerConfig):
    """Settings of the experiment tracker in MLflow."""

    tracking_uri: str = Field(
        default=".dovetail/mlflow.db",
        description="Address of a tracking server, http:// or https://; or a database file of this machine, as a path or sqlite:///path.",
    )
    username: str | None = Field(default=None, description="Name for basic authentication at the server.")
    password: SecretStr | None = Field(default=None, description="Password for basic authentication.")
    token: SecretStr | None = Field(default=None, description="Bearer token, instead of name and password.")
    workspace: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
        description="Workspace of a server that has several; default: the one that the server takes for the default.",
    )
    verify: bool | str = Field(default=True, description="Whether the server's certificate is checked; or a file of certificates to trust.")
    timeout: float = Field(default=30.0, gt=0, le=3600, description="Seconds that one request may take.")
    artifact_location: str | None = Field(
        default=None,
        description="Where files of new experiments go, such as s3://bucket/prefix; default: the server's place, or beside the database.",
    )
    autolog: bool = Field(default=False, description="Whether MLflow records what libraries do while any run is active.")

    @field_validator("tracking_uri")
    @classmethod
    def _is_a_place(cls, value: str, info: ValidationInfo) -> str:
        if value.startswith(("http:", "https:")):
            if not _SERVER.fullmatch(value):
                raise ValueError(
                    "a server's address is http:// or https://, a host and perhaps a path; credentials have settings of their own"
                )
            return value.rstrip("/")
        path = value.removeprefix("sqlite:///")
        if "://" in path or not path or "?" in path:
            raise ValueError("it is neither an http address nor a database file; other databases belong behind a tracking server")
        root = Path((info.context or {}).get("root") or Path.cwd())
        return f"sqlite:///{root.absolute() / Path(path).expanduser()}"

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("`username` and `password` go together")
        if self.token is not None and self.username is not None:
            raise ValueError("`token` and `username` exclude each other")
        if not self.is_server and (self.token is not None or self.username is not None):
            raise ValueError("a database file takes no credentials")
        if not self.is_server and self.workspace is not None:
            raise ValueError("a database file has no workspaces")
        return self

    @property
    def is_server(self) -> bool:
        """Whether it is a server."""
        return not self.tracking_uri.startswith("sqlite:")

    @property
    def file(self) -> Path:
        """The database file."""
        return Path(self.tracking_uri.removeprefix("sqlite:///"))

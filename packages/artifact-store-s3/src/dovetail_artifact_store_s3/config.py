"""Settings of the S3 artifact store."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from dovetail_core import ComponentConfig, ProjectPath

SMALLEST_PART = 5 << 20
"""Bytes: S3 accepts smaller parts at the end of an upload only (user guide, "Amazon S3 multipart upload limits")."""
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{1,254}")


class S3Config(ComponentConfig):
    """Settings of the S3 artifact store."""

    bucket: str = Field(description="Name of the bucket, or ARN of an access point.")
    prefix: str = Field(default="", description="What every key in the bucket begins with; the store sees nothing else.")
    endpoint_url: str | None = Field(default=None, description="Address of a server that speaks the API of S3; default: Amazon's.")
    region: str | None = Field(
        default=None, description="Region of the bucket; default: what the SDK finds, or us-east-1 with an endpoint."
    )
    profile: str | None = Field(default=None, description="Profile of the SDK's configuration files.")
    credentials_file: ProjectPath | None = Field(
        default=None,
        description="File that the profile is in, such as a secret that is mounted; it is read again when its keys are refused.",
    )
    access_key_id: str | None = Field(default=None, description="Id of an access key; default: the SDK's own chain of credentials.")
    secret_access_key: SecretStr | None = Field(default=None, description="The access key's secret.")
    session_token: SecretStr | None = Field(default=None, description="Token of temporary credentials.")
    role_arn: str | None = Field(default=None, description="Role to assume with those credentials; renewed before it ends.")
    external_id: SecretStr | None = Field(default=None, description="External id that the role demands.")
    addressing_style: Literal["auto", "path", "virtual"] = Field(
        default="auto", description="Where the bucket's name goes: into the path, or the host. `auto`: into the path with an endpoint."
    )
    encryption: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = Field(
        default=None, description="Server-side encryption that writes ask for; default: the bucket's."
    )
    kms_key_id: str | None = Field(default=None, description="Key for the encryption by KMS.")
    storage_class: str | None = Field(default=None, description="Storage class that writes ask for, such as STANDARD_IA.")
    checksums: Literal["when_supported", "when_required"] = Field(
        default="when_supported", description="When requests carry, and answers are compared with, checksums; some servers know none."
    )
    conditional_writes: Literal["all", "one_request", "none"] = Field(
        default="all",
        description="Writes that the server can decide conditions of: all; those in one request, so that larger objects wait in a "
        "temporary file and go up whole; or none.",
    )
    engine: Literal["auto", "boto3", "obstore"] = Field(
        default="auto", description="What carries the bytes. `auto`: obstore where it is installed (extra `[fast]`) and can, else boto3."
    )
    part_size: int = Field(default=8 << 20, ge=SMALLEST_PART, le=5 << 30, description="Size of the parts of a large object, in bytes.")
    concurrency: int = Field(default=8, ge=1, le=64, description="Parts, or small objects, that are transferred at once.")
    page_size: int = Field(default=1000, ge=1, le=1000, description="Keys per page of a listing, and per request to delete.")
    connect_timeout: float = Field(default=10.0, gt=0, description="Seconds that a connection may take.")
    read_timeout: float = Field(default=60.0, gt=0, description="Seconds that the server may be silent.")
    attempts: int = Field(default=5, ge=1, le=20, description="How often a request is sent at most, when what fails may pass.")
    verify: bool | str = Field(default=True, description="Whether the server's certificate is checked; or a file of certificates to trust.")

    @property
    def patience(self) -> float:
        """Seconds within which a request is tried again: so many that one attempt that ran out of time has another after it."""
        return 60.0 + self.connect_timeout + self.read_timeout

    @field_validator("bucket")
    @classmethod
    def _is_a_bucket(cls, value: str) -> str:
        if not _BUCKET.fullmatch(value) or ("/" in value and not value.startswith("arn:")):
            raise ValueError("a bucket's name has letters, digits, dots and dashes; a prefix goes into `prefix`")
        return value

    @field_validator("prefix")
    @classmethod
    def _is_a_prefix(cls, value: str) -> str:
        stripped = value.strip("/")
        if any(segment in ("", ".", "..") for segment in stripped.split("/")) and stripped:
            raise ValueError("a prefix has no empty segment, and none that is '.' or '..'")
        return stripped

    @field_validator("endpoint_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://[^/@]+/?$", value):
            raise ValueError("an endpoint is http:// or https://, a host and perhaps a port; credentials go into settings of their own")
        return value.rstrip("/") if value else value

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("`access_key_id` and `secret_access_key` go together")
        if self.session_token is not None and self.access_key_id is None:
            raise ValueError("`session_token` goes with `access_key_id` and `secret_access_key`")
        if self.profile is not None and self.access_key_id is not None:
            raise ValueError("`profile` and `access_key_id` exclude each other")
        if self.credentials_file is not None and self.access_key_id is not None:
            raise ValueError("`credentials_file` and `access_key_id` exclude each other")
        if self.kms_key_id is not None and self.encryption not in ("aws:kms", "aws:kms:dsse"):
            raise ValueError("`kms_key_id` goes with `encryption: aws:kms`")
        if self.external_id is not None and self.role_arn is None:
            raise ValueError("`external_id` goes with `role_arn`")
        return self

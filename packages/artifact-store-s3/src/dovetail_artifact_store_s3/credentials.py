"""The keys that requests are signed with: where they are looked for, and how others are had when the server refuses them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from dovetail_artifact_store_s3.config import S3Config

_PAUSE = 10.0
"""Seconds between two searches for other keys where a refusal does not say that it is about the keys."""


class RenewableKeys:
    """Keys that can be looked for again. It stands where the SDK has its `Credentials`, so that clients go on with their connections.

    Keys that end at a known time are renewed by the SDK before that; this is for those that are replaced, or ended, without notice.
    """

    method = "dovetail"

    def __init__(self, find: Callable[[], Any]) -> None:
        self._find = find
        self._lock = threading.Lock()
        self._found: Any = None
        self._frozen: Any = None
        self._searched = float("-inf")
        self.generation: int = 0
        """Grows with each time that other keys were found."""

    def get_frozen_credentials(self) -> Any:
        """Return the keys for one request, all of one version; None if there are none."""
        with self._lock:
            if self._found is None:
                self._found = self._find()
            found = self._found
        self._frozen = found.get_frozen_credentials() if found is not None else None
        return self._frozen

    def renew(self, generation: int, certain: bool) -> bool:
        """Look for keys again after those of a generation were refused, and tell whether there are others now.

        Of several threads one looks; the others get what it found. `certain`: the refusal says that it is about the keys.
        """
        with self._lock:
            if generation != self.generation:
                return True
            if not certain and time.monotonic() < self._searched + _PAUSE:
                return False
            self._searched = time.monotonic()
            found = self._find()
            frozen = found.get_frozen_credentials() if found is not None else None
            if frozen is None or frozen == self._frozen:
                return False
            self._found, self._frozen = found, frozen
            self.generation += 1
            return True

    def get_deferred_property(self, name: str) -> Callable[[], Any]:
        """Return what gives a part of the keys; the SDK asks so for the account."""
        return lambda: getattr(self.get_frozen_credentials(), name, None)

    @property
    def access_key(self) -> Any:
        """Id of the access key."""
        return self.get_deferred_property("access_key")()

    @property
    def secret_key(self) -> Any:
        """Secret of the access key."""
        return self.get_deferred_property("secret_key")()

    @property
    def token(self) -> Any:
        """Token of temporary keys."""
        return self.get_deferred_property("token")()


def session_of(config: S3Config) -> tuple[Any, RenewableKeys]:
    """Return a session of the SDK, and the keys that its clients sign with."""
    import boto3

    keys = RenewableKeys(lambda: _found(config))
    core = _core(config)
    core.register_component("credential_provider", _Always(keys))
    return boto3.Session(botocore_session=core), keys


def can_be_found_again(config: S3Config) -> bool:
    """Tell whether other keys can come from where these do: not if the config holds them."""
    return config.access_key_id is None or config.role_arn is not None


class _Always:
    """A chain of providers with one answer."""

    def __init__(self, keys: RenewableKeys) -> None:
        self._keys = keys

    def load_credentials(self) -> RenewableKeys:
        return self._keys


def _core(config: S3Config) -> Any:
    """Return a new session of the SDK's core: what is in files and in the environment is read again."""
    import botocore.session

    profile = config.profile or ("default" if config.credentials_file else None)  # a profile that is named goes before the environment
    core = botocore.session.Session(profile=profile)
    if config.credentials_file is not None:
        core.set_config_variable("credentials_file", str(config.credentials_file))
    if config.region is not None:
        core.set_config_variable("region", config.region)
    return core


def _found(config: S3Config) -> Any:
    """Return the credentials that the settings lead to, as the SDK has them, or None."""
    from botocore.credentials import Credentials

    core = _core(config)
    if config.access_key_id is None or config.secret_access_key is None:
        source = core.get_credentials()
    else:
        token = config.session_token.get_secret_value() if config.session_token else None
        source = Credentials(config.access_key_id, config.secret_access_key.get_secret_value(), token)
    return _assumed(core, source, config) if config.role_arn and source is not None else source


def _assumed(core: Any, source: Any, config: S3Config) -> Any:
    """Return credentials of the role, which the SDK renews before they end."""
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    extra = {"ExternalId": config.external_id.get_secret_value()} if config.external_id else {}
    fetcher = AssumeRoleCredentialFetcher(core.create_client, source, config.role_arn, extra_args=extra)
    return DeferredRefreshableCredentials(method="assume-role", refresh_using=fetcher.fetch_credentials)

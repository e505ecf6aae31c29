"""Pauses that Slack asked for, kept by every process of this machine that uses the same credentials.

Slack limits each method by app and workspace, and chat.postMessage by channel besides (its page "Rate limits"); it does not matter to it
which process asks.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path

from dovetail_core import RateLimited


class Pauses:
    """The time until which a method is not to be called, in one small file per method and credential."""

    def __init__(self, credential: str) -> None:
        self._digest = hashlib.blake2b(credential.encode(), digest_size=12, person=b"dovetail-slack").hexdigest()

    def obey(self, method: str, what: str) -> None:
        """Raise `RateLimited` while a pause lasts."""
        left = self._until(method) - time.time()
        if left > 0:
            raise RateLimited(f"{what}: Slack has asked for fewer requests", remedy="send less, or wait", retry_after=left)

    def note(self, method: str, seconds: float) -> None:
        """Keep a pause. One that cannot be written down is obeyed by this process only, which has it from the error."""
        path = self._path(method)
        until = max(self._until(method), time.time() + min(seconds, 3600.0))
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = path.with_name(f"{path.name}.{os.getpid()}")
            draft.write_text(f"{until:.3f}")
            draft.replace(path)

    def _until(self, method: str) -> float:
        try:
            return min(float(self._path(method).read_text()), time.time() + 3600.0)
        except (OSError, ValueError):
            return 0.0

    def _path(self, method: str) -> Path:
        import platformdirs

        return platformdirs.user_cache_path("dovetail") / "slack" / f"{self._digest}-{method}"

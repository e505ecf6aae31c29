"""A server of moto's: S3, IAM and STS in memory."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from dovetail_artifact_store_s3.testing import moto_in_turn
from dovetail_artifact_store_s3.testing.server import Keys, Right, Server, answers, free_port, sdk_client
from dovetail_conformance import HarnessError, until

_ACTIONS = {"full": ["s3:*", "sts:*"], "readonly": ["s3:Get*", "s3:List*"]}
_GET_IT = "pip install 'moto[server]'"
_ANYBODY = Keys("any", "any")


class MotoServer(Server):
    """A server of moto's in a process of its own, with one bucket, and users whose keys are checked."""

    lacks: ClassVar[Mapping[str, str]] = {
        "AS-50": "moto's server does not look at the signature of a URL, nor at its time",
        "AS-62": "moto's server ignores If-Match where an upload by parts is completed",
    }

    def __init__(self) -> None:
        self.port: int = free_port()
        words = [sys.executable, "-m", moto_in_turn.__name__, str(self.port)]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(self._is_up, 60, did="waited for moto's server", mend=_GET_IT)
            self._root = self._user(_ANYBODY, ["*"])
            self.client.create_bucket(Bucket=self.bucket)
            self._check_keys_from_now_on()
        except BaseException:
            self.close()
            raise

    def give(self, right: Right) -> Keys:
        """Return the key of a new user."""
        return self._user(self._root, _ACTIONS[right])

    def end(self, keys: Keys) -> None:
        """Delete a key."""
        self._iam(self._root).delete_access_key(UserName=keys.user, AccessKeyId=keys.id)

    def role(self) -> str:
        """Return a new role, which every key that may do everything can assume, and which may do everything with objects."""
        iam, name = self._iam(self._root), uuid.uuid4().hex
        trusted = _document("sts:AssumeRole", Principal={"AWS": "*"})
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="given", PolicyDocument=_document("s3:*", Resource="*"))
        return arn

    def close(self) -> None:
        """Stop the server."""
        self._process.kill()
        self._process.wait()

    def _is_up(self) -> bool:
        if self._process.poll() is not None:
            raise HarnessError(f"moto's server ended with {self._process.returncode}: {_GET_IT}")
        return answers(f"{self.url}/moto-api/")

    def _iam(self, keys: Keys) -> Any:
        return sdk_client("iam", self.url, keys)

    def _user(self, by: Keys, actions: list[str]) -> Keys:
        iam, name = self._iam(by), uuid.uuid4().hex
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="given", PolicyDocument=_document(*actions, Resource="*"))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Keys(key["AccessKeyId"], key["SecretAccessKey"], name)

    def _check_keys_from_now_on(self) -> None:
        """Tell the server how many more requests it shall answer whoever asks: none."""
        request = urllib.request.Request(f"{self.url}/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"})
        urllib.request.urlopen(request, timeout=10).close()


def _document(*actions: str, **rest: object) -> str:
    """Return a policy that allows actions."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), **rest}]})

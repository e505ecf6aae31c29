"""The object gateway of Ceph: a monitor, one OSD that keeps everything in memory, and the gateway, all of them on loopback."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from dovetail_artifact_store_s3.testing.server import Keys, Right, Server, answers, free_port
from dovetail_conformance import HarnessError, until

PROGRAMS = ("ceph-mon", "ceph-osd", "radosgw", "ceph", "monmaptool", "radosgw-admin")
GET_IT = "apt-get install --no-install-recommends radosgw ceph-mon ceph-osd ceph-common"
_CONFIG = """
[global]
fsid = {fsid}
mon host = [v1:127.0.0.1:{monitor_port}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
run dir = {folder}
log file = {folder}/$name.log
admin socket =
mon data = {folder}/mon
osd data = {folder}/osd
rgw data = {folder}/rgw
osd objectstore = memstore
memstore device bytes = 4294967296
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd crush chooseleaf type = 0
mon allow pool size one = true
mon data avail crit = 0
rgw frontends = beast endpoint=127.0.0.1:{port}
"""

_STARTS = 3
"""An OSD that speaks to the monitor before it has heard of the cluster's id ends, about one time in eight; a port may be taken meanwhile."""


def installed() -> bool:
    """Tell whether the programs are here."""
    return all(map(shutil.which, PROGRAMS))


class RadosGateway(Server):
    """A cluster of one machine behind Ceph's gateway. It verifies signatures, digests, and the time of presigned URLs.

    Version 16 ignores conditions on the completion of an upload by parts, and compares an etag with `If-Match` as text: quotes differ.
    """

    settings: ClassVar[Mapping[str, object]] = {"conditional_writes": "one_request"}

    def __init__(self) -> None:
        if not installed():
            raise HarnessError(f"radosgw is not installed: {GET_IT}")
        for attempt in range(1, _STARTS + 1):
            try:
                self._start()
                self.client.create_bucket(Bucket=self.bucket)
                return
            except HarnessError:
                self.close()
                if attempt == _STARTS:
                    raise
            except BaseException:
                self.close()
                raise

    def give(self, right: Right) -> Keys:
        """Return a new key of the bucket's owner, or of a user below it that may only read."""
        user, key = f"owner:{uuid.uuid4().hex}" if right == "readonly" else "owner", uuid.uuid4().hex[:20].upper()
        given = ["--key-type=s3", "--access-key", key, "--gen-secret"]  # a secret of our own would be seen among the processes
        if right == "readonly":
            made = self._admin("subuser", "create", "--uid=owner", f"--subuser={user}", "--access=read", *given)
        else:
            made = self._admin("key", "create", "--uid=owner", *given)
        return Keys(key, next(str(one["secret_key"]) for one in made["keys"] if one["access_key"] == key), user)

    def end(self, keys: Keys) -> None:
        """Remove a key."""
        self._admin("key", "rm", f"--uid={keys.user.partition(':')[0]}", "--key-type=s3", "--access-key", keys.id)

    def close(self) -> None:
        """Kill the processes: nothing in them is worth the minutes that an orderly end takes."""
        for process in reversed(self._processes):
            process.kill()
            process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        self.port: int = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="dovetail-radosgw-"))
        self._processes: list[subprocess.Popen[bytes]] = []
        fsid, disk = str(uuid.uuid4()), str(uuid.uuid4())
        places = {"fsid": fsid, "folder": self._folder, "monitor_port": free_port(), "port": self.port}
        (self._folder / "ceph.conf").write_text(_CONFIG.format_map(places))
        for name in ("mon", "osd", "rgw"):
            (self._folder / name).mkdir()
        monitor = f"[v1:127.0.0.1:{places['monitor_port']}]"
        self._run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", monitor, str(self._folder / "map"))
        self._run("ceph-mon", "-i", "a", "--mkfs", "--monmap", str(self._folder / "map"))
        self._spawn("ceph-mon", "-i", "a", "-f")
        self._run("ceph", "osd", "new", disk)
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk)
        self._spawn("ceph-osd", "-i", "0", "-f")
        self._spawn("radosgw", "-n", "client.rgw", "-f")
        until(self._is_up, 120, did="waited for radosgw", mend=f"see its log; {GET_IT}")
        self._admin("user", "create", "--uid=owner", "--display-name=owner", "--gen-access-key")

    def _is_up(self) -> bool:
        for process in self._processes:
            if process.poll() is not None:
                raise HarnessError(f"{process.args!r} ended with {process.returncode}:\n{self._tail()}")
        return answers(self.url)

    def _tail(self) -> str:
        logs = sorted(self._folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
        return logs[-1].read_text(errors="replace")[-2000:] if logs else ""

    def _admin(self, *words: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = json.loads(self._run("radosgw-admin", "-n", "client.rgw", *words) or "{}")
        return found

    def _run(self, program: str, *words: str) -> str:
        done = subprocess.run(self._words(program, words), capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise HarnessError(f"{program} ended with {done.returncode}: {done.stderr[-1000:]}")
        return done.stdout

    def _spawn(self, program: str, *words: str) -> None:
        process = subprocess.Popen(
            self._words(program, words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        self._processes.append(process)

    def _words(self, program: str, words: tuple[str, ...]) -> list[str]:
        config = [] if program == "monmaptool" else ["-c", str(self._folder / "ceph.conf")]
        return [program, *config, *words]

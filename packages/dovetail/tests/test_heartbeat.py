"""Whether the process of a run lives is told rightly."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from dovetail.execution.heartbeat import alive, this_process


@pytest.mark.skipif(not psutil.LINUX, reason="other systems do not date processes from when they booted")
def test_a_process_lives_also_after_the_clock_was_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = this_process()
    text = Path("/proc/stat").read_text()
    (tmp_path / "stat").write_text(re.sub(r"btime (\d+)", lambda found: f"btime {int(found[1]) + 3600}", text))
    (tmp_path / str(os.getpid())).symlink_to(f"/proc/{os.getpid()}")
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    try:
        psutil.boot_time()  # which other processes would read anew
        assert alive(owner)
    finally:
        monkeypatch.undo()
        psutil.boot_time()


def test_a_process_that_has_the_id_of_a_dead_one_is_another() -> None:
    owner = this_process()
    assert alive(owner)
    assert not alive(dataclasses.replace(owner, started=owner.started - 30))


def test_a_dead_process_and_one_that_nobody_reaped_yet_do_not_live() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = dataclasses.replace(this_process(), pid=child.pid, started=psutil.Process(child.pid).create_time() - psutil.boot_time())
    assert alive(owner)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not alive(owner)
    child.communicate()
    assert not alive(owner)


def test_of_a_process_on_another_machine_nothing_is_known() -> None:
    assert alive(dataclasses.replace(this_process(), host="elsewhere")) is None

"""What the contract's rules let steps do ends with the rule."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dovetail_conformance import until
from dovetail_orchestrator.contract import witness
from dovetail_orchestrator.contract.launcher import FOLDERS


@pytest.mark.skipif(sys.platform == "win32", reason="a directory in use cannot be removed there")
def test_a_process_whose_stage_is_gone_before_it_saw_the_curtain_ends(tmp_path: Path) -> None:
    stage = tmp_path / "stage"
    for name in FOLDERS:
        (stage / name).mkdir(parents=True)
    words = [sys.executable, "-I", "-S", witness.__file__, str(stage), '"a"', "1", '[["deaf"], ["open", "begun"], ["beat"]]', "below"]
    with subprocess.Popen(words) as process:
        try:
            until((stage / "gates" / "begun").exists, 20, did="waited for the process to begin")
            assert process.poll() is None
            shutil.rmtree(stage)
            process.wait(20)
        finally:
            process.kill()

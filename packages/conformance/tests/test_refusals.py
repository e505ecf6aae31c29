"""What a run refuses: whatever would let a rule, or a report, say more than was shown."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from gauge_kit import Project

import dovetail_conformance

MODULE = "flavor_under_test.py"
FULL = ("--conformance-target=gauge/memory", "--conformance-effort=full", "--conformance-certify")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    (tmp_path / MODULE).write_text(Path(str(dovetail_conformance.__file__)).with_name(MODULE).read_text())
    return made


def test_a_run_in_which_no_rule_was_run_is_refused(project: Project) -> None:
    done = project.pytest("--conformance-target=gauge/memory", "-k", "nothing_is_called_so", MODULE)
    assert done.returncode not in (0, 5) and "refused: no rule was run" in done.stdout


def test_a_certificate_is_refused_where_other_plugins_had_a_hand_in_it(project: Project) -> None:
    (project.folder / "conftest.py").write_text("import pytest\n")
    done = project.pytest(*FULL, MODULE)
    assert done.returncode == 1
    assert "the plugin pytest-timeout may change results" in done.stdout and "conftest.py may change results" in done.stdout
    assert "not run" not in done.stdout and "the effort" not in done.stdout


def test_rules_that_are_not_there_are_said_before_anything_runs(project: Project) -> None:
    done = project.command("run", "gauge/memory", "--only", "GA-01,GA-77")
    assert done.returncode == 1 and "there is no rule GA-77" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("where", ["lacks", "deviations"])
def test_a_harness_that_names_a_rule_that_is_not_there_is_refused(project: Project, where: str) -> None:
    value = "'no'" if where == "lacks" else "__import__('dovetail_conformance').Deviation('no', owner='backend')"
    project.write(f"class Mine(MemoryHarness):\n    {where} = {{'GA-99': {value}}}\n")
    done = project.run("--only", "GA-01")
    assert done.returncode == 1 and f"Mine.{where} names GA-99" in done.stdout


CLASSES = {
    "adds rule GA-09": "    @rule('GA-09', severity=1)\n    def test_mine(self):\n        '''A rule of its own.'''\n",
    "names GA-99": "    deviations = {'GA-99': __import__('dovetail_conformance').Deviation('no', owner='backend')}\n",
}


@pytest.mark.parametrize("said", CLASSES)
def test_an_authors_class_that_changes_the_contract_cannot_be_made(project: Project, said: str) -> None:
    project.write(f"class TestMine(GaugeContract):\n{CLASSES[said]}")
    done = subprocess.run([sys.executable, "-c", "import mine"], cwd=project.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and said in done.stderr


def test_a_capability_that_is_not_declared_has_to_be_refused_by_unsupported_alone(project: Project) -> None:
    body = "    capabilities = frozenset()\n    def reset(self): raise NotImplementedError('no')\n"
    project.write(f"class Mutant(MemoryGauge):\n{body}class Mine(MemoryHarness):\n    flavor = Mutant\n")
    done = project.run("--only", "GA-02")
    assert (
        done.returncode == 1 and "came: NotImplementedError" in done.stdout and "raise Unsupported before anything is done" in done.stdout
    )


RULE = '''
    @rule("GA-06", severity=1, hooks=("proxy",), kind="fault")
    def test_a_fault(self, component, harness):
        """A fault is mended."""
        from dovetail_conformance.instruments import Status
        {body}

    @rule("GA-07", severity=1)
    def test_afterwards(self, component):
        """Afterwards all is well."""
        check(component.readings() == [], did="looked", came="something")


class MemoryHarness('''
FAULTS = {
    "with harness.proxy.fault(Status(503)): component.readings()": "",
    "with harness.proxy.fault(Status(503), path='/nowhere'): component.readings()": "it was never done, so nothing is shown",
    "harness.proxy.fault(Status(503), times=None)": "it was armed outside a `with` block",
    "try:\n            with harness.proxy.fault(Status(503), nth=9): component.readings()\n        except Exception: pass": "it was never done",
}


@pytest.mark.parametrize("body", FAULTS)
def test_a_rule_whose_fault_was_not_done_ends_in_an_error(project: Project, body: str) -> None:
    gauge = project.folder / "gauge.py"
    gauge.write_text(gauge.read_text().replace("\n\nclass MemoryHarness(", RULE.format(body=body)))
    done = project.command("run", "gauge/wired", "-n", "1", "--only", "GA-06,GA-07", "--report", "out")
    found = {row["id"]: row for row in json.loads((project.folder / "out/report.json").read_text())["rules"]}
    assert found["GA-06"]["outcome"] == ("error" if FAULTS[body] else "passed"), done.stdout
    assert FAULTS[body] in found["GA-06"]["detail"]
    assert found["GA-07"]["outcome"] == "passed"  # no fault outlives its rule


def test_grades_take_a_second_report_on_the_lowest_versions(project: Project) -> None:
    project.command("run", "gauge/memory", "-n", "1", "--effort", "quick", "--report", "out")
    graded = project.command("grade", "out/report.json", "--lowest", "out/report.json")
    assert graded.returncode == 0 and "tier: none" in graded.stdout
    assert "the README says what it has to: the package's metadata hold no README" in graded.stdout
    done = project.command("run", "gauge/memory", "-n", "1", "--effort", "quick", "--report", "out", "--lowest", "out/report.json")
    report = json.loads((project.folder / "out/report.json").read_text())
    assert done.returncode == 0 and report["lowest"] is False  # a package without requirements has no lowest versions to show


def test_what_cannot_be_read_as_the_lowest_report_is_said_before_anything_runs(project: Project) -> None:
    (project.folder / "lowest.json").write_text("{}")
    done = project.command("run", "gauge/memory", "-n", "1", "--only", "GA-01", "--lowest", "lowest.json")
    assert done.returncode == 1 and "lowest.json is a report of version None" in done.stderr and done.stdout == ""


def test_the_report_of_an_earlier_run_is_not_taken_for_that_of_one_that_did_not_begin(project: Project) -> None:
    project.command("run", "gauge/memory", "-n", "1", "--effort", "quick", "--report", "out")
    project.write("class Mine(MemoryHarness): pass\nimport sys\n'pytest' in sys.argv[0] and 1 / 0\n")  # in the run, and not before it
    done = project.run("--report", "out")
    assert done.returncode != 0 and "tier:" not in done.stdout
    assert list((project.folder / "out").iterdir()) == []


OVER_TCP = """
from line_gauge import *
from dovetail_conformance.instruments import Status
class Mine(LineHarness):
    {body}
"""
LINES = {
    "commits = Harness.commits": {"XC-04": ("passed", ""), "XC-05": ("untested", "name them in the harness's `commits`")},
    "def commits(self, turn): return False": {"XC-05": ("error", "Mine.commits found no turn of put that changes something: b'LOGIN ")},
    "answers = Harness.answers": {"XC-04": ("untested", "in the harness's `answers`"), "XC-05": ("passed", "")},
    "def answers(self, kind, elsewhere=''): return Reply(b'busy')": {"XC-04": ("error", "return a Refusal")},
    "def answers(self, kind, elsewhere=''): return Refusal(Status(503))": {
        "XC-04": ("error", "take `Reply`, with the bytes of the protocol")
    },
}


@pytest.mark.parametrize("body", LINES)
def test_what_a_harness_over_tcp_does_not_say_is_untested_and_what_it_says_wrongly_an_error(project: Project, body: str) -> None:
    project.write(OVER_TCP.format(body=body))
    project.run("--only", "XC-04,XC-05", "--report", "out")
    found = {row["id"]: row for row in json.loads((project.folder / "out/report.json").read_text())["rules"]}
    for id, (outcome, detail) in LINES[body].items():
        assert found[id]["outcome"] == outcome and detail in found[id]["detail"]

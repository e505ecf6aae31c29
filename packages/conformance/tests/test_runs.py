"""Whole runs of the suite, on a component type of one method."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from gauge_kit import Project, counted

from dovetail_conformance import Harness
from dovetail_conformance.kill_table import kills
from dovetail_conformance.mutants import Variant
from dovetail_conformance.report import read
from dovetail_core import Component


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


HARNESS = """
class Mine(MemoryHarness):
    flavor = {flavor}
"""
MINE = "class Mutant(MemoryGauge):\n    {body}\n" + HARNESS.format(flavor="Mutant")


def test_a_flavor_that_keeps_its_contract(project: Project) -> None:
    done = project.command("run", "gauge/memory", "-n", "2", "--seed", "5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in counted(done) and "1 advisory" in counted(done) and "failed" not in counted(done)
    assert "untested" in counted(done)  # the harness has no side door and no wire


def test_a_failure_says_the_rule_what_was_done_what_came_and_what_to_do(project: Project) -> None:
    project.write(MINE.format(body="def readings(self): return sorted(super().readings(), reverse=True)"))
    done = project.run()
    assert done.returncode == 1
    expected = """GA-01: What is put is read, in order.
  done: put 1 and 2
  came: [2, 1]
  mend: keep the order
  more: dovetail conformance explain GA-01"""
    assert expected in done.stdout


def test_a_capability_that_is_not_declared_and_properly_refused_is_absent(project: Project) -> None:
    project.write(MINE.format(body="capabilities = frozenset()"))
    done = project.run()
    assert done.returncode == 0 and "1 absent" in counted(done)


def test_a_capability_that_works_and_is_not_declared_is_a_failure(project: Project) -> None:
    project.write(MINE.format(body="capabilities = frozenset()\n    def reset(self): self.kept.clear()"))
    done = project.run()
    assert done.returncode == 1
    assert "used RESET, which is not declared" in done.stdout and "or declare RESET" in done.stdout


def test_a_capability_that_is_declared_and_refused_is_a_failure(project: Project) -> None:
    project.write(MINE.format(body="def _reset(self): raise Unsupported('no', remedy='')") + "from dovetail_core import Unsupported\n")
    done = project.run()
    assert done.returncode == 1 and "do not declare RESET" in done.stdout


DEVIATING = """
from dovetail_conformance import Deviation
class Mutant(MemoryGauge):
    def readings(self): return sorted(super().readings(), reverse=True)
class Mine(MemoryHarness):
    flavor = {flavor}
    deviations = {{"{rule}": Deviation("the backend sorts", owner="backend", link={link!r})}}
"""


def test_a_deviation_is_counted_and_fails_nothing(project: Project) -> None:
    project.write(DEVIATING.format(flavor="Mutant", rule="GA-01", link=""))
    done = project.run()
    assert done.returncode == 0 and "1 deviation" in counted(done)


def test_a_deviation_that_no_longer_deviates_is_refused(project: Project) -> None:
    project.write(DEVIATING.format(flavor="MemoryGauge", rule="GA-01", link=""))
    done = project.run()
    assert done.returncode == 1 and "remove the deviation" in done.stdout


BY_CHANCE = """
import pytest
from gauge import *
from dovetail_conformance import Deviation, Effort
class Own(GaugeContract):
    component_type = "gauge"
    @rule("GA-77", severity=1, kind="machine")
    def test_by_chance(self, seed, effort):
        '''Nothing is seen with most seeds.'''
        check((seed, effort) != (7, Effort.QUICK), did="ran with the seed", came="a bug")
class Mine(MemoryHarness):
    deviations = {{"GA-77": Deviation("it is seldom seen", owner="backend", {named})}}
class TestMine(Own):
    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls):
        with Mine() as harness:
            yield harness
"""


@pytest.mark.parametrize(
    ("named", "seed", "outcome"),
    [
        ("seed=7, effort=Effort.QUICK", "3", "1 deviation"),
        ("", "3", "1 deviation"),
        ("", "7", "1 deviation"),
        ("seed=8", "7", "1 failed"),
    ],
)
def test_a_deviation_that_shows_by_chance_is_looked_for_where_it_shows(project: Project, named: str, seed: str, outcome: str) -> None:
    (project.folder / "test_mine.py").write_text(BY_CHANCE.format(named=named))
    done = project.pytest("test_mine.py", "-k", "by_chance", "--conformance-effort=quick", f"--conformance-seed={seed}")
    assert outcome in counted(done), done.stdout
    assert outcome != "1 failed" or "remove the deviation, or name a seed" in done.stdout


def test_a_deviation_from_a_rule_that_there_is_not_is_refused_by_name(project: Project) -> None:
    project.write(DEVIATING.format(flavor="Mutant", rule="GA-99", link=""))
    done = project.run()
    assert done.returncode == 1 and "GA-99" in done.stdout and "no such rule" in done.stdout


def test_rule_zero_blocks_the_others(project: Project) -> None:
    project.write("class Mine(MemoryHarness):\n    def make(self, **config): return self.flavor(colour=1)\n")
    done = project.run()
    assert done.returncode == 1
    assert "1 failed" in counted(done) and "blocked" in counted(done) and "passed" not in counted(done)
    assert "colour" in done.stdout


def test_what_a_harness_lacks_is_untested_with_its_reason(project: Project) -> None:
    project.write("class Mine(MemoryHarness):\n    lacks = {'GA-01': 'this stand-in forgets'}\n")
    done = project.run()
    assert done.returncode == 0 and "this stand-in forgets" in done.stdout


def test_a_crash_of_the_flavor_fails_with_its_traceback(project: Project) -> None:
    project.write(MINE.format(body="def readings(self): raise RuntimeError('boom')"))
    done = project.run("--only", "GA-01")
    assert done.returncode == 1 and "came: RuntimeError: boom" in done.stdout and "mine.py" in done.stdout


def test_an_overridden_rule_is_refused_when_the_class_is_made(project: Project) -> None:
    project.write(
        "class TestMine(GaugeContract):\n    def test_what_is_put_is_read(self): pass\n",
    )
    done = subprocess.run([sys.executable, "-c", "import mine"], cwd=project.folder, capture_output=True, text=True, check=False)
    assert "overrides rule GA-01" in done.stderr and "deviations" in done.stderr


def test_a_rule_set_to_none_is_refused_too(project: Project) -> None:
    project.write("class TestMine(GaugeContract):\n    test_what_is_put_is_read = None\n")
    done = subprocess.run([sys.executable, "-c", "import mine"], cwd=project.folder, capture_output=True, text=True, check=False)
    assert "overrides rule GA-01" in done.stderr


def test_an_authors_own_class_is_all_that_is_needed(project: Project) -> None:
    project.write("")
    (project.folder / "test_mine.py").write_text(
        "import pytest\nfrom gauge import *\nclass TestMine(GaugeContract):\n    interface = '1.1'\n"
        "    @pytest.fixture(scope='class')\n    @classmethod\n    def harness(cls):\n        with MemoryHarness() as harness:\n            yield harness\n"
    )
    done = project.pytest("test_mine.py")
    assert done.returncode == 1 and "GA-04" in done.stdout and "1 failed" in counted(done)  # it says that it is written for 1.1


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_run_of_some_rules_is_no_certificate(project: Project, workers: str) -> None:
    done = project.command("run", "gauge/memory", "-n", workers, "--only", "XC-00,XC-12", "--certify", "--report", "out")
    report = json.loads((project.folder / "out/report.json").read_text())
    assert done.returncode == 1 and not report["certified"]
    assert "rules were not run: run all of them (GA-01, " in done.stdout and "the effort is standard" in done.stdout


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_run_of_some_rules_earns_no_tier_and_its_report_says_why(project: Project, workers: str) -> None:
    done = project.command("run", "gauge/memory", "-n", workers, "--only", "XC-00,GA-01", "--report", "out")
    assert done.returncode == 0 and "refused" not in done.stdout
    graded = project.command("grade", "out/report.json").stdout
    assert "tier: none\n  missing: the run was refused: " in graded and " rules were not run: run all of them (GA-02, " in graded


@pytest.mark.parametrize("link", ["", "https://example.org/1"])
def test_a_certificate_needs_a_link_for_each_deviation(project: Project, link: str) -> None:
    project.write(DEVIATING.format(flavor="Mutant", rule="GA-01", link=link))
    done = project.run("--certify", "--effort", "full")
    assert (done.returncode == 1) is (link == "")
    assert ("has no link" in done.stdout) is (link == "")


def test_what_is_not_there_is_said_with_what_is(project: Project) -> None:
    for words in (["run", "gauge/memry"], ["run", "gouge/memory"], ["run", "gauge"], ["list", "gouge"], ["explain", "GA-77"]):
        done = project.command(*words)
        assert done.returncode == 1 and "Traceback" not in done.stderr, words
        assert "gauge" in done.stderr or "list TYPE" in done.stderr


def test_rules_are_listed_and_explained(project: Project) -> None:
    listed = project.command("list", "gauge").stdout
    assert "GA-02  A reset forgets every reading.  [RESET]" in listed and "XC-00" in listed
    assert "gauge/memory" in project.command("list").stdout
    assert "[TYPE]" in project.command("list", "--help").stdout
    explained = project.command("explain", "ga-02").stdout
    assert "GA-02 (gauge): A reset forgets every reading." in explained and "must raise Unsupported" in explained
    assert "what its body does:\n  put 1 and reset\n" in explained and "gauge.py, line " in explained
    why = project.command("explain", "XC-01").stdout
    assert why.startswith("XC-01 (every type): ")
    assert "who is hurt where it does not hold: Passwords" in why and "page: rules/XC-01/ of the documentation" in why


MUTANTS = """
from gauge import *
from dovetail_conformance.mutants import equivalent, mutant
@mutant("GA-01", of=MemoryHarness)
class Sorts(MemoryGauge):
    def readings(self): return sorted(super().readings(), reverse=True)
@mutant("GA-02", of=MemoryHarness)
class {second}(MemoryGauge):
    def _reset(self): {body}
@equivalent(of=MemoryHarness)
class Tuples(MemoryGauge):
    def readings(self): return [*self.kept]
"""


def test_the_kill_table_is_red_while_a_rule_catches_nothing(project: Project) -> None:
    (project.folder / "variants.py").write_text(MUTANTS.format(second="Keeps", body="pass"))
    done = project.command("mutants", "gauge", "variants.py", "-n", "1")
    assert done.returncode == 1
    assert "ok  Sorts   GA-01" in done.stdout and "ok  Keeps   GA-02" in done.stdout
    assert "BAD no mutant is caught by GA-03" in done.stdout and "caught by GA-01" not in done.stdout


def test_a_mutant_that_dies_by_a_crash_proves_nothing(project: Project) -> None:
    (project.folder / "variants.py").write_text(MUTANTS.format(second="Dies", body="raise RuntimeError"))
    done = project.command("mutants", "gauge", "variants.py", "-n", "1")
    assert done.returncode == 1 and "crashes GA-02" in done.stdout
    said = done.stdout.partition("crashes GA-02\n")[2].splitlines()
    assert said[0].startswith("      GA-02: ") and "RuntimeError" in done.stdout


def test_what_a_rule_says_of_a_mutant_of_another_is_shown(project: Project) -> None:
    (project.folder / "variants.py").write_text(MUTANTS.format(second="Keeps", body="pass").replace('"GA-02"', '"GA-01"'))
    done = project.command("mutants", "gauge", "variants.py", "-n", "1")
    _, _, said = done.stdout.partition("BAD Keeps   GA-02  <- not caught by GA-01; also fails GA-02\n")
    assert said.startswith("      GA-02: "), done.stdout


BUDGETED = '''
    @rule("GA-06", severity=3, advisory=True)
    def test_kept_as_a_list(self, component):
        """What is kept is a list."""
        check(type(component.kept) is list, did="looked", came=component.kept)


class MemoryHarness('''
EQUIVALENT = """
from gauge import *
from dovetail_conformance.mutants import equivalent
@equivalent(of=MemoryHarness)
class Tuples(MemoryGauge):
    def setup(self): self.kept = self.held = []; {setup}
"""


@pytest.mark.parametrize(
    ("setup", "said"),
    [("", "ok  Tuples"), ("self.kept = type('List', (list,), {})()", "BAD Tuples  (equivalent: nothing fails)  <- advisory in GA-06")],
)
def test_an_advisory_on_an_equivalent_is_a_problem(project: Project, setup: str, said: str) -> None:
    gauge = project.folder / "gauge.py"
    gauge.write_text(gauge.read_text().replace("\n\nclass MemoryHarness(", BUDGETED))
    (project.folder / "variants.py").write_text(EQUIVALENT.format(setup=setup))
    done = project.command("mutants", "gauge", "variants.py", "-n", "1")
    assert said in done.stdout, done.stdout


def test_an_equivalent_that_was_asked_nothing_is_a_problem() -> None:
    (kill,) = kills([Variant(Component, Harness, frozenset())], [])
    assert kill.problem == "was asked nothing"
    assert kills([Variant(Component, Harness, frozenset())], [], ["GA-01"])[0].problem == "was not asked GA-01"


def test_a_kill_table_of_a_run_that_broke_off_is_none(project: Project) -> None:
    ends = "import atexit, sys\nif 'pytest' in sys.argv[0]: atexit.register(lambda: __import__('os')._exit(3))\n"
    (project.folder / "variants.py").write_text(MUTANTS.format(second="Keeps", body="pass") + ends)
    done = project.command("mutants", "gauge", "variants.py", "-n", "1")
    assert done.returncode == 1 and "the run broke off" in done.stdout and "ok  Sorts" not in done.stdout


def test_every_cross_cutting_rule_catches_its_mutants_and_no_equivalent(project: Project) -> None:
    names = ("mutants_of_every_type.py", "mutants_over_tcp.py")
    for name in names:
        (project.folder / name).write_text(Path(__file__).with_name(name).read_text())
    done = project.command("mutants", "gauge", *names, "--every")
    bad = [line for line in done.stdout.splitlines() if line.startswith("BAD")]
    assert bad == ["BAD no mutant is caught by GA-04"], done.stdout + done.stderr  # newer than the gauge, which does not keep it


SAYS_IT_WHEN_IT_FAILS = """
import logging
from wired_gauge import *
class Mutant(WiredGauge):
    def _once(self, method, body):
        try:
            return super()._once(method, body)
        except Unavailable:
            logging.getLogger("gauge").warning("sent %s in vain", self._token())
            raise
class Mine(WiredHarness):
    flavor = Mutant
"""


def test_a_secret_that_is_shown_only_where_the_backend_fails_is_found(project: Project) -> None:
    project.write(SAYS_IT_WHEN_IT_FAILS)
    done = project.run("--only", "XC-01")
    assert done.returncode == 1 and "came: log of gauge" in done.stdout, done.stdout


def test_the_end_of_a_run_names_the_rules_that_are_not_kept_and_the_tier(project: Project) -> None:
    project.write(MINE.format(body="def readings(self): return sorted(super().readings(), reverse=True)"))
    done = project.run()
    end = done.stdout[done.stdout.index("rules that are not kept") :]
    assert "failed: GA-01: What is put is read, in order.\n  came: [2, 1]\n" in end
    assert "flavor_under_test.py" not in end
    assert "tier: none\n  missing: GA-01 is to be kept (failed)" in end and "\n  and for gold: " in end and "(--report DIR)" in end
    assert "tier:" not in project.run("--only", "GA-02").stdout


def test_what_is_missing_for_every_tier_is_asked_for(project: Project) -> None:
    done = project.command("run", "gauge/memory", "-n", "1", "--effort", "quick", "--report", "out")
    assert "all of it: dovetail conformance grade out/report.json --all" in done.stdout
    graded = project.command("grade", "out/report.json", "--all").stdout
    assert [f"missing for {tier}" in graded for tier in ("bronze", "silver", "gold")] == [True, True, True]


def test_a_report_says_what_its_harness_lacks_and_which_rules_are_about_wires(project: Project) -> None:
    project.write(
        "class Mine(MemoryHarness):\n    def __init__(self, settings=None): super().__init__(settings); self.lacks = {'GA-05': 'no'}\n"
    )
    project.run("--effort", "quick", "--report", "out")
    made = read(project.folder / "out" / "report.json")
    assert made.lacks == ["GA-05"]
    found = {rule.id: (rule.wire, str(rule.outcome)) for rule in made.rules}
    assert (found["GA-05"], found["XC-02"], found["XC-03"]) == ((False, "untested"), (True, "untested"), (True, "untested"))
    assert found["XC-01"] == (False, "passed")  # no setting of the gauge can hold a secret


def test_a_run_that_broke_off_earns_nothing_and_is_to_be_run_again(project: Project) -> None:
    project.command("run", "gauge/memory", "-n", "1", "--effort", "quick", "--report", "out")
    project.write(
        "from dovetail_conformance.session import ConformanceSession\n"
        "def broken(self, record, kept=ConformanceSession.keep):\n"
        "    assert record.rule.id != 'GA-02'\n"
        "    kept(self, record)\n"
        "ConformanceSession.keep = broken\n"
        "class Mine(MemoryHarness): pass\n"
    )
    done = project.run("--report", "out")
    assert done.returncode == 3 and "INTERNALERROR" in done.stdout
    assert done.stderr == "the run broke off; run it again\n" and "tier:" not in done.stdout
    graded = project.command("grade", "out/report.json").stdout
    assert "tier: none\n  missing: the run was refused: the run broke off" in graded


ENTERS = """
from pathlib import Path
class Mine(MemoryHarness):
    def __enter__(self):
        with Path("entered").open("a") as file:
            file.write("x")
        raise ConnectionError("the server did not start")
"""


@pytest.mark.parametrize(("workers", "only"), [(1, ()), (2, ()), (1, ("--only", "GA-01,GA-02"))])
def test_a_harness_that_cannot_be_entered_is_one_error(project: Project, workers: int, only: tuple[str, ...]) -> None:
    project.write(ENTERS)
    done = project.run("-n", str(workers), *only)
    assert done.returncode == 1 and "1 error" in counted(done) and "blocked" in counted(done) and "passed" not in counted(done)
    assert "the harness could not be entered: ConnectionError: the server did not start" in done.stdout
    assert done.stdout.count('raise ConnectionError("the server did not start")') == 1
    assert len((project.folder / "entered").read_text()) <= workers


ENTERS_ONCE = """
import os
class Mine(MemoryHarness):
    def __enter__(self):
        if "test_the_flavor_can_be_asked" not in os.environ["PYTEST_CURRENT_TEST"]:  # in the worker that does not ask rule zero
            raise ConnectionError("the server did not start")
        return self
"""


def test_a_run_in_which_rules_were_blocked_is_no_success_though_nothing_failed(project: Project) -> None:
    project.write(ENTERS_ONCE)
    done = project.run("-n", "2")
    assert "passed" in counted(done) and "blocked" in counted(done) and "error" not in counted(done) and "failed" not in counted(done)
    assert done.returncode == 1 and "rules could not be asked" in done.stdout

"""What is looked at around every rule: leaks, secrets, hangs, requests, the time zone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from gauge_kit import Project, counted

WIRED = """
from wired_gauge import *
import logging, os, sys, threading, time, warnings, subprocess, tempfile
class Mutant(WiredGauge):
    kept = []
{body}
class Mine(WiredHarness):
    flavor = Mutant
    patience = 5.0
    {harness}
"""
RESETS = "    def _reset(self):\n        {line}\n        super()._reset()"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def write(project: Project, line: str = "", body: str = "", harness: str = "pass") -> None:
    project.write(WIRED.format(body=body or RESETS.format(line=line), harness=harness))


def rows(project: Project) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in json.loads((project.folder / "out" / "report.json").read_text())["rules"]}


def run(project: Project, *words: str) -> Any:
    return project.run("--effort", "quick", "--report", str(project.folder / "out"), *words)


LEAKS = {
    "descriptor": "self.kept.append(os.open(os.devnull, os.O_RDONLY))",
    "threads": "threading.Thread(target=threading.Event().wait, daemon=True).start()",
    "child": "self.kept.append(subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE))",
    "file": "os.close(tempfile.mkstemp()[0])",
}


def test_what_any_rule_leaves_behind_fails_the_rule_about_leaks(project: Project) -> None:
    write(project, "; ".join(LEAKS.values()))
    done = run(project, "--only", "GA-02,XC-09")
    assert done.returncode == 1, done.stdout
    found = rows(project)
    assert found["GA-02"]["outcome"] == "passed" and found["XC-09"]["outcome"] == "failed"  # which calls no reset itself
    detail = found["XC-09"]["detail"]
    assert "ran GA-02" in detail and [what for what in LEAKS if what not in detail.partition("left behind:")[2]] == []
    assert "census" not in detail


def test_what_is_left_in_the_backend_is_a_leak_too(project: Project) -> None:
    write(project, harness="def census(self, component): return {'readings': len(self.raw(component))}")
    done = run(project, "--only", "GA-01,GA-02")
    assert done.returncode == 1
    detail = rows(project)["XC-09"]["detail"]
    assert "ran GA-01" in detail and "in the backend: readings (2)" in detail and "GA-02" not in detail
    assert "do not count it in the harness's `census`" in detail


ONCE = "self.kept or self.kept.append(os.open(os.devnull, os.O_RDONLY))"
SOON = "threading.Timer(0.2, lambda: None).start()"
GARBAGE = "self.me = [self, open(os.devnull)]"


def test_what_is_made_once_or_ends_soon_or_is_garbage_is_no_leak(project: Project) -> None:
    write(project, "; ".join([ONCE, SOON, GARBAGE]))
    done = run(project, "--only", "GA-02,GA-03")
    assert done.returncode == 0 and "2 passed" in counted(done), done.stdout


POOL = "len(self.kept) < 2 and self.kept.append(os.open(os.devnull, os.O_RDONLY))"


def test_a_pool_that_grows_up_to_some_size_is_no_leak(project: Project) -> None:
    write(project, POOL)
    done = run(project, "--only", "GA-02")
    assert done.returncode == 0 and "1 passed" in counted(done), done.stdout


def test_what_is_made_once_per_harness_is_no_leak_though_the_rule_is_the_last(project: Project) -> None:
    harness = """def make(self, **config):
        if 'kept' not in vars(self): self.kept = os.open(os.devnull, os.O_RDONLY)
        return super().make(**config)
    def __exit__(self, *_): os.close(self.kept); super().__exit__(*_); self.ended.append(1)
    ended = []
    flavor = Mutant
    @property
    def capabilities(self): return Mutant.capabilities"""
    body = (
        "    pass\nimport dovetail_conformance.session\ndovetail_conformance.session.zero_problem = lambda *_: ''  # makes nothing before"
    )
    write(project, body=body, harness=harness)
    done = run(project, "--only", "GA-01")
    assert done.returncode == 0 and "1 passed" in counted(done), done.stdout


def test_a_harness_that_cannot_end_is_an_error_of_the_last_rule(project: Project) -> None:
    write(project, harness="def __exit__(self, *_): super().__exit__(*_); raise OSError('the server is stuck')")
    done = run(project, "--only", "GA-01,GA-03")
    outcomes = sorted(rows(project)[id]["outcome"] for id in ("GA-01", "GA-03"))
    assert done.returncode == 1 and outcomes == ["error", "passed"] and "the server is stuck" in done.stdout


def test_what_lives_as_long_as_the_component_is_no_leak(project: Project) -> None:
    harness = """def make(self, **config):
        import weakref
        component = super().make(**config)
        weakref.finalize(component, os.close, os.open(os.devnull, os.O_RDONLY))
        return component"""
    write(project, harness=harness)
    done = run(project, "--only", "GA-01,GA-02")
    assert done.returncode == 0 and "2 passed" in counted(done), done.stdout


def test_a_leak_that_the_flavor_declares_is_a_deviation_however_it_shows(project: Project) -> None:
    deviations = "deviations = {'XC-09': __import__('dovetail_conformance').Deviation('it leaks', owner='backend')}"
    write(project, LEAKS["descriptor"], harness=deviations)
    done = run(project, "--only", "GA-02,XC-09")
    assert done.returncode == 0 and rows(project)["XC-09"]["outcome"] == "deviation", done.stdout


TOKEN = "self.config.token.get_secret_value()"
PLACES = {
    "log of gauge": f"logging.getLogger('gauge').debug('as %s', {TOKEN})",
    "standard output": f"print({TOKEN})",
    "standard error": f"print(__import__('base64').b64encode({TOKEN}.encode()).decode(), file=sys.stderr)",
    "a warning": f"warnings.warn(__import__('urllib.parse').parse.quote({TOKEN}, safe=''), DeprecationWarning)",
    "arguments or environment of a child": f"subprocess.run([sys.executable, '-c', '', {TOKEN}])",
}


def test_a_secret_that_is_seen_around_any_rule_fails_the_rule_about_secrets(project: Project) -> None:
    write(project, "; ".join(PLACES.values()))
    done = run(project, "--only", "GA-02,XC-01")
    assert done.returncode == 1, done.stdout
    found = rows(project)
    assert found["GA-02"]["outcome"] == "passed" and found["XC-01"]["outcome"] == "failed"  # which calls no reset itself
    assert f"came: {', '.join(sorted(PLACES))}" in found["XC-01"]["detail"] and "ran GA-02" in found["XC-01"]["detail"]


def test_a_secret_in_an_error_is_found_and_not_published(project: Project) -> None:
    write(project, f"raise ValueError('no ' + {TOKEN})")
    done = run(project, "--only", "GA-02")
    found = rows(project)
    assert found["GA-02"]["outcome"] == "failed" and "str and repr of ValueError" in found["XC-01"]["detail"]
    assert "canary" not in (project.folder / "out" / "report.json").read_text() and done.returncode == 1
    assert "ValueError: no ***" in done.stdout and "canary" not in done.stdout


def test_a_secret_in_the_output_of_a_rule_that_fails_is_not_shown(project: Project) -> None:
    write(project, f"print('as', {TOKEN}); raise ValueError('no')")
    done = run(project, "--only", "GA-02")
    assert "Captured stdout call" in done.stdout and "as ***" in done.stdout and "canary" not in done.stdout
    assert "standard output" in rows(project)["XC-01"]["detail"]


def test_a_secret_that_is_too_short_to_look_for_fails_nothing(project: Project) -> None:
    write(project, body="    pass", harness="credentials = Harness.credentials\nimport wired_gauge; wired_gauge.GOOD = 'abc'")
    run(project, "--only", "XC-01")
    row = rows(project)["XC-01"]
    assert row["outcome"] == "untested" and "too short to look for" in row["detail"]


def test_handlers_see_what_they_would_see_without_the_suite(project: Project) -> None:
    line = "logging.getLogger('gauge').debug('hidden'); logging.getLogger('gauge').error('shown'); assert not seen[1:] or 1 / 0"
    head = "seen = []\nclass Keeps(logging.Handler):\n    def emit(self, record): seen.append(record)\nlogging.getLogger().addHandler(Keeps())\n"
    project.write(WIRED.format(body=RESETS.format(line=line), harness="pass").replace("class Mutant", head + "class Mutant"))
    done = run(project, "--only", "GA-02")
    assert done.returncode == 0, done.stdout


HANGS = "threading.Event().wait()"
STUBBORN = "[stubborn() for _ in iter(int, 1)]"
HEAD = "def stubborn():\n    try:\n        time.sleep(60)\n    except BaseException: pass\n"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_rule_that_hangs_fails_with_the_stacks_and_the_run_goes_on(project: Project, workers: str) -> None:
    write(project, HANGS)
    done = run(project, "--limit", "3", "--only", "GA-01,GA-02,GA-03,GA-05", "-n", workers)
    found = rows(project)
    assert {id: row["outcome"] for id, row in found.items() if id.startswith("GA") and id != "GA-04"} == {
        "GA-01": "passed", "GA-02": "failed", "GA-03": "passed", "GA-05": "passed",
    }, done.stdout  # fmt: skip
    detail = found["GA-02"]["detail"]
    assert "a hang: it did not end within 3 seconds" in detail and "in _reset" in detail and "thread MainThread" in detail
    assert not found["GA-02"]["crashed"] and done.returncode == 1


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_rule_that_does_not_heed_the_watchdog_is_reported_too(project: Project, workers: str) -> None:
    project.write(WIRED.format(body=RESETS.format(line=STUBBORN), harness="pass").replace("class Mutant", HEAD + "class Mutant"))
    done = run(project, "--limit", "2", "--only", "GA-01,GA-02", "-n", workers)
    found = rows(project)
    assert done.returncode == 1 and found["GA-02"]["outcome"] == "failed" and "in stubborn" in found["GA-02"]["detail"], done.stdout


def test_a_rule_in_which_the_process_dies_is_a_failure(project: Project) -> None:
    write(project, "os._exit(3)")
    done = run(project, "--only", "GA-01,GA-02", "-n", "2")
    found = rows(project)
    assert done.returncode == 1 and found["GA-02"]["outcome"] == "failed" and "the process died" in found["GA-02"]["detail"], done.stdout
    assert found["GA-02"]["crashed"] and found["GA-01"]["outcome"] == "passed"


DEVIATES = "deviations = {'GA-02': __import__('dovetail_conformance').Deviation('the server is slow', owner='backend', link='l')}"
ENDS = {"in time": HANGS, "not at all": STUBBORN, "by a death": "os._exit(3)"}


@pytest.mark.parametrize(("ends", "workers"), [("in time", "1"), ("in time", "2"), ("not at all", "2"), ("by a death", "2")])
def test_a_hang_or_a_death_that_the_flavor_declares_is_a_deviation(project: Project, ends: str, workers: str) -> None:
    project.write(WIRED.format(body=RESETS.format(line=ENDS[ends]), harness=DEVIATES).replace("class Mutant", HEAD + "class Mutant"))
    done = run(project, "--limit", "2", "--only", "GA-01,GA-02", "-n", workers)
    found = rows(project)
    assert found["GA-02"]["outcome"] == "deviation" and "the server is slow" in found["GA-02"]["detail"], done.stdout
    assert found["GA-01"]["outcome"] == "passed" and done.returncode == 0, done.stdout


def test_a_rule_that_does_not_heed_the_watchdog_alone_in_its_run_is_a_deviation_too(project: Project) -> None:
    project.write(WIRED.format(body=RESETS.format(line=STUBBORN), harness=DEVIATES).replace("class Mutant", HEAD + "class Mutant"))
    run(project, "--limit", "2", "--only", "GA-02")
    assert rows(project)["GA-02"]["outcome"] == "deviation"


@pytest.mark.parametrize("ends", ["time.sleep(60)", "os._exit(3)"])
def test_a_hang_or_a_death_in_a_rule_newer_than_the_flavor_is_an_advisory(project: Project, ends: str) -> None:
    write(project, body=f"    name = property(lambda self: {ends}, lambda self, value: None)")
    done = run(project, "--limit", "2", "--only", "GA-01,GA-04", "-n", "2")
    assert rows(project)["GA-04"]["outcome"] == "advisory" and done.returncode == 0, done.stdout


def test_requests_are_counted_for_every_rule(project: Project) -> None:
    write(project)
    done = run(project, "--only", "GA-01,GA-03,XC-13")
    found = rows(project)
    assert done.returncode == 0
    assert (found["GA-01"]["requests"], found["GA-03"]["requests"], found["XC-13"]["requests"]) == (4, 1, 0)


@pytest.mark.parametrize(("budget", "outcome"), [(4, "passed"), (3, "advisory")])
def test_a_budget_that_is_exceeded_is_an_advisory(project: Project, budget: int, outcome: str) -> None:
    write(project)
    gauge = project.folder / "gauge.py"
    gauge.write_text(gauge.read_text().replace('@rule("GA-01", severity=1)', f'@rule("GA-01", severity=1, budget={budget})'))
    done = run(project, "--only", "GA-01")
    row = rows(project)["GA-01"]
    assert done.returncode == 0 and row["outcome"] == outcome and row["budget"] == budget
    assert outcome == "passed" or "4 requests; its budget is 3" in row["detail"]


def test_rules_of_an_authors_own_class_run_in_another_time_zone_and_folder(project: Project) -> None:
    line = "assert time.tzname[0] == 'NST' and 'dovetail-rules-' in tempfile.gettempdir()"
    write(project, line)
    (project.folder / "test_mine.py").write_text(
        "import pytest\nfrom mine import *\nfrom gauge import GaugeContract\nclass TestMine(GaugeContract):\n"
        "    @pytest.fixture(scope='class')\n    @classmethod\n    def harness(cls):\n        with Mine() as harness:\n            yield harness\n"
        "def test_afterwards(): assert time.tzname[0] != 'NST' and 'dovetail-rules-' not in tempfile.gettempdir()\n"
    )
    done = project.pytest("test_mine.py", "-k", "reset or afterwards")
    assert done.returncode == 0 and "2 passed" in counted(done), done.stdout


UNHEARD = """
def pytest_configure(config):
    if found := config.pluginmanager.get_plugin("dovetail-conformance-crashes"):
        config.pluginmanager.unregister(found)
"""


@pytest.mark.parametrize("conftest", ["", UNHEARD])
def test_a_project_without_rules_may_give_its_tests_to_processes_as_it_likes(project: Project, conftest: str) -> None:
    (project.folder / "conftest.py").write_text(conftest)
    (project.folder / "test_theirs.py").write_text("def test_theirs(): pass\n")
    done = project.pytest("--dist", "load", "--tx", "popen", "test_theirs.py")
    assert done.returncode == 0 and "1 passed" in counted(done), done.stdout + done.stderr


def test_a_look_around_that_finds_nothing_waits_for_nothing() -> None:
    from dovetail_conformance.instruments import Census

    before = Census.glance()
    assert [Census.settled(before, 3600) for _ in range(20)] == [{}] * 20

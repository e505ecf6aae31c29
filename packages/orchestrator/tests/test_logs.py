"""Logs: complete, bounded, separate per step and attempt, and without secrets."""

import os
import sys
import threading

import pytest
from orchestrator_kit import chain, plan
from test_processes import isolated

from dovetail_core import MASK, NotFound, remember_secret
from dovetail_core.jobs import RetryPolicy
from dovetail_orchestrator import StepPlan

NAMES = [
    "plain",
    "Plain",
    "with spaces",
    "../../../../etc/passwd",
    "a/b",
    "a_b",
    "a.1",
    "a",
    "ünïcödé 模型 🦄",
    "u\u0308",
    "\u00fc",
    "-rf",
    ".",
    "..",
    "CON",
    "new\nline",
    "tab\t",
    "%41",
    "train[0]",
    "x" * 63 + "1",
    "x" * 63 + "2",
    "y" * 255,
    "y" * 256,
    "模" * 300,
    "{{secret.key}}",
    "'; DROP TABLE steps; --",
]


def test_any_names_run_and_have_logs_of_their_own(orchestrator, launcher):
    launcher.here = {name: lambda attempt, log, name=name: log.write(name.encode()) for name in NAMES}
    status = orchestrator.run(plan("r", *NAMES), launcher)
    assert status.state == "succeeded" and list(status.steps) == NAMES
    for name in NAMES:
        assert "\n".join(orchestrator.logs("r", name)) == name
    root = orchestrator.config.path
    assert {path.name for path in root.parent.iterdir()} == {"runs", "launcher"}
    assert len(list((root / "r" / "logs").iterdir())) == len(NAMES)


def test_any_names_run_in_processes(make, launcher):
    names = NAMES[:6] + NAMES[-4:]
    launcher.programs = dict.fromkeys(names, "print(ascii(sys.argv[2])); commit()")
    orchestrator = make(mode="processes", max_parallel=2)
    assert orchestrator.run(plan("r", *names), launcher).state == "succeeded"
    assert [list(orchestrator.logs("r", name)) for name in names] == [[ascii(name)] for name in names]


@pytest.mark.parametrize("run_id", ["../r", "a/b", "", ".", "x" * 101, "r r"])
def test_a_run_id_that_is_no_file_name_is_refused(orchestrator, launcher, run_id):
    with pytest.raises(ValueError):
        orchestrator.run(plan(run_id, "a"), launcher)
    assert launcher.executed() == []


def test_a_step_that_printed_nothing_has_no_lines_and_no_file(orchestrator, launcher):
    orchestrator.run(plan("r", "a", StepPlan(name="b", upstream=("a",))), launcher)
    assert list(orchestrator.logs("r", "a")) == []
    assert list((orchestrator.config.path / "r" / "logs").iterdir()) == []


def test_each_attempt_has_its_own(orchestrator, launcher):
    def speak(attempt, log):
        log.write(b"attempt %d\n" % attempt)
        if attempt < 3:
            raise ValueError("again")

    launcher.here = {"a": speak}
    orchestrator.run(plan("r", StepPlan(name="a", retry=RetryPolicy(retries=2, delay=0))), launcher)
    assert [list(orchestrator.logs("r", "a", number)) for number in (1, 2, 3, None)] == [[f"attempt {n}"] for n in (1, 2, 3, 3)]
    with pytest.raises(NotFound):
        orchestrator.logs("r", "a", 4)


def test_a_step_that_never_began_has_none(orchestrator, launcher):
    launcher.here = {"a": lambda attempt, log: 1 / 0}
    orchestrator.run(chain("r", "ab"), launcher)
    assert list(orchestrator.logs("r", "b")) == []


def test_a_hundred_thousand_lines_of_a_crashed_step_are_there_to_the_last_byte(orchestrator, launcher):
    program = "for n in range(100_000): os.write(1 + n % 2, b'line %d\\n' % n)\nos.write(1, b'the end'); os.kill(os.getpid(), 9)"
    launcher.programs = {"a": program}
    assert orchestrator.run(plan("r", isolated("a")), launcher).state == "failed"
    lines = list(orchestrator.logs("r", "a"))
    assert len(lines) == 100_001 and lines[-2:] == ["line 99999", "the end"]


def test_what_python_printed_before_it_was_killed_is_there(orchestrator, launcher, monkeypatch):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    launcher.programs = {"a": "print('no newline', end=''); os._exit(1)"}
    orchestrator.run(plan("r", isolated("a")), launcher)
    assert list(orchestrator.logs("r", "a")) == ["no newline"]


def test_a_log_is_readable_while_its_step_runs(orchestrator, make, launcher):
    written, go = threading.Event(), threading.Event()

    def speak(attempt, log):
        log.write(b"early")
        written.set()
        go.wait(20)

    launcher.here = {"a": speak}
    handle = orchestrator.submit(plan("r", "a"), launcher)
    written.wait(20)
    assert list(make().logs("r", "a")) == ["early"]
    go.set()
    handle.wait(20)


def test_bytes_that_are_no_text_are_replaced_and_lines_end_at_line_ends_only(orchestrator, launcher):
    launcher.here = {"a": lambda attempt, log: log.write(b"\xff\xfe\x00ok\n\xe6\xa8\nform\x0cfeed\xe2\x80\xa8same\r50%\r100%\r\nlast")}
    orchestrator.run(plan("r", "a"), launcher)
    assert list(orchestrator.logs("r", "a")) == ["\ufffd\ufffd\x00ok", "\ufffd", "form\x0cfeed\u2028same\r50%\r100%", "last"]


@pytest.mark.parametrize("how", ["here", "process"])
def test_past_its_limit_a_log_says_how_much_was_dropped(make, launcher, how):
    orchestrator = make(log_limit=1000)
    launcher.here = {"a": lambda attempt, log: [log.write(b"x" * 99 + b"\n") for _ in range(50)] and None}
    if how == "process":
        launcher.programs = {"a": "for _ in range(50): os.write(1, b'x' * 99 + b'\\n')\ncommit()"}
    orchestrator.run(plan("r", StepPlan(name="a", isolated=how == "process")), launcher)
    lines = list(orchestrator.logs("r", "a"))
    assert lines[:10] == ["x" * 99] * 10
    assert len(lines) == 11 and "4000 bytes" in lines[10] and "1000 bytes" in lines[10]


def test_the_last_line_stands_alone_when_a_line_was_cut(make, launcher):
    orchestrator = make(log_limit=10)
    launcher.here = {"a": lambda attempt, log: log.write(b"x" * 25)}
    orchestrator.run(plan("r", "a"), launcher)
    first, last = orchestrator.logs("r", "a")
    assert first == "x" * 10 and "15 bytes" in last


def test_with_no_room_at_all_only_the_count_is_kept(make, launcher):
    orchestrator = make(log_limit=0)
    launcher.here = {"a": lambda attempt, log: log.write(b"x" * 25)}
    orchestrator.run(plan("r", "a"), launcher)
    assert [("25 bytes" in line) for line in orchestrator.logs("r", "a")] == [True]


SECRET = "orchestrator-canary-8f1d\nsecond-line"


def test_secrets_are_masked_also_where_the_output_comes_in_pieces(orchestrator, launcher):
    remember_secret(SECRET)
    data = f"ünder <{SECRET}> after".encode()

    def speak(attempt, log):
        for byte in data:
            log.write(bytes([byte]))
        log.write(b" orchestrator-canary-8f is no secret, and this may become one: orchestrator-can")

    launcher.here = {"a": speak}
    launcher.programs = {"b": f"[(os.write(1, bytes([b])), time.sleep(0.0005)) for b in {data!r}]; commit()"}
    orchestrator.run(plan("r", "a", isolated("b")), launcher)
    path = orchestrator.config.path / "r" / "logs"
    assert all(b"8f1d" not in file.read_bytes() and b"second-line" not in file.read_bytes() for file in path.iterdir())
    rest = " orchestrator-canary-8f is no secret, and this may become one: orchestrator-can"
    assert list(orchestrator.logs("r", "a")) == [f"ünder <{MASK}> after{rest}"]
    assert list(orchestrator.logs("r", "b")) == [f"ünder <{MASK}> after"]


def test_secrets_are_masked_in_failures(orchestrator, launcher):
    remember_secret(SECRET)

    def fail(attempt, log):
        raise ValueError(f"cannot log in with {SECRET}")

    launcher.here = {"a": fail}
    orchestrator.run(plan("r", "a"), launcher)
    assert b"8f1d" not in (orchestrator.config.path / "r" / "journal").read_bytes()
    assert MASK in orchestrator.status("r").steps["a"].failure.message


def test_many_threads_write_whole_pieces(orchestrator, launcher):
    def speak(attempt, log):
        threads = [threading.Thread(target=lambda n=n: [log.write(b"%d" % n * 50 + b"\n") for _ in range(50)]) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    launcher.here = {"a": speak}
    orchestrator.run(plan("r", "a"), launcher)
    lines = list(orchestrator.logs("r", "a"))
    assert sorted(lines) == sorted(str(n) * 50 for n in range(8) for _ in range(50))


def test_what_is_written_after_the_end_of_an_attempt_is_dropped(orchestrator, launcher):
    kept = []
    launcher.here = {"a": lambda attempt, log: kept.append(log)}
    orchestrator.run(plan("r", "a"), launcher)
    kept[0].write(b"late")
    assert list(orchestrator.logs("r", "a")) == []


def test_a_step_does_not_fail_for_its_log(make, launcher, tmp_path):
    """Standard output on a full device would be one thing; here the log's directory has become unusable."""
    orchestrator = make()
    logs = orchestrator.config.path / "r" / "logs"

    def speak(attempt, log):
        os.rmdir(logs)
        logs.write_text("no directory")
        log.write(b"dropped")

    launcher.here = {"a": speak}
    assert orchestrator.run(plan("r", "a"), launcher).state == "succeeded"


def test_output_of_grandchildren_belongs_to_the_step(orchestrator, launcher):
    launcher.programs = {"a": "subprocess.run([sys.executable, '-c', 'print(\"below\")']); print('above'); commit()"}
    orchestrator.run(plan("r", isolated("a")), launcher)
    assert list(orchestrator.logs("r", "a")) == ["below", "above"]
    assert sys.executable

"""The console: what is printed, where, and what is asked."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dovetail_alerter import Alert, ConsoleAlerter, Level, Link, Question
from dovetail_alerter.contract.pseudo_terminal import PseudoTerminal
from dovetail_alerter.terminal import people, user_name
from dovetail_conformance import until
from dovetail_core import Cancelled, NotFound, NotReady, Timeout, Unavailable

ALERT = Alert(
    "it broke", "why\nand how", Level.ERROR, {"Run": "r1", "Pipeline": "p"}, (Link("https://example.org/r1", "more"),), "trace\n  line"
)
PRINTED = """\
[error] it broke
  why
  and how
  Run:      r1
  Pipeline: p
  more: https://example.org/r1
  | trace
  |   line
"""


def test_an_alert_is_printed_to_the_stream_of_the_config(capsys: pytest.CaptureFixture[str]) -> None:
    ConsoleAlerter().post(ALERT)
    ConsoleAlerter(stream="stdout").post(ALERT)
    assert capsys.readouterr() == (PRINTED, PRINTED)


def test_a_file_is_appended_to_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "alerts"
    for _ in range(2):
        ConsoleAlerter(device=file).post(ALERT)
    assert file.read_text() == PRINTED * 2 and file.stat().st_mode & 0o777 == 0o600


def test_color_is_for_terminals_unless_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ConsoleAlerter(color="always").post(Alert("a", level="error"))  # type: ignore[arg-type]
    assert capsys.readouterr().err == "\x1b[1;31m[error] a\x1b[0m\n"
    terminal = PseudoTerminal()
    ConsoleAlerter(device=terminal.name).post(Alert("colored"))
    monkeypatch.setenv("NO_COLOR", "1")
    ConsoleAlerter(device=terminal.name).post(Alert("plain"))
    assert terminal.text() == "\x1b[1m[info] colored\x1b[0m\n[info] plain\n"
    terminal.close()


def test_what_the_stream_cannot_encode_is_shown_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", ascii_only)
    ConsoleAlerter().post(Alert("na\u00efve"))
    assert ascii_only.buffer.getvalue() == b"[info] na\\xefve\n"  # type: ignore[attr-defined]


def test_a_stream_that_is_closed_missing_or_full_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    with pytest.raises(Unavailable):
        ConsoleAlerter().post(Alert("a"))
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(NotReady):
        ConsoleAlerter().check()
    with pytest.raises(Unavailable, match="No space left"):
        ConsoleAlerter(device="/dev/full").post(Alert("a"))


def test_without_a_terminal_nothing_is_asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    with pytest.raises(NotReady) as caught:
        ConsoleAlerter().ask(Question("Deploy?"))
    assert not caught.value.retryable and capsys.readouterr() == ("", "")
    (tmp_path / "file").write_text("yes\n")
    for device in ("file", "missing"):
        with pytest.raises(NotReady):
            ConsoleAlerter(device=tmp_path / device).ask(Question("Deploy?"))


def test_a_program_without_a_terminal_is_told_so_and_goes_on() -> None:
    code = "from dovetail_alerter import *; ConsoleAlerter().ask(Question('Deploy?'))"
    done = subprocess.run([sys.executable, "-c", code], input="yes\n", capture_output=True, text=True, timeout=60, check=False)
    assert "NotReady" in done.stderr and "[warning] Deploy?" not in done.stderr


def test_an_answer_is_asked_for_until_it_is_one() -> None:
    terminal = PseudoTerminal()

    def answer() -> None:
        until(lambda: "yes / no> " in terminal.text())
        terminal.type("perhaps\n")
        until(lambda: terminal.text().count("yes / no> ") == 2)
        terminal.type("Yes\n")

    threading.Thread(target=answer).start()
    question = Question("Deploy?", approve=("yes",), reject=("no",))
    given = ConsoleAlerter(device=terminal.name, color="never").ask(question, timeout=20, approvers=[user_name()])
    assert (given.approved, given.by, given.text) == (True, user_name(), "Yes")
    assert terminal.text().endswith(f"  yes / no> Yes\n  approved by {user_name()}\n")
    terminal.close()


def test_the_end_of_input_is_no_answer() -> None:
    terminal = PseudoTerminal()

    def leave() -> None:
        until(lambda: "> " in terminal.text())
        terminal.type("\x04")

    threading.Thread(target=leave).start()
    with pytest.raises(Cancelled):
        ConsoleAlerter(device=terminal.name).ask(Question("Deploy?"), timeout=20)
    terminal.close()


def test_a_question_waits_for_the_one_before_it() -> None:
    terminal = PseudoTerminal()
    alerter = ConsoleAlerter(device=terminal.name, color="never")

    def ask_first() -> None:
        with pytest.raises(Timeout):
            alerter.ask(Question("first"), timeout=0.6)

    first = threading.Thread(target=ask_first)
    first.start()
    until(lambda: "first" in terminal.text())
    with pytest.raises(Timeout, match="another question"):
        alerter.ask(Question("second"), timeout=0.1)
    first.join()
    assert "second" not in terminal.text() and "nobody has decided" in terminal.text()
    terminal.close()


def test_approvers_are_users_and_groups_of_this_machine() -> None:
    import grp
    import os

    assert people(user_name()) == (user_name(),)
    assert user_name() in people(grp.getgrgid(os.getgid()).gr_name)
    with pytest.raises(NotFound):
        people("nobody-of-this-name")


def test_importing_the_flavors_imports_neither_rich_nor_regex() -> None:
    code = "import sys, dovetail_alerter.console, dovetail_alerter.memory; print([m for m in ('rich', 'regex', 'termios') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"

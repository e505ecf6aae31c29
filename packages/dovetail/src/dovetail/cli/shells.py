"""What shells ask for completions: nothing but the answer is ever printed, and a word with `:` or `=` is one word, as bash does not have it."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from click.shell_completion import BashComplete, CompletionItem, FishComplete, ShellComplete, ZshComplete, add_completion_class

VARIABLE = "_DOVETAIL_COMPLETE"
"""Environment variable by which a shell's script asks."""
_BREAKS = {":", "="}


def register() -> None:
    """Let click answer the shells by the classes here."""
    for kind in (Bash, Zsh, Fish):
        add_completion_class(kind)


class _Quiet(ShellComplete):
    """Answers nothing rather than an error; what the project's or a flavor's code prints when it is imported is dropped."""

    def complete(self) -> str:
        try:
            with _silence():
                return super().complete()
        except BaseException:  # also SystemExit at import: a traceback would be spilled into the line that is being typed
            return ""


class Bash(_Quiet, BashComplete):
    """Bash, which breaks words at `:` and `=` unless it is told otherwise, and replaces what is after the last break only."""

    def get_completion_args(self) -> tuple[list[str], str]:
        words, last = super().get_completion_args()
        *before, incomplete = joined([*words, last])
        self._replaced = incomplete.rpartition(":")[0] + ":" if incomplete != last and ":" in incomplete else ""
        return before, incomplete

    def format_completion(self, item: CompletionItem) -> str:
        value = str(item.value)
        return super().format_completion(CompletionItem(value.removeprefix(self._replaced), item.type, item.help))


class Zsh(_Quiet, ZshComplete):
    """Zsh, as click has it."""


class Fish(_Quiet, FishComplete):
    """Fish, as click has it."""


def joined(words: Sequence[str]) -> list[str]:
    """Return words that bash broke at `:` and `=` as they were typed; an empty last word is one by itself."""
    whole: list[str] = []
    open_end = False
    for word in words:
        if whole and word and (open_end or word[0] in _BREAKS):
            whole[-1] += word
        else:
            whole.append(word)
        open_end = bool(word) and set(word) <= _BREAKS
    return whole


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Drop what is written to stdout and stderr, by Python or by anything else in the process."""
    kept = [os.dup(number) for number in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    streams: Any = io.StringIO()
    try:
        for number in (1, 2):
            os.dup2(nowhere, number)
        with contextlib.redirect_stdout(streams), contextlib.redirect_stderr(streams):
            yield
    finally:
        sys.stdout.flush()
        for number, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)

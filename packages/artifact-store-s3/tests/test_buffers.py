"""Memory of parts: one that grows, and one that comes from the system in large pages."""

from __future__ import annotations

import ctypes
import mmap
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from dovetail_artifact_store_s3 import buffers
from dovetail_artifact_store_s3.buffers import Buffer, Buffers

SIZE = 4 << 20


@pytest.fixture(params=[False, True], ids=["bytearrays", "views"])
def several(request: pytest.FixtureRequest) -> Buffers:
    return Buffers(lambda: request.param)


def test_what_is_added_is_kept_whether_it_is_copied_or_was_written_to_its_place(several: Buffers) -> None:
    buffer = several.take(SIZE)
    buffer.add(memoryview(b"copied "))
    place = buffer.space(SIZE)
    assert len(place) == SIZE - 7
    place[:6] = b"placed"
    buffer.add(place[:6])
    del place  # a bytearray of which there is a view keeps its length
    buffer.add(memoryview(b" end"))
    assert bytes(buffer.content()) == b"copied placed end"


def test_a_buffer_takes_what_it_was_taken_for(several: Buffers) -> None:
    buffer = several.take(SIZE)
    buffer.space(SIZE)[:] = b"x" * SIZE
    buffer.add(memoryview(buffer.memory))
    assert bytes(buffer.content()) == b"x" * SIZE


def test_memory_of_the_same_size_is_used_again(several: Buffers) -> None:
    first = several.take(SIZE)
    first.space(SIZE)[:3] = b"old"
    first.add(memoryview(b"x" * SIZE))
    several.give_back(first)
    again = several.take(SIZE)
    assert again.memory is first.memory
    again.add(memoryview(b"new"))
    assert bytes(again.content()) == b"new"
    several.give_back(again)
    assert several.take(2 * SIZE).memory is not first.memory


def test_a_buffer_that_grew_by_itself_gives_room_up_to_a_part() -> None:
    buffer = Buffer(bytearray())
    buffer.add(memoryview(b"first"))
    space = buffer.space(SIZE)
    assert len(space) == SIZE - 5
    space[:4] = b"more"
    buffer.add(space[:4])
    del space
    assert buffer.content() == b"firstmore"


@pytest.mark.skipif(not Path("/sys/kernel/mm/transparent_hugepage").is_dir(), reason="this system has no large pages to ask for")
def test_views_are_of_memory_for_which_large_pages_are_asked() -> None:
    memory = Buffers(lambda: True).take(SIZE).memory
    assert isinstance(memory, mmap.mmap)
    assert "hg" in flags_of(ctypes.addressof(ctypes.c_char.from_buffer(memory)))


def flags_of(address: int) -> list[str]:
    """Return what the system says of the piece of memory that an address is in."""
    for piece in re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text())[1:]:
        start, end = (int(bound, 16) for bound in piece.split(" ", 1)[0].split("-"))
        if start <= address < end:
            return piece.partition("VmFlags:")[2].split()
    return []


def test_where_the_system_has_no_large_pages_memory_is_a_bytearray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "mmap", SimpleNamespace())
    assert buffers.mapped(SIZE) == bytearray(SIZE)

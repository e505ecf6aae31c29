"""What other processes execute: functions and a component that can be pickled by name."""

from __future__ import annotations

import os
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from dovetail_core import Component, ComponentConfig, NotFound


def put(url: str) -> None:
    for number in range(3):
        request = urllib.request.Request(f"{url}/x", data=b"%d" % number, method="PUT")
        urllib.request.urlopen(request, timeout=10).close()


def write(folder: Path) -> None:
    for name in "abc":
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT)
        os.write(descriptor, b"data")
        os.close(descriptor)


def wait() -> None:
    threading.Event().wait(60)


class Nothing(ComponentConfig):
    """Nothing to set."""


class Widget(Component):
    type = "widget"
    flavor = "plain"
    Config = Nothing

    def add(self, one: int, other: int = 1) -> int:
        return one + other

    def each(self) -> Iterator[int]:
        yield from (1, 2)

    def fail(self) -> None:
        raise NotFound("there is none", remedy="make one")

    def pid(self) -> int:
        return os.getpid()


class Doomed(Widget):
    """Ends its process while it is made."""

    def setup(self) -> None:
        os._exit(3)


class Refusing(Widget):
    """Cannot be made."""

    def setup(self) -> None:
        raise ValueError("not like this")


def double(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number * 2

"""Connections to a tracking server that are kept while they wait: balancers forget in silence those on which nothing passes."""

from __future__ import annotations

import socket
from typing import Any

from requests import Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

_PROBES = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))
"""Seconds in which nothing passes until the first probe, seconds between two, and how many: as MLflow's own client has them by default."""


class _Kept(HTTPAdapter):
    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        super().init_poolmanager(*given, **named, socket_options=_options())

    def proxy_manager_for(self, *given: Any, **named: Any) -> Any:
        return super().proxy_manager_for(*given, **named, socket_options=_options())


def _options() -> list[tuple[int, int, int]]:
    probes = [(socket.IPPROTO_TCP, getattr(socket, name), number) for name, number in _PROBES if hasattr(socket, name)]
    return [*HTTPConnection.default_socket_options, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *probes]


def session() -> Session:
    """Return a session with connections of its own."""
    made = Session()
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Kept())
    return made

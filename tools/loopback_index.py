"""A package index on loopback, for a rehearsal: uploads need a password, downloads do not, and it knows nothing but what is uploaded."""

from __future__ import annotations

import secrets
import sys
import threading
from pathlib import Path
from socketserver import ThreadingMixIn
from types import TracebackType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from environments import execute


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


class LoopbackIndex:
    """Serves a folder, which is made, on a free port while its block runs."""

    def __init__(self, folder: Path) -> None:
        import pypiserver

        folder.mkdir(parents=True)
        self._password = secrets.token_urlsafe()
        application = pypiserver.app(
            roots=[folder],
            authenticate=["update"],
            auther=lambda user, password: user == "maintainer" and secrets.compare_digest(password, self._password),
            disable_fallback=True,  # else a name that is not here would lead elsewhere
        )
        self._server = make_server("127.0.0.1", 0, application, server_class=_Server, handler_class=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._upload = f"http://127.0.0.1:{self._server.server_port}/"
        self.url = f"{self._upload}simple/"
        """Where installers look."""

    def __enter__(self) -> LoopbackIndex:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def publish(self, *files: Path, password: str = "") -> None:
        """Upload distributions with twine. Raises `CalledProcessError` if the index refuses one."""
        variables = {"TWINE_USERNAME": "maintainer", "TWINE_PASSWORD": password or self._password}
        command = [sys.executable, "-m", "twine", "upload", "--non-interactive", "--disable-progress-bar"]
        execute([*command, "--repository-url", self._upload, *map(str, files)], environment=variables)

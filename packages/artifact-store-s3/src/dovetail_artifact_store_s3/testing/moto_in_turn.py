"""moto's server, with one change at a time: by itself it compares and writes in two steps, between which another request may come.

python -m dovetail_artifact_store_s3.testing.moto_in_turn PORT
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterable
from typing import Any


class InTurn:
    """A WSGI application whose requests that change something are answered one after the other, each once all of it has arrived."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._turn = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        if environ["REQUEST_METHOD"] not in ("PUT", "POST", "DELETE") or "chunked" in environ.get("HTTP_TRANSFER_ENCODING", ""):
            answer: Iterable[bytes] = self._application(environ, start_response)
            return answer
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        with self._turn:
            return list(self._application(environ, start_response))


def main() -> None:
    """Serve on a port of this machine."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import run_simple

    application = InTurn(DomainDispatcherApplication(create_backend_app))
    run_simple("127.0.0.1", int(sys.argv[1]), application, threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    main()

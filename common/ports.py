"""Ports that stay ours while the processes that listen on them come and go."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from common.errors import HubbubError


def free_port() -> int:
    """A loopback port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def reserved_port(host: str, port: int) -> Iterator[int]:
    """Hold a port, 0 for any, for processes that listen on it with SO_REUSEPORT; yields its number.

    Nothing connects to the holder, since it does not listen; but without it the system might give
    the port away, to whoever connects anywhere, while a process restarts. Raises HubbubError where
    somebody has the port already.
    """
    try:
        holder = _hold(host, port)
    except OSError as error:
        raise HubbubError(f"cannot have {host} port {port}: {error.strerror}") from error
    with holder:
        yield holder.getsockname()[1]


def _hold(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    socket.create_server((host, port), family=family).close()
    holder = socket.socket(family)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    holder.bind((host, port))
    return holder

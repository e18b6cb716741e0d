"""Connections of redis-py under uvloop.

A transport that was closed while a command was on its way to it raises a bare RuntimeError there,
which nobody who minds lost connections would catch.
"""

from typing import Any

from redis.asyncio.connection import AbstractConnection, Connection, ConnectionPool, SSLConnection
from redis.exceptions import ConnectionError as RedisConnectionError


class _Told(AbstractConnection):
    """Says so as redis-py says that a connection was lost."""

    async def send_packed_command(self, command: Any, check_health: Any = True) -> None:  # noqa: FBT002  # the parent's
        """See redis-py. Raises ConnectionError."""
        try:
            await super().send_packed_command(command, check_health)
        except RuntimeError as error:
            raise RedisConnectionError(str(error)) from error


class _TcpConnection(_Told, Connection):
    pass


class _TlsConnection(_Told, SSLConnection):
    pass


def tell_of_closed_transports(pool: ConnectionPool) -> None:
    """Make the connections of a pool raise ConnectionError where their transport was closed."""
    told: dict[type[AbstractConnection], type[AbstractConnection]] = {
        Connection: _TcpConnection,
        SSLConnection: _TlsConnection,
    }
    pool.connection_class = told.get(pool.connection_class, pool.connection_class)

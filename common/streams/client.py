"""The Redis client of Hubbub, and which of its errors pass."""

import asyncio
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    SlotNotCoveredError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from common.settings import RedisSettings
from common.streams.address import Address, parse_address
from common.streams.cluster_client import ClusterClient
from common.streams.connections import tell_of_closed_transports

Client = Any
"""A redis.asyncio.Redis, or the same for a cluster. Its annotations admit every protocol and
decoding at once, which says less than this sentence: replies are of RESP2, undecoded."""


class NotNow(RedisError):
    """The server refuses for now: too few replicas, no disk, or it changes sides."""


PASSING = (
    AskError,
    RedisConnectionError,
    RedisTimeoutError,
    BusyLoadingError,
    ClusterDownError,
    NotNow,
    OutOfMemoryError,
    ReadOnlyError,
    SlotNotCoveredError,
    TryAgainError,
)
"""Errors after which the same command may succeed. AskError includes its child MovedError."""

MOST_CONNECTIONS = 64
"""Of one process. What needs one more waits for it, rather than fail when many ask at once."""

REFUSED = "the server's ACL LOG says what it was; hubbub acl prints what each user needs"
"""What to say where a user lacks a right."""

_NOT_NOW = ("NOREPLICAS", "MISCONF", "UNBLOCKED", "MASTERDOWN")


def refusal(error: ResponseError) -> RedisError:
    """The same error, or one that passes where redis-py knows no name for it."""
    return NotNow(str(error)) if str(error).startswith(_NOT_NOW) else error


def connection_options(timeout_s: float) -> dict[str, Any]:
    """What every blocking connection to a server has in common; redis-py repeats no command."""
    return {
        "socket_connect_timeout": timeout_s,
        "socket_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }


def connect(settings: RedisSettings, *, timeout_s: float = 10) -> Client:
    """A client that opens connections as needed and never repeats a command by itself.

    Whether a command may be repeated is for those to say who know what it does.
    """
    options = {**connection_options(timeout_s), "retry": AsyncRetry(NoBackoff(), 0)}
    address = parse_address(settings.address)
    if address.kind == "cluster":
        return ClusterClient.of(address, options)
    if address.kind == "sentinel":
        return _primary(address, options)
    pool = BlockingConnectionPool.from_url(
        address.whole, max_connections=MOST_CONNECTIONS, timeout=timeout_s, **options
    )
    tell_of_closed_transports(pool)
    return Redis.from_pool(pool)


class _Primary(Redis):
    """Of whichever server the Sentinels say is the primary."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:  # noqa: FBT001  # the parent's
        """Close the connections, those to the Sentinels too."""
        await super().aclose(close_connection_pool)
        pool: Any = self.connection_pool
        for sentinel in pool.sentinel_manager.sentinels:
            await sentinel.aclose()


def _primary(address: Address, options: dict[str, Any]) -> Client:
    """A client whose connections ask the Sentinels where the primary is."""
    sentinels: Any = Sentinel(address.nodes, sentinel_kwargs=options)  # type: ignore[no-untyped-call]  # redis-py
    return sentinels.master_for(address.service, redis_class=_Primary, **address.login, **options)


def check_cancelled() -> None:
    """End a loop around Redis that was told to: call once a round. Raises CancelledError.

    redis-py sends through asyncio.wait_for, which before Python 3.12 loses a cancellation that
    arrives together with its result.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError

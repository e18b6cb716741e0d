"""The Redis client of Hubbub, and which of its errors pass."""

from typing import Any

from redis.asyncio import Redis
from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from common.settings import RedisSettings

Client = Any
"""A redis.asyncio.Redis. Its annotations admit every protocol and decoding at once, which says
less than this sentence: replies are of RESP2, undecoded."""

PASSING = (
    RedisConnectionError,
    RedisTimeoutError,
    BusyLoadingError,
    ClusterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    TryAgainError,
)
"""Errors after which the same command may succeed."""


def connect(settings: RedisSettings, *, timeout_s: float = 10) -> Client:
    """A client that opens connections as needed and never repeats a command by itself.

    Whether a command may be repeated is for those to say who know what it does.
    """
    return Redis.from_url(
        settings.url.get_secret_value(),
        socket_connect_timeout=timeout_s,
        socket_timeout=timeout_s,
        retry=None,
        protocol=2,
    )

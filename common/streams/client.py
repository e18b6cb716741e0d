"""The Redis client of Hubbub, and which of its errors pass."""

import asyncio
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
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
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )


def check_cancelled() -> None:
    """End a loop around Redis that was told to: call once a round. Raises CancelledError.

    redis-py sends through asyncio.wait_for, which before Python 3.12 loses a cancellation that
    arrives together with its result.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError

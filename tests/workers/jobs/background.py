"""Jobs to enqueue in tests. They leave their marks in Redis, as a worker is in another thread."""

import time

from redis import Redis
from rq import get_current_job


def _redis() -> Redis:
    job = get_current_job()
    assert job is not None
    return job.connection


def mark(key: str, value: str) -> None:
    """Append to a list."""
    _redis().rpush(key, value)


def mark_when_told(key: str, value: str) -> None:
    """Say that it began, wait for the word, and append to a list."""
    redis = _redis()
    redis.rpush(f"{key}:began", value)
    redis.blpop(f"{key}:go", timeout=20)
    redis.rpush(key, value)


def explode() -> None:
    """Fail."""
    raise RuntimeError("boom")


def dawdle() -> None:
    """Take far too long."""
    for _ in range(1000):
        time.sleep(0.05)

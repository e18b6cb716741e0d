"""The job that keeps results and meetings no longer than they should be, enqueued once a minute.

Meetings that are being deleted are among them.
"""

import asyncio
import time

import structlog
from rq import Queue

from common.clock import unix_ms
from common.settings import load_settings
from common.streams.client import PASSING, connect
from common.streams.deployment import shard_count
from common.streams.erasure import Erasure
from common.streams.retention import expire

EVERY_S = 60


def expire_results() -> int:
    """The job: returns how many results went."""
    return asyncio.run(_expire())


async def _expire() -> int:
    settings = load_settings()
    redis = connect(settings.redis)
    try:
        shards = await shard_count(redis)
        erasure = Erasure(redis, shards)
        for meeting in await erasure.under_way():
            await erasure.advance(meeting)
        return await expire(redis, settings.redis, shards=shards, now_ms=unix_ms())
    finally:
        await redis.aclose()


async def enqueue_regularly(queue: Queue) -> None:
    """Enqueue the job every minute until cancelled; jobs of the same minute replace each other."""
    while True:
        minute = int(time.time()) // EVERY_S
        try:
            await asyncio.to_thread(
                queue.enqueue, expire_results, job_id=f"retention-{minute}", result_ttl=EVERY_S, ttl=EVERY_S
            )
        except PASSING as error:
            structlog.get_logger().warning("redis_lost", error=str(error))
        await asyncio.sleep(EVERY_S)

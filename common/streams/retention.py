"""What is kept for how long: results by age and bytes, records of meetings by age."""

from common.settings import RedisSettings
from common.stage import Stream
from common.streams import keys
from common.streams.client import Client

_SAMPLES = 20


async def expire(redis: Client, settings: RedisSettings, *, shards: int, now_ms: int) -> int:
    """Drop what is older than the retention; returns how many results went.

    Of a shard whose results take more than their bytes, the oldest go as well. Safe to run at any
    time and from several places.
    """
    oldest_ms = max(0, now_ms - settings.results_retention_s * 1000)
    gone = 0
    for shard in range(shards):
        gone += await redis.xtrim(keys.stream(shard, Stream.RESULTS), minid=oldest_ms, approximate=False)
        gone += await _shrink(redis, shard, settings.results_max_bytes)
        await _forget_meetings(redis, shard, oldest_ms)
    return gone


async def _shrink(redis: Client, shard: int, most_bytes: int) -> int:
    """The share of entries to keep is the share of bytes allowed: entries are alike in size."""
    key = keys.stream(shard, Stream.RESULTS)
    held_bytes = await redis.memory_usage(key, samples=_SAMPLES) or 0
    if held_bytes <= most_bytes:
        return 0
    length: int = await redis.xlen(key)
    trimmed: int = await redis.xtrim(key, maxlen=length * most_bytes // held_bytes, approximate=False)
    return trimmed


async def _forget_meetings(redis: Client, shard: int, oldest_ms: int) -> None:
    names = [name.decode() for name in await redis.zrangebyscore(keys.meetings(shard), "-inf", oldest_ms)]
    if not names:
        return
    async with redis.pipeline(transaction=True) as pipeline:
        pipeline.delete(*(keys.meeting_named(shard, name) for name in names))
        pipeline.zrem(keys.meetings(shard), *names)
        await pipeline.execute()

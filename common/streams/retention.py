"""What is kept for how long: results by age and bytes; records of meetings and dead letters by age."""

from common.identity import Meeting
from common.settings import RedisSettings
from common.stage import Stream
from common.streams import keys
from common.streams.audio_log import parse_record
from common.streams.client import Client
from common.streams.erasure import forget
from common.streams.traces import Tombstone

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
        await redis.xtrim(keys.dead_letters(shard), minid=oldest_ms, approximate=False)
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
    for name in await redis.zrangebyscore(keys.meetings(shard), "-inf", oldest_ms):
        meeting = Meeting(*name.decode().split("/", 1))
        record = parse_record(meeting, await redis.hgetall(keys.meeting(shard, meeting)))
        await forget(redis, shard, meeting, Tombstone.of(record, oldest_ms))

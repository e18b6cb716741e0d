"""What is older than its retention leaves nothing behind; what is younger stays."""

from collections.abc import AsyncIterator

import pytest

from common.identity import Meeting, Speaker
from common.results import Status
from common.settings import RedisSettings
from common.stage import Stream
from common.streams import keys
from common.streams.audio_log import AudioLog
from common.streams.client import Client
from common.streams.deployment import join_deployment
from common.streams.result_log import ResultLog
from common.streams.retention import expire
from tests.kit import MEETING, SHARDS
from tests.users import client_as

pytestmark = pytest.mark.integration
HOUR_MS = 3_600_000
LATER_MS = 10 * HOUR_MS


@pytest.fixture
async def audio(redis: Client) -> AudioLog:
    await join_deployment(redis, SHARDS)
    return AudioLog(redis, SHARDS, backlog_limit=100)


@pytest.fixture
async def keeper(redis: Client, redis_settings: RedisSettings) -> AsyncIterator[Client]:
    """With the rights of those who keep nothing for too long."""
    async with client_as(redis_settings, "jobs") as client:
        yield client


async def test_an_old_meeting_and_its_results_go(redis: Client, audio: AudioLog, keeper: Client) -> None:
    shard = MEETING.shard(SHARDS)
    young = Meeting("default", "young")
    await audio.start_meeting(MEETING, HOUR_MS)
    await redis.zadd(keys.meetings(shard), {f"{MEETING.tenant}/{MEETING.id}": HOUR_MS})
    await redis.delete(keys.stream(shard, Stream.RESULTS))
    await redis.xadd(keys.stream(shard, Stream.RESULTS), {"data": b"old"}, id=f"{HOUR_MS}-0")
    await audio.start_meeting(young, LATER_MS)
    settings = RedisSettings(results_retention_s=3600)
    assert await expire(keeper, settings, shards=SHARDS, now_ms=LATER_MS) == 1
    log = ResultLog(redis, SHARDS)
    assert [record.meeting for record in await log.meetings("default")] == [young]
    assert [key async for key in redis.scan_iter(match=f"*{MEETING.id}*")] == []


async def test_a_shard_beyond_its_bytes_loses_its_oldest_results(
    redis: Client, audio: AudioLog, keeper: Client
) -> None:
    padding = "x" * 2000
    for number in range(2000):
        await audio.publish(_status(number, padding))
    settings = RedisSettings(results_max_bytes=1_048_576)
    gone = await expire(keeper, settings, shards=SHARDS, now_ms=0)
    assert gone > 0
    kept = await ResultLog(redis, SHARDS).history(MEETING)
    assert len(kept) == 2000 - gone
    assert kept[-1].decoded().id == "1999"
    assert await redis.memory_usage(keys.stream(MEETING.shard(SHARDS), Stream.RESULTS)) < 1.1 * 1_048_576


def _status(number: int, reason: str) -> Status:
    return Status(
        id=str(number),
        tenant=MEETING.tenant,
        meeting=MEETING.id,
        track="",
        speaker=Speaker("", ""),
        start_ms=0,
        end_ms=0,
        event="gap",
        reason=reason,
    )

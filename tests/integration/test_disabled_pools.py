"""A pool that a deployment does without holds nothing back."""

import asyncio

import pytest
from redis.exceptions import ResponseError

from common.commands.pools import disable, list_
from common.errors import HubbubError
from common.messages import SpeechChunk, pack
from common.settings import RedisSettings
from common.stage import Stream
from common.streams import keys
from common.streams.client import Client
from common.streams.deployment import check_enabled, disable_pool, enable_pool, join_deployment
from common.streams.fenced import FencedShards
from common.streams.overview import read_overview
from common.streams.reports import ProcessReport, erase_report, write_report
from tests.kit import MEETING, SHARDS, TRACK, wire_to
from tests.users import url_as

pytestmark = pytest.mark.integration
SHARD = MEETING.shard(SHARDS)
SPEECH = keys.stream(SHARD, Stream.SPEECH)


@pytest.fixture
async def deployment(redis: Client) -> Client:
    await join_deployment(redis, SHARDS)
    return redis


async def speak(redis: Client) -> bytes:
    chunk = SpeechChunk(TRACK, "u", 0, 0, 1600, 1000, bytes(3200), None)
    entry: bytes = await redis.xadd(SPEECH, {"m": pack(chunk)})
    return entry


async def read_by(redis: Client, *pools: str) -> None:
    for pool in pools:
        reply = await redis.xreadgroup(pool, "owner", {SPEECH: ">"})
        for _, entries in reply:
            await redis.xack(SPEECH, pool, *(entry for entry, _ in entries))


def trim(redis: Client) -> None:
    FencedShards(wire_to(redis), "asr", [Stream.SPEECH], 10).trim([SHARD])


async def test_speech_is_trimmed_although_a_disabled_pool_never_read_it(deployment: Client) -> None:
    await speak(deployment)
    await read_by(deployment, "asr", "keyword")
    trim(deployment)
    assert await deployment.xlen(SPEECH) == 1
    await disable_pool(deployment, "sentiment")
    trim(deployment)
    assert await deployment.xlen(SPEECH) == 0


async def test_processes_that_join_later_do_not_bring_it_back(deployment: Client) -> None:
    await disable_pool(deployment, "sentiment")
    await join_deployment(deployment, SHARDS)
    with pytest.raises(ResponseError, match="NOGROUP"):
        await read_by(deployment, "sentiment")
    with pytest.raises(HubbubError, match="hubbub pools enable sentiment"):
        await check_enabled(deployment, "sentiment")


async def test_enabled_again_it_begins_with_what_comes_then(deployment: Client) -> None:
    await disable_pool(deployment, "keyword")
    await speak(deployment)
    await enable_pool(deployment, "keyword")
    await check_enabled(deployment, "keyword")
    entry = await speak(deployment)
    [[_, entries]] = await deployment.xreadgroup("keyword", "owner", {SPEECH: ">"})
    assert [found for found, _ in entries] == [entry]


async def test_the_overview_says_so_and_counts_no_lag_for_it(deployment: Client) -> None:
    await disable_pool(deployment, "sentiment")
    await speak(deployment)
    overview = await read_overview(deployment)
    assert overview.disabled == ["coaching", "sentiment"]
    lags = {group.pool: group.lag for group in overview.groups if group.stream == Stream.SPEECH}
    assert set(lags) == {"asr", "keyword"}


async def test_what_the_rest_is_made_of_cannot_be_disabled(deployment: Client) -> None:
    with pytest.raises(HubbubError, match="only keyword, sentiment"):
        await disable_pool(deployment, "vad")


async def test_the_command_asks_for_its_processes_to_end_first(
    deployment: Client, redis_settings: RedisSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    redis_url = url_as(redis_settings.url.get_secret_value(), "operator")
    report = ProcessReport("keyword", "kw-1", 1, "here", 1, 0, 0.0, 0, 0)
    await write_report(deployment, report)
    with pytest.raises(HubbubError, match="kw-1"):
        await asyncio.to_thread(disable, "keyword", redis_url)
    await erase_report(deployment, "keyword", "kw-1")
    await asyncio.to_thread(disable, "keyword", redis_url)
    await asyncio.to_thread(list_, redis_url)
    assert "keyword  disabled" in capsys.readouterr().out

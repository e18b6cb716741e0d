"""A reply that never comes: what was asked for may have happened, and is asked for again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from common.identity import Meeting
from common.pool import stage_main
from common.service import Service
from common.settings import RedisSettings, Settings
from common.stage import Stream
from common.streams import keys
from common.streams.audio_log import AudioLog
from common.streams.client import PASSING, Client, connect
from common.streams.deployment import join_deployment
from tests.kit import SHARDS, PairingStage, eventually

pytestmark = pytest.mark.integration
MEETING = Meeting("default", "weekly")
RESULTS = keys.stream(MEETING.shard(SHARDS), Stream.RESULTS)
DEPTH = 4
STEPS = 8


@dataclass
class Lossy:
    """A way to `server` that breaks once, at the reply after so many more; None is never."""

    server: str
    url: str = ""
    replies_left: int | None = None

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        where = urlsplit(self.server)
        from_server, to_server = await asyncio.open_connection(where.hostname, where.port)
        back = asyncio.create_task(self._bring_back(from_server, writer))
        with suppress(ConnectionError):
            while request := await reader.read(65_536):
                to_server.write(request)
        to_server.close()
        await back

    async def _bring_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while reply := await reader.read(65_536):
                if self.replies_left == 0:
                    self.replies_left = None
                    break
                if self.replies_left is not None:
                    self.replies_left -= 1
                writer.write(reply)
        writer.close()


@asynccontextmanager
async def lossy_way(url: str) -> AsyncIterator[Lossy]:
    way = Lossy(url)
    server = await asyncio.start_server(way.carry, "127.0.0.1", 0)
    way.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    async with server:
        yield way


@pytest.fixture
def redis_settings(valkey_url: str) -> RedisSettings:
    """One server: a cluster's client would find its own way around the lossy one."""
    return RedisSettings(url=SecretStr(valkey_url))


@pytest.fixture
async def lossy(redis: Client, redis_settings: RedisSettings) -> AsyncIterator[tuple[Lossy, Client]]:
    """A way that can be told to break, and a client that has gone it already."""
    await join_deployment(redis, SHARDS)
    async with lossy_way(redis_settings.url.get_secret_value()) as way:
        client = connect(RedisSettings(url=SecretStr(way.url)))
        await client.ping()
        yield way, client
        await client.aclose()


@pytest.mark.parametrize("replies", range(STEPS))
async def test_a_process_begins_wherever_its_first_steps_broke_off(
    lossy: tuple[Lossy, Client], replies: int
) -> None:
    way, _ = lossy
    settings = Settings(shards=SHARDS, redis=RedisSettings(url=SecretStr(way.url)))
    service = Service("vad", settings)
    way.replies_left = replies
    begun = asyncio.create_task(stage_main("vad", lambda _: PairingStage())(settings, service))

    async def ready_or_ended() -> object:
        return service.is_ready() or begun.done()

    await eventually("it is ready", ready_or_ended)
    service.stop()
    await begun
    await service.redis.aclose()


async def announced(redis: Client, event: str) -> int:
    entries = await redis.xrange(RESULTS)
    return sum(f'"event":"{event}"'.encode() in fields[b"data"] for _, fields in entries)


@pytest.mark.parametrize("replies", range(DEPTH))
async def test_a_meeting_is_announced_once_wherever_its_beginning_broke_off(
    redis: Client, lossy: tuple[Lossy, Client], replies: int
) -> None:
    way, client = lossy
    way.replies_left = replies
    with suppress(*PASSING):
        await AudioLog(client, SHARDS, 100).start_meeting(MEETING, 1_000)
    record = await AudioLog(redis, SHARDS, 100).start_meeting(MEETING, 2_000)
    assert record.started_at_ms in {1_000, 2_000}
    assert await announced(redis, "meeting_started") == 1
    assert await redis.zcard(keys.meetings(MEETING.shard(SHARDS))) == 1


@pytest.mark.parametrize("replies", range(DEPTH))
async def test_an_end_is_announced_once_wherever_it_broke_off(
    redis: Client, lossy: tuple[Lossy, Client], replies: int
) -> None:
    way, client = lossy
    log = AudioLog(redis, SHARDS, 100)
    await log.start_meeting(MEETING, 1_000)
    way.replies_left = replies
    with suppress(*PASSING):
        await AudioLog(client, SHARDS, 100).end_meeting(MEETING, 5_000)
    await log.end_meeting(MEETING, 6_000)
    assert await announced(redis, "meeting_ended") == 1

"""The ingest process on a real server: streams, records, several processes, drain."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from common.identity import Meeting
from common.messages import AudioChunk, unpack
from common.results import Status
from common.service import Service
from common.settings import IngestSettings, RedisSettings, Settings
from common.stage import Stream
from common.streams import keys
from common.streams.audio_log import MeetingRecord
from common.streams.client import Client
from common.streams.result_log import ResultLog
from ingest.app import serve
from tests.kit import SHARDS, eventually
from tests.users import settings_as

pytestmark = pytest.mark.integration
MEETING = Meeting("default", "weekly")
SHARD = MEETING.shard(SHARDS)
START = json.dumps({"type": "start", "sample_rate": 16_000})
PATH = f"/v1/meetings/{MEETING.id}/audio"


class Process(Service):
    """Hears where it serves."""

    url = ""

    def ready(self, url: str = "") -> None:
        super().ready(url)
        self.url = url


@asynccontextmanager
async def process(redis_settings: RedisSettings) -> AsyncIterator[Process]:
    """One ingest process; leaving drains it."""
    settings = Settings(
        shards=SHARDS, redis=settings_as(redis_settings, "ingest"), ingest=IngestSettings(port=0, grace_s=0.4)
    )
    service = Process("ingest", settings)
    work = asyncio.create_task(serve(settings, service))
    try:
        await eventually("ingest is ready", lambda: answered(service.is_ready()))
        yield service
        if not service.stopping.is_set():
            service.stop()
        await asyncio.wait_for(work, 10)
    finally:
        work.cancel()
        await service.redis.aclose()


async def answered(value: object) -> object:
    return value


async def audio(redis: Client) -> list[AudioChunk]:
    entries = await redis.xrange(keys.stream(SHARD, Stream.AUDIO))
    chunks = [unpack(fields[b"m"]) for _, fields in entries]
    return [chunk for chunk in chunks if isinstance(chunk, AudioChunk)]


async def has_audio(redis: Client) -> object:
    return bool(await audio(redis))


async def record(redis: Client) -> MeetingRecord:
    found = await ResultLog(redis, SHARDS).meeting(MEETING)
    assert found is not None
    return found


async def events(redis: Client) -> list[str]:
    results = [stored.decoded() for stored in await ResultLog(redis, SHARDS).history(MEETING)]
    return [result.event for result in results if isinstance(result, Status)]


async def test_audio_and_its_record_are_in_redis(redis: Client, redis_settings: RedisSettings) -> None:
    async with process(redis_settings) as service:
        async with connect(service.url + PATH) as socket:
            await socket.send(START)
            for _ in range(10):
                await socket.send(bytes(3_200))
            await socket.send('{"type":"end"}')
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 5)
        chunks = await audio(redis)
        assert [c.offset for c in chunks] == [1_600 * n for n in range(11)]
        assert chunks[-1].pause == "end"
        found = await record(redis)
        assert found.ends == {"mixed": 16_000}
        assert found.counters["captured_samples"] == 16_000

        async def ended() -> object:
            return (await record(redis)).ended or await record(redis)

        await eventually("the meeting ends", ended)
        assert await events(redis) == ["meeting_started", "speaker_joined", "speaker_left", "meeting_ended"]


async def test_meeting_that_moves_to_another_process_goes_on(
    redis: Client, redis_settings: RedisSettings
) -> None:
    """The first process must not end what the second one takes, when its grace is over."""
    async with process(redis_settings) as first, process(redis_settings) as second:
        lost = await connect(first.url + PATH)
        await lost.send(START)
        await lost.send(bytes(3_200))
        await eventually("audio is written", lambda: has_audio(redis))
        lost.transport.abort()
        async with connect(second.url + PATH) as socket:
            await socket.send(START)
            for _ in range(15):
                await socket.send(bytes(3_200))
                await asyncio.sleep(0.1)
            assert not (await record(redis)).ended
            await socket.send('{"type":"end"}')
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 5)
        chunks = await audio(redis)
        assert [c.pause for c in chunks].count("end") == 1
        assert sum(len(c.pcm) for c in chunks) == 16 * 3_200
        assert all(a.end <= b.offset for a, b in pairwise(chunks))


async def test_drain_writes_what_was_sent_and_tells_the_client(
    redis: Client, redis_settings: RedisSettings
) -> None:
    async with process(redis_settings) as service:
        socket = await connect(service.url + PATH)
        await socket.send(START)
        await socket.send(bytes(3_200 + 320))
        await eventually("audio is written", lambda: has_audio(redis))
        service.stop()
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        await eventually("the rest is written", lambda: ends_at(redis, 1_760))
    assert not (await record(redis)).ended


async def ends_at(redis: Client, end: int) -> object:
    return (await record(redis)).ends == {"mixed": end} or await record(redis)


async def test_probes_answer(redis: Client, redis_settings: RedisSettings) -> None:
    async with process(redis_settings) as service:
        async with httpx.AsyncClient(base_url=service.url.replace("ws", "http", 1)) as client:
            answers = {path: await client.get(path) for path in ("/healthz", "/readyz", "/metrics")}
        assert {answer.status_code for answer in answers.values()} == {200}
        assert "hubbub_ingest_chunks_total" in answers["/metrics"].text

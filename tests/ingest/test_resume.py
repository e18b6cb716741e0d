"""Ingest processes that are killed: what their sources send again is neither lost nor doubled."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect

from common.access import Access
from common.clock import unix_ms
from common.identity import Meeting
from common.messages import AudioChunk, unpack
from common.results import Status
from common.settings import AccessSettings, IngestSettings, RedisSettings
from common.stage import Stream
from common.streams import keys
from common.streams.audio_log import AudioLog
from common.streams.bots import BotLog
from common.streams.client import Client
from common.streams.client import connect as connect_redis
from common.streams.commands import CommandLog
from common.streams.deployment import join_deployment
from common.streams.result_log import ResultLog
from common.streams.tokens import TokenStore
from ingest.app import new_door, new_meetings, routes
from ingest.bots import Bots
from ingest.orphans import Orphans
from ingest.player.play import Pace, Performance
from ingest.player.programme import Programme, Segment
from ingest.player.wires import WIRES
from ingest.server import Server, listening, server_config
from ingest.writer import Writer
from tests.kit import SHARDS, eventually
from tests.users import settings_as

pytestmark = pytest.mark.integration
NOISE = np.random.default_rng(5).integers(-9_000, 9_000, 480_000).astype("<i2")
QUIET, WEEKLY = Meeting("default", "quiet"), Meeting("default", "weekly")
PATH = f"/v1/meetings/{WEEKLY.id}/audio"


@dataclass
class Process:
    """What an ingest process is made of, in this one."""

    redis: Client
    server: Server
    tasks: list[asyncio.Task[None]]
    port: int

    async def kill(self) -> None:
        """Nothing more is written, nobody is told, and the port is free."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for listener in self.server.servers:
            listener.close()
        for connection in list(self.server.server_state.connections):
            connection.transport.abort()
        await self.redis.aclose()


@asynccontextmanager
async def process(
    redis_settings: RedisSettings, port: int = 0, *, silence_ms: int = 20_000
) -> AsyncIterator[Process]:
    settings = IngestSettings(port=port, grace_s=5)
    redis = connect_redis(settings_as(redis_settings, "ingest"))
    await join_deployment(redis, SHARDS)
    sink = AudioLog(redis, SHARDS, backlog_limit=10_000)
    writer = Writer(sink, unix_ms)
    meetings = new_meetings(sink, writer, settings)
    orphans = Orphans(sink, meetings.held, silence_ms)
    with listening(settings) as listener:
        bots = Bots(BotLog(redis, SHARDS), CommandLog(redis), "this-process")
        door = new_door(Access(AccessSettings(), TokenStore(redis), host=settings.host), redis, settings)
        server = Server(server_config(Starlette(routes=routes(meetings, settings, bots, door)), settings))
        jobs = (writer.run(), orphans.run(), meetings.run(), server.serve([listener]))
        running = Process(
            redis, server, [asyncio.create_task(job) for job in jobs], listener.getsockname()[1]
        )
        try:
            await eventually("the server has started", lambda: started(server))
            yield running
        finally:
            await running.kill()


async def started(server: Server) -> object:
    return server.started


async def audio(redis: Client, meeting: Meeting) -> list[AudioChunk]:
    entries = await redis.xrange(keys.stream(meeting.shard(SHARDS), Stream.AUDIO))
    chunks = [unpack(fields[b"m"]) for _, fields in entries]
    return [c for c in chunks if isinstance(c, AudioChunk) and c.track.meeting == meeting]


async def pcm(redis: Client, meeting: Meeting) -> bytes:
    return b"".join(chunk.pcm for chunk in await audio(redis, meeting))


async def events(redis: Client, meeting: Meeting) -> list[str]:
    results = [stored.decoded() for stored in await ResultLog(redis, SHARDS).history(meeting)]
    return [result.event for result in results if isinstance(result, Status)]


async def answer(socket: ClientConnection) -> dict[str, object]:
    received: dict[str, object] = json.loads(await asyncio.wait_for(socket.recv(), 5))
    return received


def message(seq: int, rate: int, **rest: object) -> str:
    """100 ms."""
    piece = NOISE[rate // 10 * seq : rate // 10 * (seq + 1)].tobytes()
    return json.dumps({"type": "audio", "seq": seq, "audio": b64encode(piece).decode(), **rest})


def start(rate: int) -> str:
    return json.dumps({"type": "start", "sample_rate": rate})


def share_that_differs(first: bytes, second: bytes) -> float:
    apart = np.abs(np.frombuffer(first, "<i2").astype(int) - np.frombuffer(second, "<i2"))
    return float(np.mean(apart > 200))


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
async def test_killed_processes_lose_and_double_nothing(
    redis: Client, redis_settings: RedisSettings, rate: int
) -> None:
    """Two are killed in the middle; the same is played to one that is not."""
    programme = Programme(rate, [Segment(NOISE[: 3 * rate], None)])
    weekly, quiet = (
        Performance(programme, WIRES["json"], meeting.id, Pace(chunk_ms=50, speed=3))
        for meeting in (WEEKLY, QUIET)
    )
    playing, port = None, 0
    for share in (0.25, 0.6):
        async with process(redis_settings, port) as doomed:
            port = doomed.port
            playing = playing or asyncio.create_task(weekly.play(f"ws://127.0.0.1:{port}"))

            async def enough(share: float = share) -> object:
                return len(await pcm(redis, WEEKLY)) > share * 96_000

            await eventually("some audio is written", enough)
    assert playing is not None
    async with process(redis_settings, port):
        played = await playing
        await quiet.play(f"ws://127.0.0.1:{port}")
    assert (played.messages, played.acknowledged) == (60, 60)
    assert played.reconnects >= 2
    chunks = await audio(redis, WEEKLY)
    assert chunks[0].offset == (await audio(redis, QUIET))[0].offset
    assert [(a.end, b.offset) for a, b in pairwise(chunks) if a.end != b.offset] == []
    heard, expected = await pcm(redis, WEEKLY), await pcm(redis, QUIET)
    assert len(heard) == len(expected) == 96_000
    if rate == 16_000:
        assert heard == expected == NOISE[: 3 * rate].tobytes()
    assert share_that_differs(heard, expected) < 0.02  # the resampler begins anew at each new process
    assert await events(redis, WEEKLY) == await events(redis, QUIET)


async def test_client_that_waits_for_each_acknowledgement_goes_on(
    redis: Client, redis_settings: RedisSettings
) -> None:
    """At 48 kHz the end of each message is held back; what was acknowledged is there all the same."""
    async with (
        process(redis_settings) as running,
        connect(f"ws://127.0.0.1:{running.port}{PATH}") as socket,
    ):
        await socket.send(start(48_000))
        began = asyncio.get_running_loop().time()
        for seq in range(1, 21):
            await socket.send(message(seq, 48_000))
            assert await answer(socket) == {"type": "ack", "seq": seq}
            assert len(await pcm(redis, WEEKLY)) == 3_200 * seq
        assert asyncio.get_running_loop().time() - began < 2  # as fast as it was captured


async def test_numbers_that_jump_over_a_kill_leave_a_gap(
    redis: Client, redis_settings: RedisSettings
) -> None:
    for numbers in ((1, 2, 3), (2, 3, 6, 7)):
        async with process(redis_settings) as running:
            socket = await connect(f"ws://127.0.0.1:{running.port}{PATH}")
            await socket.send(start(16_000))
            for seq in numbers:
                await socket.send(message(seq, 16_000))
                assert await answer(socket) == {"type": "ack", "seq": seq}
            await eventually("the gap is published", lambda n=numbers: published(redis, "gap", 7 in n))
            await running.kill()
    chunks = [chunk for chunk in await audio(redis, WEEKLY) if chunk.pcm]
    assert [chunk.offset - chunks[0].offset for chunk in chunks] == [1_600 * n for n in (0, 1, 2, 5, 6)]


async def published(redis: Client, event: str, wanted: bool) -> object:
    return not wanted or event in await events(redis, WEEKLY)


async def test_source_that_was_done_may_begin_its_numbers_anew(
    redis: Client, redis_settings: RedisSettings
) -> None:
    async with process(redis_settings) as running:
        for _ in range(2):
            async with connect(f"ws://127.0.0.1:{running.port}{PATH}") as socket:
                await socket.send(start(16_000))
                await socket.send(message(1, 16_000))
                assert await answer(socket) == {"type": "ack", "seq": 1}
                await socket.send('{"type":"end"}')
                await socket.wait_closed()
    assert len(await pcm(redis, WEEKLY)) == 6_400


async def test_meeting_that_nobody_came_back_to_is_ended_once(
    redis: Client, redis_settings: RedisSettings
) -> None:
    """Two processes look for it; a third one holds a meeting that is silent, and keeps it."""
    async with process(redis_settings) as doomed:
        socket = await connect(f"ws://127.0.0.1:{doomed.port}{PATH}")
        await socket.send(json.dumps({"type": "start", "sample_rate": 16_000, "speaker": {"name": "Zoë"}}))
        await socket.send(message(1, 16_000))
        assert (await answer(socket))["type"] == "ack"
    async with process(redis_settings) as patient:
        held = await connect(f"ws://127.0.0.1:{patient.port}/v1/meetings/{QUIET.id}/audio")
        await held.send(start(16_000))
        await held.send(message(1, 16_000))
        async with (
            process(redis_settings, silence_ms=1_500),
            process(redis_settings, silence_ms=1_500),
        ):
            await eventually("the meeting has ended", lambda: published(redis, "meeting_ended", True))
            await asyncio.sleep(1)  # as long as both take to look twice
        last = (await audio(redis, WEEKLY))[-1]
        assert (last.track.speaker.name, last.pcm, last.end, last.pause) == ("Zoë", b"", last.offset, "end")
        assert await events(redis, WEEKLY) == [
            "meeting_started",
            "speaker_joined",
            "speaker_left",
            "meeting_ended",
        ]
        assert "meeting_ended" not in await events(redis, QUIET)

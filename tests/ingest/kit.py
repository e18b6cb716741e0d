"""An ingest server in this process, over real sockets, that writes to memory."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from fakeredis import FakeAsyncRedis
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route, WebSocketRoute

from common.access import Access
from common.audio import sample_count
from common.clock import unix_ms
from common.errors import Backlogged, InvalidInput
from common.identity import Meeting
from common.messages import AudioChunk
from common.results import Result, Status
from common.settings import AccessSettings, IngestSettings
from common.streams.audio_log import Mark, MeetingRecord
from common.streams.bots import BotLog
from common.streams.commands import CommandLog
from common.streams.tokens import TokenStore
from ingest.app import new_door, new_meetings, routes
from ingest.bots import Bots
from ingest.server import Server, listening, server_config
from ingest.writer import Writer

SHARDS = 4


@dataclass
class MemorySink:
    """Keeps what `AudioSink` promises, and can be told to be full."""

    chunks: list[AudioChunk] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    started: dict[Meeting, int] = field(default_factory=dict)
    ended: dict[Meeting, int] = field(default_factory=dict)
    ends: dict[Meeting, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    counters: Counter[tuple[str, str]] = field(default_factory=Counter)
    full: set[str] = field(default_factory=set)
    appends: int = 0

    async def append(self, items: Sequence[AudioChunk | Mark]) -> None:
        self.appends += 1
        await asyncio.sleep(0)
        problems: list[Exception] = []
        for chunk in items:
            meeting = chunk.track.meeting
            if meeting.id in self.full:
                problems.append(Backlogged(f"meeting {meeting.id}: the stream of its audio is full"))
            elif meeting in self.ended or meeting not in self.started:
                problems.append(InvalidInput(f"meeting {meeting.id} has ended"))
            elif isinstance(chunk, Mark):
                self.marks.append(chunk)
            elif not chunk.pcm or chunk.end > self.ends[meeting].get(chunk.track.id, -1):
                self.chunks.append(chunk)
                self.ends[meeting][chunk.track.id] = chunk.end
        if problems:
            raise problems[0]

    async def start_meeting(self, meeting: Meeting, started_at_ms: int) -> MeetingRecord:
        self.started.setdefault(meeting, started_at_ms)
        record = await self.record(meeting)
        assert record is not None
        return record

    async def record(self, meeting: Meeting) -> MeetingRecord | None:
        if meeting not in self.started:
            return None
        return MeetingRecord(
            meeting, self.started[meeting], self.ended.get(meeting), dict(self.ends[meeting]), {}
        )

    async def end_meeting(self, meeting: Meeting, ended_at_ms: int) -> None:
        self.ended.setdefault(meeting, ended_at_ms)

    async def tally(self, meeting: Meeting, counter: str, amount: int) -> None:
        self.counters[meeting.id, counter] += amount

    async def publish(self, result: Result) -> None:
        self.results.append(result)

    def track(self, meeting: str, track: str) -> list[AudioChunk]:
        return [c for c in self.chunks if (c.track.meeting.id, c.track.id) == (meeting, track)]

    def pcm(self, meeting: str, track: str) -> bytes:
        return b"".join(chunk.pcm for chunk in self.track(meeting, track))

    def samples(self, meeting: str) -> int:
        return sum(sample_count(c.pcm) for c in self.chunks if c.track.meeting.id == meeting)

    def statuses(self, meeting: str) -> list[tuple[str, str]]:
        return [(r.event, r.track) for r in self.results if isinstance(r, Status) and r.meeting == meeting]


@dataclass
class Ingest:
    """A server at `url`; `sink` has what it wrote, `redis` what it knows of bots."""

    url: str
    sink: MemorySink
    redis: FakeAsyncRedis
    routes: set[str] = field(default_factory=set)

    @property
    def bots(self) -> BotLog:
        return BotLog(self.redis, SHARDS)

    @property
    def commands(self) -> CommandLog:
        return CommandLog(self.redis)

    @property
    def http_url(self) -> str:
        return self.url.replace("ws", "http", 1)

    async def until(self, holds: Callable[[], object], what: str) -> None:
        """Fails with what there was instead."""
        for _ in range(500):
            if holds():
                return
            await asyncio.sleep(0.01)
        pytest.fail(
            f"not within 5 s: {what}; statuses and chunks: {self.sink.results} {self.sink.chunks[-5:]}"
        )


@asynccontextmanager
async def serving(settings: IngestSettings, access: AccessSettings | None = None) -> AsyncIterator[Ingest]:
    """Serve on a free port while the context lasts."""
    sink = MemorySink()
    writer = Writer(sink, unix_ms)
    meetings = new_meetings(sink, writer, settings)
    redis = FakeAsyncRedis()
    bots = Bots(BotLog(redis, SHARDS), CommandLog(redis), "this-process")
    door = new_door(
        Access(access or AccessSettings(), TokenStore(redis), host=settings.host), redis, settings
    )
    with listening(settings) as listener:
        served = routes(meetings, settings, bots, door)
        server = Server(server_config(Starlette(routes=served), settings))
        tasks = [asyncio.create_task(job) for job in (writer.run(), meetings.run(), bots.run(), door.run())]
        serving_task = asyncio.create_task(server.serve([listener]))
        yield Ingest("ws://{}:{}".format(*listener.getsockname()), sink, redis, set(map(_line, served)))
        server.should_exit = True
        await serving_task
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _line(route: BaseRoute) -> str:
    if isinstance(route, WebSocketRoute):
        return f"WEBSOCKET {route.path}"
    assert isinstance(route, Route)
    (method,) = (route.methods or set()) - {"HEAD"}
    return f"{method} {route.path}"

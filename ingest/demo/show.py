"""The demo itself: start the system, play the meeting, follow its results until nothing is open."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import IO, Any, TypeVar

from pydantic import SecretStr

from common.commands.up import DEFAULT_SCALE
from common.embedded import embedded_redis
from common.errors import HubbubError
from common.identity import DEFAULT_TENANT, Meeting
from common.settings import Settings
from common.streams.client import Client, check_cancelled, connect
from common.streams.reports import read_reports
from common.streams.result_log import START, ResultLog
from common.supervisor import Running, running
from ingest.demo.board import Board
from ingest.demo.meeting import BundledMeeting, programme
from ingest.demo.render import Progress
from ingest.demo.screen import Screen
from ingest.demo.summary import LEAST_COVERAGE, Summary, summarise
from ingest.player.play import Performance
from ingest.player.wires import MeetStreamWire

MEETING = Meeting(DEFAULT_TENANT, "demo")
WIRE = MeetStreamWire()
FINISH_S = 30.0
_QUIET_S = 1.5
_LOOK_S = 0.2
_REDRAW_S = 0.125

T = TypeVar("T")


_OPEN = {"HUBBUB_ACCESS__TOKENS": "[]", "HUBBUB_ACCESS__ANONYMOUS": "here"}
"""The demo is for whoever sits at this machine, whatever is configured for a deployment."""


@dataclass(slots=True)
class Show:
    """What the parts of a running demo share."""

    meeting: BundledMeeting
    screen: Screen
    log: ResultLog
    board: Board = field(default_factory=Board)
    began_at: float = field(default_factory=time.monotonic)
    heard_at: float = field(default_factory=time.monotonic)

    async def perform(self, ingest_url: str) -> Summary:
        """Play the meeting, wait until all of it is captioned or time is up, and judge."""
        played = await asyncio.to_thread(programme, self.meeting, WIRE.rate)
        self.began_at = time.monotonic()
        await Performance(played, WIRE, MEETING.id).play(ingest_url)
        deadline = time.monotonic() + FINISH_S
        coverage = await self._coverage()
        while time.monotonic() < deadline and not self._finished(coverage):
            await asyncio.sleep(_LOOK_S)
            coverage = await self._coverage()
        return summarise(self.board, self.meeting, coverage)

    async def follow(self) -> None:
        """Take every result of the meeting as it comes, until cancelled."""
        shard, after = MEETING.shard(self.log.shards), START
        while True:
            check_cancelled()
            for stored in await self.log.follow({shard: after}):
                after = stored.id
                result = stored.decoded()
                self.board.take(result)
                self.screen.show(result, self.board)
                self.heard_at = time.monotonic()

    async def redraw(self) -> None:
        """Keep the screen fresh, until cancelled."""
        while True:
            position_ms = min(round((time.monotonic() - self.began_at) * 1000), self.meeting.duration_ms)
            self.screen.progress(self.board, Progress(position_ms, self.meeting.duration_ms))
            await asyncio.sleep(_REDRAW_S)

    async def _coverage(self) -> float:
        record = await self.log.meeting(MEETING)
        return record.coverage if record is not None else 0.0

    def _finished(self, coverage: float) -> bool:
        quiet = time.monotonic() - self.heard_at > _QUIET_S
        return quiet and self.board.ended and not self.board.unsettled and coverage >= LEAST_COVERAGE


def with_redis(settings: Settings, url: str) -> Settings:
    """Settings that name another Redis."""
    redis = settings.redis.model_copy(update={"url": SecretStr(url)})
    return settings.model_copy(update={"redis": redis})


async def show(settings: Settings, meeting: BundledMeeting, screen: Screen, logs: IO[bytes]) -> Summary:
    """Run everything on this machine, and the meeting through it. Raises HubbubError."""
    with embedded_redis() as redis_url:
        settings = with_redis(settings, redis_url)
        redis = connect(settings.redis)
        try:
            async with _started(settings, redis, screen, logs) as system:
                screen.serving(f"{system.gateway_url}/#/meetings/{MEETING.id}")
                try:
                    return await _perform(system, Show(meeting, screen, ResultLog(redis, settings.shards)))
                finally:
                    screen.stopping()
        finally:
            await redis.aclose()


async def _perform(system: Running, performed: Show) -> Summary:
    return await unless_one_ends(
        performed.perform(system.ingest_url),
        performed.follow(),
        performed.redraw(),
        asyncio.shield(system.supervision),
    )


@asynccontextmanager
async def _started(
    settings: Settings, redis: Client, screen: Screen, logs: IO[bytes]
) -> AsyncIterator[Running]:
    """The system, ready; the screen shows how it gets there."""
    url = settings.redis.url.get_secret_value()
    watching = asyncio.create_task(_watch(redis, screen))
    try:
        async with running(
            settings, redis_url=url, scale=DEFAULT_SCALE, output=logs, environment=_OPEN
        ) as system:
            watching.cancel()
            yield system
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)  # without Redis nothing gets ready


async def _watch(redis: Client, screen: Screen) -> None:
    while True:
        ready = {report.pool for report in await read_reports(redis) if report.ready}
        screen.loading({pool: pool in ready for pool in DEFAULT_SCALE})
        await asyncio.sleep(_REDRAW_S)


async def unless_one_ends(main: Coroutine[Any, Any, T], *others: Awaitable[None]) -> T:
    """What `main` returns, while all others go on; raises what the first of them to end raises."""
    work = asyncio.ensure_future(main)
    tasks = [work, *map(asyncio.ensure_future, others)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
        if not work.done():
            raise HubbubError("the system ended before the meeting did")
        return work.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

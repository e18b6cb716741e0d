"""From the end of a meeting to its report, on a real server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from overheard import MEETING, STARTED_MS, says

from common.clock import unix_ms
from common.service import Service
from common.settings import RedisSettings, Settings
from common.streams.audio_log import AudioLog
from common.streams.client import Client
from common.streams.meeting_reports import TAKEN_MS, ReportShelf
from tests.kit import eventually
from tests.users import settings_as, url_as
from workers.jobs.pool import serve

pytestmark = pytest.mark.integration
SHARDS = 32


@pytest.fixture
def shelf(redis: Client) -> ReportShelf:
    return ReportShelf(redis, SHARDS)


@asynccontextmanager
async def jobs_at_work(redis_settings: RedisSettings) -> AsyncIterator[None]:
    settings = Settings(redis=settings_as(redis_settings, "jobs"))
    service = Service("jobs", settings)
    task = asyncio.create_task(serve(settings, service))
    try:
        yield
    finally:
        service.stopping.set()
        await asyncio.wait_for(task, 30)
        await service.redis.aclose()


def text_of(shelf: ReportShelf, part: str) -> Callable[[], Awaitable[object]]:
    async def holds() -> object:
        seen = (await shelf.file(MEETING, "md") or b"").decode()
        return part in seen or seen

    return holds


async def test_a_meeting_that_ended_has_a_report_and_a_late_text_gets_into_it(
    redis: Client, redis_settings: RedisSettings, shelf: ReportShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBBUB_REDIS__URL", url_as(redis_settings.url.get_secret_value(), "jobs"))
    log = AudioLog(redis, SHARDS, 1000)
    await log.start_meeting(MEETING, unix_ms() - 60_000)
    await log.publish(says("Ann", 1, "I'll send the deck by Friday."))
    async with jobs_at_work(redis_settings):
        await log.end_meeting(MEETING, unix_ms())
        await eventually("a report", text_of(shelf, "**Ann, due by Friday**"), within_s=40)
        await log.publish(says("Bob", 9, "Late but here."))
        await eventually("the late text in it", text_of(shelf, "Late but here."), within_s=40)
    pdf = await shelf.file(MEETING, "pdf")
    assert pdf is not None
    assert pdf.startswith(b"%PDF-")


async def test_what_a_killed_worker_left_behind_is_built_by_the_next(
    redis: Client, redis_settings: RedisSettings, shelf: ReportShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBBUB_REDIS__URL", url_as(redis_settings.url.get_secret_value(), "jobs"))
    log = AudioLog(redis, SHARDS, 1000)
    await log.start_meeting(MEETING, STARTED_MS)
    await log.publish(says("Ann", 1, "Hello."))
    long_ago_ms = unix_ms() - TAKEN_MS
    await shelf.order(MEETING, long_ago_ms)
    [_] = await shelf.take(long_ago_ms, limit=4)  # and dies with it
    async with jobs_at_work(redis_settings):
        await eventually("a report", text_of(shelf, "Hello."), within_s=40)

"""Orders and reports on a real server."""

from collections.abc import AsyncIterator

import pytest

from common.settings import RedisSettings
from common.streams import keys
from common.streams.client import Client
from common.streams.meeting_reports import MOST_TRIES, TAKEN_MS, BuiltReport, ReportShelf
from tests.kit import MEETING
from tests.users import client_as

pytestmark = pytest.mark.integration
SHARDS = 32


@pytest.fixture
async def shelf(redis: Client, redis_settings: RedisSettings) -> AsyncIterator[ReportShelf]:
    async with client_as(redis_settings, "jobs") as client:
        yield ReportShelf(client, SHARDS)


@pytest.fixture
async def counter(redis: Client, redis_settings: RedisSettings) -> AsyncIterator[ReportShelf]:
    """Where reports are asked for."""
    async with client_as(redis_settings, "gateway") as client:
        yield ReportShelf(client, SHARDS)


def built(as_of: str, text: str) -> BuiltReport:
    return BuiltReport(as_of, 1, ended=True, files={"md": text.encode()})


async def test_an_order_is_taken_once_until_its_time_is_over(shelf: ReportShelf) -> None:
    await shelf.order(MEETING, 1000)
    assert await shelf.take(999, limit=4) == []
    [order] = await shelf.take(1000, limit=4)
    assert await shelf.take(1001, limit=4) == []
    assert await shelf.begin(order)
    [again] = await shelf.take(1001 + TAKEN_MS, limit=4)
    assert not await shelf.begin(order)
    assert await shelf.begin(again)


async def test_a_stored_report_is_found_and_its_order_done(shelf: ReportShelf) -> None:
    await shelf.order(MEETING, 1000)
    [order] = await shelf.take(1000, limit=4)
    await shelf.store(order, built("5-1", "first"), keep_s=60)
    assert await shelf.file(MEETING, "md") == b"first"
    state = await shelf.state(MEETING)
    assert (state.ended, state.ordered) == (True, False)


async def test_what_is_ordered_during_a_build_is_built_again(shelf: ReportShelf) -> None:
    await shelf.order(MEETING, 1000)
    [order] = await shelf.take(1000, limit=4)
    await shelf.order(MEETING, 1500)
    await shelf.store(order, built("5-1", "first"), keep_s=60)
    assert len(await shelf.take(1500, limit=4)) == 1


async def test_a_report_that_saw_less_replaces_none(shelf: ReportShelf) -> None:
    await shelf.order(MEETING, 1000)
    [order] = await shelf.take(1000, limit=4)
    await shelf.store(order, built("10-1", "more"), keep_s=60)
    await shelf.store(order, built("9-9", "less"), keep_s=60)
    assert await shelf.file(MEETING, "md") == b"more"


async def test_what_fails_again_and_again_is_given_up_until_ordered_anew(
    shelf: ReportShelf, counter: ReportShelf
) -> None:
    await counter.order(MEETING, 0)
    for attempt in range(MOST_TRIES + 1):
        [order] = await shelf.take(attempt * (TAKEN_MS + 1), limit=4)
        assert await shelf.begin(order) == (attempt < MOST_TRIES)
    assert await counter.has_failed(MEETING)
    assert not (await counter.state(MEETING)).ordered
    await counter.order(MEETING, 0)
    assert not await counter.has_failed(MEETING)


async def test_no_report_is_kept_for_good(redis: Client, shelf: ReportShelf) -> None:
    await shelf.order(MEETING, 1000)
    [order] = await shelf.take(1000, limit=4)
    await shelf.begin(order)
    shard = MEETING.shard(SHARDS)
    assert await redis.ttl(keys.report_tries(shard, MEETING)) > 0
    await shelf.store(order, built("5-1", "first"), keep_s=60)
    assert 0 < await redis.ttl(keys.report(shard, MEETING)) <= 60
    assert {key.decode() async for key in redis.scan_iter("*report*")} == {keys.report(shard, MEETING)}

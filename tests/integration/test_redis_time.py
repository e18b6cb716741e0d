"""Leases and heartbeats when the server was away, when its clock jumps, and when it is full."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio.cluster import RedisCluster

from common.assignment import Standing
from common.clock import unix_ms
from common.errors import Backlogged
from common.membership import Membership
from common.streams import keys
from common.streams.audio_log import AudioLog
from common.streams.client import Client
from common.streams.deployment import join_deployment
from common.streams.leases import Lease, LeaseTable
from ingest.orphans import Orphans
from tests.kit import MEETING, SHARDS, PairingStage, chunk, eventually, working

pytestmark = pytest.mark.integration
LEASE_MS = 5_000
HOUR_MS = 3_600_000
MEMBERS = keys.members("vad")


def table(redis: Client, member: str) -> LeaseTable:
    return LeaseTable(redis, "vad", member, LEASE_MS)


async def heard_by(redis: Client, member: str) -> set[str]:
    """Who lives, as this member sees when it says that it does."""
    return set((await table(redis, member).heartbeat(Standing())).members)


async def limit_memory(redis: Client, most_bytes: int) -> None:
    """Of every server; 0 takes the limit away."""
    everywhere = {"target_nodes": RedisCluster.ALL_NODES} if isinstance(redis, RedisCluster) else {}
    await redis.config_set("maxmemory", most_bytes, **everywhere)


@pytest.fixture
async def full(redis: Client) -> AsyncIterator[Client]:
    """A server that has no room for another write."""
    await join_deployment(redis, SHARDS)
    await limit_memory(redis, 1)
    yield redis
    await limit_memory(redis, 0)


async def test_who_is_to_make_room_can_start_on_a_full_server(full: Client) -> None:
    await join_deployment(full, SHARDS)
    assert await heard_by(full, "first") == {"first"}


async def test_after_an_outage_the_first_to_be_heard_is_not_the_only_one(redis: Client) -> None:
    long_ago = unix_ms() - 10 * LEASE_MS
    await redis.zadd(MEMBERS, {"first": long_ago, "second": long_ago - LEASE_MS // 8})
    assert await heard_by(redis, "first") == {"first", "second"}


async def test_who_is_silent_while_others_are_heard_is_gone(redis: Client) -> None:
    now = unix_ms()
    await redis.zadd(MEMBERS, {"dead": now - LEASE_MS - 1_000, "alive": now - 100})
    assert await heard_by(redis, "first") == {"first", "alive"}


async def test_whoever_died_before_the_clock_went_back_has_half_a_lease_left(redis: Client) -> None:
    await redis.zadd(MEMBERS, {"dead": unix_ms() + HOUR_MS})
    await heard_by(redis, "first")
    left = await redis.zscore(MEMBERS, "dead") - unix_ms()
    assert -LEASE_MS <= left <= -LEASE_MS / 2 + 1_000


async def test_a_lease_from_before_the_clock_went_back_can_be_taken(redis: Client) -> None:
    [held] = await table(redis, "dead").acquire([0])
    await redis.hset(keys.lease(0, "vad"), "until_ms", str(unix_ms() + HOUR_MS))
    [taken] = await table(redis, "first").acquire([0])
    assert taken.token > held.token


async def test_a_lease_that_is_held_cannot_be_taken(redis: Client) -> None:
    await table(redis, "first").acquire([0])
    assert await table(redis, "second").acquire([0]) == []


async def test_members_of_the_same_name_never_hold_the_same_shard(redis: Client) -> None:
    taken: list[Lease] = []
    twins = [
        Membership(table(redis, "same"), shards=SHARDS, take=taken.append, lose=lambda _: None)
        for _ in range(2)
    ]
    for _ in range(3):
        for twin in twins:
            await twin.beat()
    assert sorted(lease.shard for lease in taken) == list(range(SHARDS))


async def test_a_full_server_still_knows_who_lives_and_who_owns_what(full: Client) -> None:
    leases = await table(full, "first").acquire(range(SHARDS))
    assert len(leases) == SHARDS
    assert await table(full, "first").renew(leases) == []
    assert await heard_by(full, "first") == {"first"}


async def test_a_full_server_takes_no_audio_and_works_off_what_it_has(redis: Client) -> None:
    await join_deployment(redis, SHARDS)
    log = AudioLog(redis, SHARDS, backlog_limit=10_000)
    await log.start_meeting(MEETING, 1_000)
    await log.append([chunk(i) for i in range(10)])
    await limit_memory(redis, 1)
    try:
        with pytest.raises(Backlogged):
            await log.append([chunk(10)])
        async with working(redis, PairingStage(), "first"):
            audio = keys.stream(MEETING.shard(SHARDS), PairingStage().inputs[0])

            async def worked_off() -> object:
                length = await redis.xlen(audio)
                return length == 0 or length

            await eventually("the audio is worked off and trimmed", worked_off)
    finally:
        await limit_memory(redis, 0)


async def silent_meeting(redis: Client) -> AudioLog:
    """A meeting that seems unheard for an hour, as after an outage or a jump of the server's clock."""
    log = AudioLog(redis, SHARDS, backlog_limit=10_000)
    await log.start_meeting(MEETING, 1_000)
    await redis.zadd(keys.meetings(MEETING.shard(SHARDS)), {f"default/{MEETING.id}": unix_ms() - HOUR_MS})
    return log


async def has_ended(log: AudioLog) -> bool:
    record = await log.record(MEETING)
    assert record is not None
    return record.ended


async def test_after_an_outage_nobody_ends_the_meetings_of_another_process(redis: Client) -> None:
    log = await silent_meeting(redis)
    elsewhere = Orphans(log, list, silence_ms=25_000)
    holder = Orphans(log, lambda: [MEETING], silence_ms=25_000)
    await elsewhere.sweep()
    for _ in range(20):
        await holder.sweep()
        await elsewhere.sweep()
    assert not await has_ended(log)


async def test_a_meeting_that_nobody_holds_is_ended(redis: Client) -> None:
    log = await silent_meeting(redis)
    elsewhere = Orphans(log, list, silence_ms=25_000)
    for _ in range(20):
        await elsewhere.sweep()
    assert await has_ended(log)

"""Each verdict of each script, on a real server."""

import asyncio
from collections.abc import Iterator
from contextlib import closing

import pytest

from common.errors import Backlogged, InvalidInput
from common.messages import AudioChunk, pack
from common.stage import Stream
from common.streams import keys
from common.streams.audio_log import AudioLog, Mark
from common.streams.client import Client
from common.streams.deployment import join_deployment
from common.streams.fenced import NEW, Delivery, Demand, FencedShards, RawEntry, Reached, ShardCommit, Verdict
from common.streams.leases import Lease, LeaseTable
from common.streams.link import Link
from tests.kit import MEETING, SHARDS, TRACK, chunk, wire_to

pytestmark = pytest.mark.integration
SHARD = MEETING.shard(SHARDS)
SPEECH = keys.stream(SHARD, Stream.SPEECH)
AUDIO = keys.stream(SHARD, Stream.AUDIO)


@pytest.fixture(autouse=True)
async def deployment(redis: Client) -> None:
    await join_deployment(redis, SHARDS)


@pytest.fixture
def table(redis: Client) -> LeaseTable:
    return LeaseTable(redis, "vad", "first", lease_ms=60_000)


@pytest.fixture
def wire(redis: Client) -> Iterator[Link]:
    with closing(wire_to(redis)) as wire:
        yield wire


@pytest.fixture
def shards(wire: Link) -> FencedShards:
    return FencedShards(wire, "vad", [Stream.AUDIO], read_count=10)


async def take_over(redis: Client) -> Lease:
    """Another member takes the shard as if the first had been silent for too long."""
    await redis.hset(keys.lease(SHARD, "vad"), "until_ms", 0)
    (lease,) = await LeaseTable(redis, "vad", "second", 60_000).acquire([SHARD])
    return lease


def commit(lease: Lease, sequence: int, text: str = "out", **changes: object) -> ShardCommit:
    values: dict[str, object] = {
        "appends": [(SPEECH, ["m", text])],
        "deliveries": [],
        "acknowledged": {},
        "watermarks": {"track": sequence},
        "tallies": {},
    }
    return ShardCommit(lease, sequence, **(values | changes))  # type: ignore[arg-type]  # test data


def take(
    shards: FencedShards, lease: Lease, *, after: str = NEW, count: int = 10
) -> list[RawEntry] | Verdict:
    (entries,) = shards.read([Demand(lease, {Stream.AUDIO: after}, count)])
    return entries


def taken(shards: FencedShards, lease: Lease, *, after: str = NEW, count: int = 10) -> list[RawEntry]:
    entries = take(shards, lease, after=after, count=count)
    assert not isinstance(entries, Verdict)
    return entries


def committed(shards: FencedShards, commit: ShardCommit) -> Verdict:
    return shards.exchange([commit], {}, None).verdicts[SHARD]


async def outputs(redis: Client) -> list[bytes]:
    return [fields[b"m"] for _, fields in await redis.xrange(SPEECH)]


async def test_a_held_lease_is_not_given_away(redis: Client, table: LeaseTable) -> None:
    assert len(await table.acquire([SHARD])) == 1
    assert await LeaseTable(redis, "vad", "second", 60_000).acquire([SHARD]) == []


async def test_an_expired_lease_changes_hands_with_a_higher_token(redis: Client, table: LeaseTable) -> None:
    (first,) = await table.acquire([SHARD])
    second = await take_over(redis)
    assert second.token > first.token
    assert await table.renew([first]) == [first]


async def test_of_leases_renewed_together_each_is_judged_by_its_own_token(
    redis: Client, table: LeaseTable
) -> None:
    leases = await table.acquire([SHARD, SHARD + 1, SHARD + 2])
    await redis.hset(keys.lease(SHARD + 1, "vad"), "until_ms", 0)
    (taken,) = await LeaseTable(redis, "vad", "second", 60_000).acquire([SHARD + 1])
    assert await table.renew(leases) == [leases[1]]
    assert await LeaseTable(redis, "vad", "second", 60_000).renew([taken]) == []
    await redis.hset(keys.lease(SHARD + 2, "vad"), "until_ms", 0)
    assert await table.renew([leases[0], leases[2]]) == []
    assert await LeaseTable(redis, "vad", "second", 60_000).acquire([SHARD + 2]) == []


async def test_a_released_lease_is_free_at_once(redis: Client, table: LeaseTable) -> None:
    leases = await table.acquire([SHARD])
    await table.release(leases)
    (second,) = await LeaseTable(redis, "vad", "second", 60_000).acquire([SHARD])
    assert second.token > leases[0].token


async def test_a_former_owner_cannot_release_the_lease_of_its_successor(
    redis: Client, table: LeaseTable
) -> None:
    (first,) = await table.acquire([SHARD])
    second = await take_over(redis)
    await table.release([first])
    assert await LeaseTable(redis, "vad", "second", 60_000).renew([second]) == []


async def test_a_commit_is_applied_whole(redis: Client, table: LeaseTable, shards: FencedShards) -> None:
    (lease,) = await table.acquire([SHARD])
    entry = (await redis.xadd(AUDIO, {"m": pack(chunk(0))})).decode()
    take(shards, lease)
    verdicts = committed(shards, commit(lease, 1, acknowledged={Stream.AUDIO: [entry]}))
    assert verdicts == Verdict.OK
    assert await outputs(redis) == [b"out"]
    assert shards.watermarks(SHARD) == {"track": 1}
    assert (await redis.xpending(AUDIO, "vad"))["pending"] == 0


async def test_a_commit_tells_the_group_what_was_read_and_what_is_held(
    redis: Client, table: LeaseTable, shards: FencedShards
) -> None:
    (lease,) = await table.acquire([SHARD])
    sent = [(await redis.xadd(AUDIO, {"m": pack(chunk(i))})).decode() for i in range(5)]
    start = shards.reached(SHARD)[Stream.AUDIO]
    news = shards.exchange([], {(SHARD, Stream.AUDIO): start.last}, None).news[SHARD, Stream.AUDIO]
    assert [entry.id.id for entry in news] == sent
    assert (await redis.xpending(AUDIO, "vad"))["pending"] == 0
    reached = Reached(sent[2], start.count + 3)
    committed(shards, commit(lease, 1, deliveries=[Delivery(Stream.AUDIO, reached, sent[1:3])]))
    (group,) = await redis.xinfo_groups(AUDIO)
    assert (group["lag"], group["pending"], shards.reached(SHARD)[Stream.AUDIO]) == (2, 2, reached)
    second = await take_over(redis)
    held = taken(shards, second, after="0")
    assert [entry.id.id for entry in held] == sent[1:3]


async def test_how_far_a_group_came_is_known_where_the_server_lost_count(
    redis: Client, shards: FencedShards
) -> None:
    sent = [(await redis.xadd(AUDIO, {"m": pack(chunk(i))})).decode() for i in range(5)]
    await redis.xtrim(AUDIO, minid=sent[2])
    await redis.xgroup_setid(AUDIO, "vad", sent[4])
    assert shards.reached(SHARD) == {Stream.AUDIO: Reached(sent[4], 5)}


async def test_a_commit_sent_again_changes_nothing(
    redis: Client, table: LeaseTable, shards: FencedShards
) -> None:
    (lease,) = await table.acquire([SHARD])
    committed(shards, commit(lease, 1))
    assert committed(shards, commit(lease, 1)) == Verdict.REPEATED
    assert await outputs(redis) == [b"out"]


async def test_a_commit_of_a_former_owner_changes_nothing(
    redis: Client, table: LeaseTable, shards: FencedShards
) -> None:
    (first,) = await table.acquire([SHARD])
    await take_over(redis)
    assert committed(shards, commit(first, 1)) == Verdict.FENCED
    assert await outputs(redis) == []
    assert shards.watermarks(SHARD) == {}


async def test_a_commit_out_of_sequence_changes_nothing(
    redis: Client, table: LeaseTable, shards: FencedShards
) -> None:
    (lease,) = await table.acquire([SHARD])
    assert committed(shards, commit(lease, 2)) == Verdict.FORGOTTEN
    assert await outputs(redis) == []


async def test_a_commit_that_arrives_after_the_owner_began_again_changes_nothing(
    redis: Client, table: LeaseTable, shards: FencedShards
) -> None:
    (lease,) = await table.acquire([SHARD])
    committed(shards, commit(lease, 1))
    late = commit(lease, 2, "late")
    beginning = shards.begin({lease: 3})[lease]
    assert beginning is not None
    assert beginning.watermarks == {"track": 1}
    assert committed(shards, late) == Verdict.FORGOTTEN
    assert committed(shards, commit(lease, 4, "again")) == Verdict.OK
    assert await outputs(redis) == [b"out", b"again"]


async def test_a_former_owner_cannot_begin_again(
    redis: Client, table: LeaseTable, shards: FencedShards
) -> None:
    (first,) = await table.acquire([SHARD])
    second = await take_over(redis)
    assert shards.begin({first: 1})[first] is None
    assert committed(shards, commit(second, 1)) == Verdict.OK


async def test_a_server_that_forgot_a_change_of_hands_does_not_give_its_token_again(
    redis: Client, table: LeaseTable, shards: FencedShards
) -> None:
    (first,) = await table.acquire([SHARD])
    await redis.delete(keys.lease(SHARD, "vad"))
    (second,) = await LeaseTable(redis, "vad", "second", 60_000).acquire([SHARD])
    assert second.token != first.token
    assert committed(shards, commit(first, 1)) == Verdict.FENCED


async def test_thousands_of_entries_are_acknowledged_in_one_commit(
    redis: Client, table: LeaseTable, wire: Link
) -> None:
    shards = FencedShards(wire, "vad", [Stream.AUDIO], read_count=5000)
    (lease,) = await table.acquire([SHARD])
    for _ in range(4500):
        await redis.xadd(AUDIO, {"m": b"x"})
    entries = taken(shards, lease, count=5000)
    committed(shards, commit(lease, 1, acknowledged={Stream.AUDIO: [entry.id.id for entry in entries]}))
    assert (await redis.xpending(AUDIO, "vad"))["pending"] == 0


async def test_a_frozen_owners_parked_read_takes_nothing(
    redis: Client, table: LeaseTable, shards: FencedShards
) -> None:
    """The owner waits in Redis, freezes, and is replaced; then an entry arrives and it wakes."""
    (first,) = await table.acquire([SHARD])
    with closing(wire_to(redis)) as frozen:
        owner = FencedShards(frozen, "vad", [Stream.AUDIO], read_count=10)
        after = {(SHARD, Stream.AUDIO): "0-0"}
        parked = asyncio.create_task(asyncio.to_thread(owner.exchange, [], after, 5_000))
        await asyncio.sleep(0.05)
        second = await take_over(redis)
        await redis.xadd(AUDIO, {"m": pack(chunk(0))})
        assert len((await parked).news[SHARD, Stream.AUDIO]) == 1
    assert take(shards, first) is Verdict.FENCED
    assert len(taken(shards, second)) == 1


async def test_pending_entries_come_again_in_order_to_the_next_owner(
    redis: Client, table: LeaseTable, shards: FencedShards
) -> None:
    (first,) = await table.acquire([SHARD])
    sent = [(await redis.xadd(AUDIO, {"m": pack(chunk(i))})).decode() for i in range(25)]
    take(shards, first)
    take(shards, first)
    second = await take_over(redis)
    seen: list[str] = []
    start = "0"
    while entries := taken(shards, second, after=start):
        seen += [entry.id.id for entry in entries]
        start = seen[-1]
    assert seen == sent[:20]
    fresh = taken(shards, second)
    assert [entry.id.id for entry in fresh] == sent[20:]


async def test_scripts_survive_a_server_that_forgot_them(
    redis: Client, table: LeaseTable, shards: FencedShards
) -> None:
    (lease,) = await table.acquire([SHARD])
    await redis.script_flush()
    assert committed(shards, commit(lease, 1)) == Verdict.OK


async def test_trimming_stops_at_what_any_group_still_needs(redis: Client, wire: Link) -> None:
    ids = [await redis.xadd(SPEECH, {"m": b"x"}) for _ in range(10)]
    for pool, taken, kept in (("asr", 8, 5), ("keyword", 9, None), ("sentiment", 6, None)):
        await redis.xreadgroup(pool, "owner", {SPEECH: ">"}, count=taken)
        acknowledged = [entry for i, entry in enumerate(ids[:taken]) if i != kept]
        await redis.xack(SPEECH, pool, *acknowledged)
    FencedShards(wire, "asr", [Stream.SPEECH], 10).trim([SHARD])
    assert [entry for entry, _ in await redis.xrange(SPEECH)] == ids[5:]


async def test_trimming_takes_nothing_that_a_group_was_never_given(redis: Client, wire: Link) -> None:
    await redis.xadd(SPEECH, {"m": b"x"})
    await redis.xreadgroup("asr", "owner", {SPEECH: ">"})
    FencedShards(wire, "asr", [Stream.SPEECH], 10).trim([SHARD])
    assert await redis.xlen(SPEECH) == 1


async def test_audio_sent_again_after_a_lost_reply_is_taken_once(redis: Client) -> None:
    log = AudioLog(redis, SHARDS, backlog_limit=100)
    await log.start_meeting(MEETING, 1_000)
    for _ in range(2):
        await log.append([chunk(0), chunk(1)])
    assert await redis.xlen(AUDIO) == 2
    record = await log.record(MEETING)
    assert record is not None
    assert record.counters["captured_samples"] == 3200
    assert record.ends == {"ann": 3200}


async def test_audio_and_its_number_sent_again_change_nothing(redis: Client) -> None:
    log = AudioLog(redis, SHARDS, backlog_limit=100)
    await log.start_meeting(MEETING, 1_000)
    first = [chunk(0), Mark(TRACK, "ann", 1, 1_600)]
    await log.append([Mark(TRACK, "ann", 0, 0), *first, chunk(1), Mark(TRACK, "ann", 2, 3_200)])
    before = await log.record(MEETING)
    await log.append(first)
    assert await log.record(MEETING) == before
    assert before is not None
    assert (before.sequences, before.nexts, before.open) == ({"ann": 2}, {"ann": 3_200}, {"ann": "Ann"})
    assert await redis.xlen(AUDIO) == 2


async def test_numbers_are_kept_with_their_audio_or_not_at_all(redis: Client) -> None:
    log = AudioLog(redis, SHARDS, backlog_limit=1)
    await log.start_meeting(MEETING, 1_000)
    await log.append([chunk(0)])
    with pytest.raises(Backlogged):
        await log.append([chunk(1), Mark(TRACK, "ann", 1, 3_200)])
    record = await log.record(MEETING)
    assert record is not None
    assert (record.sequences, record.ends) == ({}, {"ann": 1_600})


async def test_a_source_that_is_over_leaves_no_number_unless_it_went_on_elsewhere(redis: Client) -> None:
    log = AudioLog(redis, SHARDS, backlog_limit=100)
    await log.start_meeting(MEETING, 1_000)
    await log.append([chunk(0), Mark(TRACK, "ann", 5, 1_600)])
    for seq, left in ((4, {"ann": 5}), (5, {})):
        await log.append([Mark(TRACK, "ann", seq, 1_600, over=True)])
        record = await log.record(MEETING)
        assert record is not None
        assert record.sequences == left


async def test_a_meeting_is_abandoned_only_if_nobody_heard_it_since(redis: Client) -> None:
    log = AudioLog(redis, SHARDS, backlog_limit=100)
    await log.start_meeting(MEETING, 1_000)
    await log.append([chunk(0)])
    await redis.zadd(keys.meetings(SHARD), {f"{MEETING.tenant}/{MEETING.id}": 5_000})
    (found,) = [silence for silence in await log.unheard(60_000, {}) if silence.records]
    ((record, heard_ms),) = found.records
    assert (heard_ms, found.shard) == (5_000, SHARD)
    end = AudioChunk(TRACK, 1_600, 5_000, b"", "end")
    await log.keep_alive([MEETING])
    assert not await log.abandon(record, heard_ms, [end])
    await redis.zadd(keys.meetings(SHARD), {f"{MEETING.tenant}/{MEETING.id}": 5_000})
    assert await log.abandon(record, heard_ms, [end])
    assert not await log.abandon(record, heard_ms, [end])
    assert await redis.xlen(AUDIO) == 2
    ended = await log.record(MEETING)
    assert ended is not None
    assert (ended.ended_at_ms, ended.open) == (5_000, {})
    assert all(not silence.records for silence in await log.unheard(60_000, {}))


async def test_audio_beyond_the_backlog_is_refused_whole(redis: Client) -> None:
    log = AudioLog(redis, SHARDS, backlog_limit=2)
    await log.start_meeting(MEETING, 1_000)
    await log.append([chunk(0), chunk(1)])
    with pytest.raises(Backlogged, match="weekly"):
        await log.append([chunk(2), chunk(3)])
    assert await redis.xlen(AUDIO) == 2


async def test_audio_after_the_end_of_a_meeting_is_refused(redis: Client) -> None:
    log = AudioLog(redis, SHARDS, backlog_limit=100)
    await log.start_meeting(MEETING, 1_000)
    await log.end_meeting(MEETING, 5_000)
    with pytest.raises(InvalidInput, match="ended"):
        await log.append([chunk(0)])


async def test_a_meeting_starts_and_ends_once(redis: Client) -> None:
    log = AudioLog(redis, SHARDS, backlog_limit=100)
    for at_ms in (1_000, 2_000):
        record = await log.start_meeting(MEETING, at_ms)
        assert record.started_at_ms == 1_000
    for at_ms in (5_000, 6_000):
        await log.end_meeting(MEETING, at_ms)
    types = [fields[b"data"] for _, fields in await redis.xrange(keys.stream(SHARD, Stream.RESULTS))]
    assert len(types) == 2

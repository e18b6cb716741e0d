"""Deletes meetings with all that is known of them, in rounds until nothing is left.

What is on its way through the stages cannot be taken from them without harming their neighbours on
the shard: it goes as they finish it, and what came of it in the next round. From the beginning on
the meeting takes no audio and is unknown to readers.
"""

from collections.abc import Awaitable, Callable, Iterable

from common.clock import unix_ms
from common.identity import Meeting
from common.stage import Stream
from common.streams import keys, traces
from common.streams.audio_log import AudioLog, parse_record
from common.streams.bots import BotLog
from common.streams.client import Client
from common.streams.deliveries import DeliveryLedger
from common.streams.scripts import run_script
from common.streams.subscriptions import SubscriptionStore
from common.streams.traces import Tombstone

QUIET_MS = 120_000
"""Stages give up an unfinished utterance within a minute; after this nothing new can come of it."""

Eraser = Callable[[Client, int, Meeting], Awaitable[None]]
"""Deletes what one store keeps of a meeting of a shard; called again and again."""


async def _erase_bot(redis: Client, shard: int, meeting: Meeting) -> None:
    await redis.delete(keys.bot(shard, meeting))
    await redis.delete(keys.bot_control(shard, meeting))


async def _erase_deliveries(redis: Client, shard: int, meeting: Meeting) -> None:
    own = await SubscriptionStore(redis).of_tenant(meeting.tenant)
    await DeliveryLedger(redis).forget([subscription.id for subscription in own], meeting)


async def _erase_record(redis: Client, shard: int, meeting: Meeting) -> None:
    await redis.delete(keys.meeting(shard, meeting))
    await redis.zrem(keys.live(meeting.tenant), meeting.id)
    await redis.zrem(keys.meetings(shard), f"{meeting.tenant}/{meeting.id}")


async def _erase_report(redis: Client, shard: int, meeting: Meeting) -> None:
    await redis.delete(keys.report(shard, meeting))
    await redis.delete(keys.report_tries(shard, meeting))
    await redis.zrem(keys.report_orders(shard), f"{meeting.tenant}/{meeting.id}")


ERASERS: tuple[Eraser, ...] = (_erase_bot, _erase_deliveries, _erase_report, _erase_record)
"""Stores that keep something by meeting. Who adds one adds how it forgets."""


class Erasure:
    """Meetings that are being deleted. Raises what Redis raises."""

    def __init__(self, redis: Client, shards: int) -> None:
        self._redis = redis
        self._shards = shards

    async def begin(self, meeting: Meeting) -> bool:
        """Take no more audio and answer no more; False where nothing is known of the meeting."""
        shard = meeting.shard(self._shards)
        stored = await self._redis.hgetall(keys.meeting(shard, meeting))
        has_bot = await BotLog(self._redis, self._shards).find(meeting) is not None
        if not stored and not has_bot:
            return False
        record = parse_record(meeting, stored)
        await AudioLog(self._redis, self._shards, 0).end_meeting(meeting, unix_ms())
        stone = Tombstone.of(record, unix_ms())
        where = [keys.meeting(shard, meeting), keys.meetings(shard), keys.deleted(shard)]
        name = f"{meeting.tenant}/{meeting.id}"
        await run_script(self._redis, "delete", where, [name, stone.to_json()])
        return True

    async def under_way(self) -> list[Meeting]:
        """The meetings of which something may be left."""
        found = [await self._redis.hkeys(keys.deleted(shard)) for shard in range(self._shards)]
        return [Meeting(*name.decode().split("/", 1)) for names in found for name in names]

    async def advance(self, meeting: Meeting) -> bool:
        """Delete what can be deleted by now; True when nothing is left, and nothing can come any more."""
        shard = meeting.shard(self._shards)
        name = f"{meeting.tenant}/{meeting.id}"
        stored = await self._redis.hget(keys.deleted(shard), name)
        if stored is None:
            return True
        stone = Tombstone.from_json(stored)
        is_quiet = unix_ms() - stone.at_ms >= QUIET_MS
        left = await erase(self._redis, shard, meeting, stone, is_quiet=is_quiet)
        if left or not is_quiet:
            return False
        await self._redis.hdel(keys.deleted(shard), name)
        return True


async def erase(redis: Client, shard: int, meeting: Meeting, stone: Tombstone, *, is_quiet: bool) -> int:
    """One round; returns how many entries are left for another one.

    A result that is the last one a group has read waits for what comes after it, unless all `is_quiet`.
    """
    left = await traces.in_flight(redis, shard, meeting)
    await _delete(redis, keys.dead_letters(shard), await traces.dead_ids(redis, shard, meeting))
    await _delete(
        redis, keys.stream(shard, Stream.DEFERRED), await traces.deferred_ids(redis, shard, meeting)
    )
    after = str(max(0, stone.started_at_ms - QUIET_MS))
    async for ids in traces.result_ids(redis, shard, meeting, after=after):
        left += await run_script(redis, "erase", [keys.stream(shard, Stream.RESULTS)], [int(is_quiet), *ids])
    await forget(redis, shard, meeting, stone)
    return left


async def forget(redis: Client, shard: int, meeting: Meeting, stone: Tombstone) -> None:
    """Delete what is kept of a meeting by its name, results aside: enough where these went by age."""
    for key, fields in (await traces.watermarks(redis, shard, meeting, stone.track_digests)).items():
        await redis.hdel(key, *fields)
    for eraser in ERASERS:
        await eraser(redis, shard, meeting)


async def _delete(redis: Client, key: str, ids: Iterable[str]) -> None:
    """From a stream whose readers take entries one by one, so that a missing one confuses none."""
    for entry_id in ids:
        await redis.xdel(key, entry_id)

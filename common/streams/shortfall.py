"""What the live meetings of a deployment lack: audio that is under way, and audio that is missing."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.audio import SAMPLES_PER_MS
from common.identity import Meeting
from common.streams import keys
from common.streams.audio_log import MeetingRecord, parse_record
from common.streams.client import Client

COUNTED_AT_MOST = 1000
"""Meetings looked at, those heard last first: a glance must not cost the server much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """Sums over the live meetings, `counted` of them: milliseconds of audio, and utterances.

    Under way: `unheard_ms` (captured, not yet through vad) and `untranscribed_ms` (speech without a
    final, which what is put aside is part of). Missing: `gaps_ms` (never taken in) and `lost_ms`
    (given up). `deferred` counts utterances that were put aside, transcribed since or not.
    """

    counted: int
    unheard_ms: int
    untranscribed_ms: int
    gaps_ms: int
    lost_ms: int
    deferred: int


async def read_shortfall(redis: Client, shards: int) -> Shortfall:
    """Look at the records of live meetings once. Raises what Redis raises."""
    heard = await _heard_last(redis, shards)
    pipeline = redis.pipeline(transaction=False)
    for shard, name in heard:
        pipeline.hgetall(keys.meeting_named(shard, name))
    found = zip(heard, await pipeline.execute(), strict=True) if heard else ()
    records = [parse_record(Meeting(*name.split("/", 1)), stored) for (_, name), stored in found if stored]
    return add_up([record for record in records if not record.ended])


def add_up(records: Sequence[MeetingRecord]) -> Shortfall:
    """The shortfall of these meetings together."""

    def total(counter: str) -> int:
        return sum(record.counters.get(counter, 0) for record in records)

    def ms(samples: int) -> int:
        return max(0, samples) // SAMPLES_PER_MS

    return Shortfall(
        counted=len(records),
        unheard_ms=ms(total("captured_samples") - total("heard_samples")),
        untranscribed_ms=ms(total("speech_samples") - total("transcribed_samples")),
        gaps_ms=ms(total("gap_samples")),
        lost_ms=ms(total("lost_samples")),
        deferred=total("deferred"),
    )


async def _heard_last(redis: Client, shards: int) -> Sequence[tuple[int, str]]:
    """Shard and name of meetings, the one heard last first."""
    pipeline = redis.pipeline(transaction=False)
    for shard in range(shards):
        pipeline.zrevrange(keys.meetings(shard), 0, COUNTED_AT_MOST - 1, withscores=True)
    heard = [
        (score, shard, name.decode())
        for shard, reply in enumerate(await pipeline.execute())
        for name, score in reply
    ]
    return [(shard, name) for _, shard, name in sorted(heard, reverse=True)[:COUNTED_AT_MOST]]

"""What a run has left behind in Redis although everything in it is over."""

from collections import Counter

from common.stage import Stream
from common.streams import keys
from common.streams.client import Client
from common.streams.overview import read_overview

_PASSING = (Stream.AUDIO, Stream.SPEECH, Stream.WINDOWS, Stream.DEFERRED)


async def left_over(redis: Client) -> list[str]:
    """One line for each thing that is there and should not be; raises what Redis raises.

    Of results, some stay pending for good reason: what moods and baselines rest on. So do for an hour
    the watermarks of phrases whose text the former owner of a shard had read.
    """
    overview = await read_overview(redis)
    found: Counter[str] = Counter()
    for group in overview.groups:
        found[f"lag of {group.pool} on {group.stream}"] += group.lag
        if group.stream != Stream.RESULTS:
            found[f"pending of {group.pool} on {group.stream}"] += group.pending
    for shard in range(overview.shards):
        for stream in _PASSING:
            found[f"entries of {stream}"] += await redis.xlen(keys.stream(shard, stream))
        for pool in ("vad", "asr", "emitter"):
            found[f"watermarks of {pool}"] += await redis.hlen(keys.watermarks(shard, pool))
    found["dead letters"] = overview.dead_letters
    return [f"{name}: {count}" for name, count in found.items() if count]

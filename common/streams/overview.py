"""The state of a deployment at a glance: owners, lag, pending age, memory."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from common.clock import unix_ms
from common.stage import Stream
from common.streams import keys
from common.streams.client import Client
from common.streams.cluster_client import ClusterClient
from common.streams.deployment import disabled_pools
from common.streams.reports import ProcessReport, read_reports
from common.streams.shortfall import Shortfall, read_shortfall
from common.topology import LODGERS, READERS, STAGES


@dataclass(frozen=True, slots=True)
class GroupState:
    """How far one pool is on one stream of one shard.

    `lag`: entries not yet given to it. `pending`: given and not acknowledged, which is what open
    utterances rest on; `oldest_ms` is the age of the oldest of those. On a stream that is read on
    request, the lag is what is put aside for quieter times.
    """

    pool: str
    stream: str
    shard: int
    lag: int
    pending: int
    oldest_ms: int


@dataclass(frozen=True, slots=True)
class Overview:
    """What `hubbub status` shows. `owners`: by stage and shard, the member that holds it.

    `disabled`: pools that the deployment does without.
    """

    shards: int
    processes: Sequence[ProcessReport]
    groups: Sequence[GroupState]
    owners: dict[str, dict[int, str]]
    disabled: Sequence[str]
    dead_letters: int
    redis_bytes: int
    live: Shortfall


async def read_overview(redis: Client) -> Overview:
    """Look at everything once. Raises what Redis raises."""
    shards = int(await redis.hget(keys.DEPLOYMENT, "shards") or 0)
    disabled = await disabled_pools(redis)
    return Overview(
        shards=shards,
        processes=await read_reports(redis),
        groups=await _groups(redis, shards, disabled),
        owners={s: await _owners(redis, s, shards) for s in _all_stages() if s not in disabled},
        disabled=sorted(disabled),
        dead_letters=await _dead(redis, shards),
        redis_bytes=await _memory(redis),
        live=await read_shortfall(redis, shards),
    )


async def _memory(redis: Client) -> int:
    if not isinstance(redis, ClusterClient):
        return int((await redis.info("memory"))["used_memory"])
    await redis.initialize()
    found = [await redis.info("memory", target_nodes=node) for node in redis.get_primaries()]
    return sum(int(memory["used_memory"]) for memory in found)


def _all_stages() -> list[str]:
    return [*STAGES, *(stage for lodgers in LODGERS.values() for stage in lodgers)]


async def _groups(redis: Client, shards: int, disabled: AbstractSet[str]) -> list[GroupState]:
    readers = {s: [pool for pool in pools if pool not in disabled] for s, pools in READERS.items()}
    wanted = [(shard, stream) for shard in range(shards) for stream in readers]
    pipeline = redis.pipeline(transaction=False)
    for shard, stream in wanted:
        pipeline.xinfo_groups(keys.stream(shard, stream))
        for pool in readers[stream]:
            pipeline.xpending(keys.stream(shard, stream), pool)
    replies = iter(await pipeline.execute())
    states = []
    for shard, stream in wanted:
        lags = {info["name"].decode(): info["lag"] or 0 for info in next(replies)}
        states += [_state(pool, stream, shard, lags[pool], next(replies)) for pool in readers[stream]]
    return states


def _state(pool: str, stream: Stream, shard: int, lag: int, pending: dict[str, object]) -> GroupState:
    first = pending["min"]
    oldest_ms = unix_ms() - int(first.split(b"-")[0]) if isinstance(first, bytes) else 0
    return GroupState(pool, stream, shard, lag, int(str(pending["pending"])), oldest_ms)


async def _owners(redis: Client, pool: str, shards: int) -> dict[int, str]:
    pipeline = redis.pipeline(transaction=False)
    for shard in range(shards):
        pipeline.hget(keys.lease(shard, pool), "owner")
    replies = await pipeline.execute()
    return {shard: owner.decode() for shard, owner in enumerate(replies) if owner}


async def _dead(redis: Client, shards: int) -> int:
    pipeline = redis.pipeline(transaction=False)
    for shard in range(shards):
        pipeline.xlen(keys.dead_letters(shard))
    return sum(await pipeline.execute())

"""What was fixed at the first start of a deployment, and its streams and groups."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from redis.exceptions import ResponseError

from common.errors import HubbubError, ShardMismatch
from common.stage import Stream
from common.streams import keys
from common.streams.client import Client
from common.topology import ON_DEMAND, OPTIONAL, READERS

_DISABLED = "disabled:"
_ENABLED = "enabled:"


async def join_deployment(redis: Client, shards: int) -> None:
    """Fix the shard count at first start, or check it; make every stream, and the groups of pools in use.

    Writes only what is not there: a process that starts while the server is full is to make room in it.
    Raises ShardMismatch.
    """
    if not await redis.hexists(keys.DEPLOYMENT, "shards"):
        await redis.hsetnx(keys.DEPLOYMENT, "shards", str(shards))
    fixed = int(await redis.hget(keys.DEPLOYMENT, "shards") or 0)
    if fixed != shards:
        raise ShardMismatch(
            f"this deployment has {fixed} shards since its first start, HUBBUB_SHARDS says {shards}: "
            f"set HUBBUB_SHARDS={fixed}"
        )
    disabled = await disabled_pools(redis)
    await _make_groups(redis, shards, {pool for pools in READERS.values() for pool in pools} - disabled, "0")


async def disabled_pools(redis: Client) -> frozenset[str]:
    """The pools that this deployment does without: no group of theirs holds anything back."""
    fields = [field.decode() for field in await redis.hkeys(keys.DEPLOYMENT)]
    disabled = {field.removeprefix(_DISABLED) for field in fields if field.startswith(_DISABLED)}
    return frozenset(disabled.union(pool for pool in ON_DEMAND if f"{_ENABLED}{pool}" not in fields))


async def disable_pool(redis: Client, pool: str) -> None:
    """Do without a pool; what was kept for it is forgotten. Raises HubbubError for one that is needed."""
    _check_optional(pool)
    await redis.hset(keys.DEPLOYMENT, f"{_DISABLED}{pool}", "1")
    await redis.hdel(keys.DEPLOYMENT, f"{_ENABLED}{pool}")
    shards = int(await redis.hget(keys.DEPLOYMENT, "shards") or 0)
    pipeline = redis.pipeline(transaction=False)
    for shard in range(shards):
        for stream in _inputs(pool):
            pipeline.xgroup_destroy(keys.stream(shard, stream), pool)
    await pipeline.execute()


async def enable_pool(redis: Client, pool: str) -> None:
    """Have a pool again, which is to begin with what comes now. Raises HubbubError for an unknown one."""
    _check_optional(pool)
    await _make_groups(redis, int(await redis.hget(keys.DEPLOYMENT, "shards") or 0), {pool}, "$")
    await redis.hset(keys.DEPLOYMENT, f"{_ENABLED}{pool}", "1")
    await redis.hdel(keys.DEPLOYMENT, f"{_DISABLED}{pool}")


async def check_enabled(redis: Client, pool: str) -> None:
    """Raises HubbubError where the deployment does without the pool."""
    if pool in await disabled_pools(redis):
        raise HubbubError(f"{pool} is disabled in this deployment; to have it: hubbub pools enable {pool}")


async def _make_groups(redis: Client, shards: int, pools: AbstractSet[str], start: str) -> None:
    """Those that exist stay as they are."""
    wanted = {
        keys.stream(shard, stream): sorted(pools & set(readers))
        for shard in range(shards)
        for stream, readers in READERS.items()
    }
    there = await _groups(redis, list(wanted))
    pipeline = redis.pipeline(transaction=False)
    for key, readers in wanted.items():
        for pool in set(readers) - there[key]:
            pipeline.xgroup_create(key, pool, id=start, mkstream=True)
    _check(await pipeline.execute(raise_on_error=False), "BUSYGROUP")  # another process was first


async def _groups(redis: Client, streams: Sequence[str]) -> dict[str, set[str]]:
    """The groups of each stream; none of one that does not exist."""
    pipeline = redis.pipeline(transaction=False)
    for key in streams:
        pipeline.xinfo_groups(key)
    replies = _check(await pipeline.execute(raise_on_error=False), "no such key")
    return {
        key: set() if isinstance(reply, Exception) else {group["name"].decode() for group in reply}
        for key, reply in zip(streams, replies, strict=True)
    }


def _check(replies: Sequence[Any], harmless: str) -> Sequence[Any]:
    """Raises the first error among replies that is not the harmless one."""
    for reply in replies:
        if isinstance(reply, Exception) and not (
            isinstance(reply, ResponseError) and str(reply).startswith(harmless)
        ):
            raise reply
    return replies


def _inputs(pool: str) -> list[Stream]:
    return [stream for stream, readers in READERS.items() if pool in readers]


def _check_optional(pool: str) -> None:
    if pool not in (*OPTIONAL, *ON_DEMAND):
        raise HubbubError(f"{pool!r}: only {', '.join((*OPTIONAL, *ON_DEMAND))} can be done without")


async def shard_count(redis: Client) -> int:
    """The shard count fixed at the first start. Raises HubbubError where nothing was started yet."""
    fixed = await redis.hget(keys.DEPLOYMENT, "shards")
    if fixed is None:
        raise HubbubError("nothing was ever started on this Redis; run hubbub up, or set HUBBUB_REDIS__URL")
    return int(fixed)

"""What was fixed at the first start of a deployment, and its streams and groups."""

from redis.exceptions import ResponseError

from common.errors import HubbubError, ShardMismatch
from common.streams import keys
from common.streams.client import Client
from common.topology import READERS


async def join_deployment(redis: Client, shards: int) -> None:
    """Fix the shard count at first start, or check it; make every stream and group.

    Raises ShardMismatch.
    """
    await redis.hsetnx(keys.DEPLOYMENT, "shards", str(shards))
    fixed = int(await redis.hget(keys.DEPLOYMENT, "shards") or 0)
    if fixed != shards:
        raise ShardMismatch(
            f"this deployment has {fixed} shards since its first start, HUBBUB_SHARDS says {shards}: "
            f"set HUBBUB_SHARDS={fixed}"
        )
    pipeline = redis.pipeline(transaction=False)
    for shard in range(shards):
        for stream, pools in READERS.items():
            for pool in pools:
                pipeline.xgroup_create(keys.stream(shard, stream), pool, id="0", mkstream=True)
    for reply in await pipeline.execute(raise_on_error=False):
        if isinstance(reply, ResponseError) and not str(reply).startswith("BUSYGROUP"):
            raise reply
        if isinstance(reply, Exception) and not isinstance(reply, ResponseError):
            raise reply


async def shard_count(redis: Client) -> int:
    """The shard count fixed at the first start. Raises HubbubError where nothing was started yet."""
    fixed = await redis.hget(keys.DEPLOYMENT, "shards")
    if fixed is None:
        raise HubbubError("nothing was ever started on this Redis; run hubbub up, or set HUBBUB_REDIS__URL")
    return int(fixed)

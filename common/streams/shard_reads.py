"""Following every shard of a cluster at once: one XREAD can wait at one slot only."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from redis.exceptions import ResponseError

from common.stage import Stream
from common.streams import keys
from common.streams.client import PASSING, refusal
from common.streams.cluster_client import ClusterClient

_PAUSE_S = 0.2

Found = list[tuple[bytes, dict[bytes, bytes]]]


class _Read(NamedTuple):
    after: str
    task: asyncio.Task[Found]


class ShardReads:
    """A blocking read of the results of each shard; those that have nothing stay for the next call."""

    def __init__(self, redis: ClusterClient) -> None:
        self._redis: Any = redis
        self._reads: dict[int, _Read] = {}

    async def first(self, after: Mapping[int, str], *, count: int, block_ms: int) -> dict[int, Found]:
        """What is there after an entry id of each shard; waits for the first.

        A shard whose node is away is left out. Raises an error of `PASSING` where all are.
        """
        for shard in self._reads.keys() | after.keys():
            self._attend(shard, after.get(shard), count, block_ms)
        try:
            await asyncio.wait([read.task for read in self._reads.values()], return_when="FIRST_COMPLETED")
        except asyncio.CancelledError:
            await self._stop()
            raise
        return self._take()

    def _attend(self, shard: int, after: str | None, count: int, block_ms: int) -> None:
        """Have one read of the shard under way, after that id; none where there is no id."""
        read = self._reads.get(shard)
        if read is not None and read.after != after:
            read.task.cancel()
            del self._reads[shard]
        if after is not None and shard not in self._reads:
            task = asyncio.create_task(self._read(shard, after, count, block_ms))
            self._reads[shard] = _Read(after, task)

    def _take(self) -> dict[int, Found]:
        found: dict[int, Found] = {}
        errors: list[BaseException] = []
        for shard, read in list(self._reads.items()):
            if read.task.done():
                del self._reads[shard]
                error = read.task.exception()
                if error is None:
                    found[shard] = read.task.result()
                elif isinstance(error, PASSING):
                    errors.append(error)
                else:
                    raise error
        if errors and not found and not self._reads:
            raise errors[0]
        return found

    async def _stop(self) -> None:
        tasks = [read.task for read in self._reads.values()]
        self._reads.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, shard: int, after: str, count: int, block_ms: int) -> Found:
        key = keys.stream(shard, Stream.RESULTS)
        command = ("XREAD", "COUNT", count, "BLOCK", block_ms, "STREAMS", key, after)
        try:
            await self._redis.initialize()
            node = self._redis.get_node_from_key(key)
            reply = await self._redis.execute_command(*command, target_nodes=node)
        except ResponseError as error:
            await asyncio.sleep(_PAUSE_S)
            raise refusal(error) from error
        except PASSING:
            await asyncio.sleep(_PAUSE_S)
            raise
        return reply[0][1] if reply else []

"""Waits for entries of the shards of a cluster: connections parked in blocking XREADs."""

import select
import time
from collections.abc import Collection, Mapping
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from common.streams.client import PASSING
from common.streams.cluster_nodes import ClusterNodes
from common.streams.link import Visit, checked, xread
from common.streams.node import Node
from common.streams.wire import Wire

_PARKED_MS = 4000
_GRACE_S = 2.0

News = list[tuple[bytes, Any]]


class Listener:
    """Waits for one shard. It takes nothing and does no harm wherever it is left."""

    def __init__(self, node: Node, wire: Wire) -> None:
        self.node = node
        self.wire = wire
        self.is_hasty = False
        self._after: Mapping[str, str] = {}
        self._overdue_at = 0.0

    @property
    def is_parked(self) -> bool:
        """Whether a reply is owed."""
        return bool(self._after) and self.wire.is_connected

    def park(self, after: Mapping[str, str], visit: Visit) -> None:
        """Wait for entries after these ids; hasty where the visit does not wait. Raises what Redis raises."""
        if self.is_parked:
            if self._after == after:
                return
            self.wire.close()  # it waits for something else
        self.is_hasty = visit.block_ms is None
        self.wire.connect()
        if self.wire.history != self.node.wire.history:
            raise RedisConnectionError("another server took over meanwhile")
        block_ms = None if self.is_hasty else _PARKED_MS
        self.wire.send([xread(after, after.values(), visit.read_count, block_ms)])
        self._after = after
        self._overdue_at = time.monotonic() + _GRACE_S + (0 if self.is_hasty else _PARKED_MS / 1000)

    def take(self) -> News:
        """What has come. Raises what Redis raises."""
        self._after, self.is_hasty = {}, False
        (reply,) = checked(self.wire.receive(1))
        return reply or []

    def check(self) -> None:
        """Raise TimeoutError where the server should have answered by now."""
        if self.is_parked and time.monotonic() > self._overdue_at:
            self.node.leave_alone()
            self.wire.close()
            raise RedisTimeoutError(f"{self.node.place[0]}:{self.node.place[1]} does not answer")


class Listeners:
    """One for each shard that is waited for, all watched at once."""

    def __init__(self, nodes: ClusterNodes) -> None:
        self._nodes = nodes
        self._by_shard: dict[int, Listener] = {}

    def wait_at(self, shard: int, node: Node, visit: Visit) -> None:
        """Wait for what the visit wants of a shard, at the node that serves it. Raises what Redis raises."""
        listener = self._by_shard.get(shard)
        if listener is None or listener.node is not node:
            self.leave(shard)
            listener = Listener(node, self._nodes.new_wire(node.place, _GRACE_S))
            self._by_shard[shard] = listener
        listener.park(visit.places(shard), visit)

    def hear(self, shards: Collection[int], block_ms: int | None) -> tuple[News, dict[int, Exception]]:
        """Wait for the first news, or for what is there at once; and say which shards' servers are lost."""
        news: News = []
        lost: dict[int, Exception] = {}
        owed = {shard for shard in shards if self._by_shard[shard].is_hasty}
        while True:
            wait_ms = block_ms if block_ms is not None else int(1000 * _GRACE_S) if owed else 0
            ready = self._ready(shards, wait_ms)
            for shard in ready:
                try:
                    news += self._by_shard[shard].take()
                except PASSING as error:
                    lost[shard] = error
            owed -= set(ready)
            if not ready or not owed:
                return news, lost | self._overdue(shards)

    def leave(self, shard: int) -> None:
        """Wait for it no more."""
        listener = self._by_shard.pop(shard, None)
        if listener is not None:
            listener.wire.close()

    def close(self) -> None:
        """Hang up everywhere."""
        for shard in list(self._by_shard):
            self.leave(shard)

    def _ready(self, shards: Collection[int], wait_ms: int) -> list[int]:
        """Of these shards, those that have something to take, once there are any or the time is up."""
        poll = select.poll()
        by_number = {}
        for shard in shards:
            listener = self._by_shard[shard]
            if listener.is_parked:
                by_number[listener.wire.fileno()] = shard
                poll.register(listener.wire.fileno(), select.POLLIN)
        return [by_number[number] for number, _ in poll.poll(wait_ms)]

    def _overdue(self, shards: Collection[int]) -> dict[int, Exception]:
        found: dict[int, Exception] = {}
        for shard in shards:
            try:
                self._by_shard[shard].check()
            except PASSING as error:
                found[shard] = error
        return found

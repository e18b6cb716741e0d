"""Keeps a process's share of shards: heartbeats, renews, takes free shards, says which to give up."""

import asyncio
from collections.abc import Callable

import structlog

from common.assignment import assign
from common.streams.client import PASSING, check_cancelled
from common.streams.leases import Lease, LeaseTable

log = structlog.get_logger()
BEATS_A_LEASE = 8


class Membership:
    """One member's leases. `take` and `lose` tell the loop what changed; both run on the event loop.

    A shard that another member should have is only marked: the loop lets go of it after its
    commit, through `give_up`.
    """

    def __init__(
        self,
        table: LeaseTable,
        *,
        shards: int,
        take: Callable[[Lease], None],
        lose: Callable[[Lease], None],
    ) -> None:
        self._table = table
        self._shards = shards
        self._beat_s = table.lease_ms / 1000 / BEATS_A_LEASE
        self._take = take
        self._lose = lose
        self._leases: dict[int, Lease] = {}
        self.unwanted: set[int] = set()

    async def run(self) -> None:
        """Beat until cancelled. While Redis is away nobody can take a lease, so this only tries again."""
        while True:
            check_cancelled()
            try:
                await self.beat()
            except PASSING as error:
                log.warning("heartbeat_lost", error=str(error))
            await asyncio.sleep(self._beat_s)

    async def beat(self) -> None:
        """One heartbeat: renew what is held, take what is free and ours to hold."""
        for lease in await self._table.renew(list(self._leases.values())):
            self._forget(lease)
        members = await self._table.heartbeat()
        wanted = assign(self._shards, members)[self._table.member]
        self.unwanted = set(self._leases) - wanted
        for lease in await self._table.acquire(wanted - set(self._leases)):
            self._leases[lease.shard] = lease
            self._take(lease)

    async def give_up(self, leases: list[Lease]) -> None:
        """Let go of shards whose work is committed."""
        held = [lease for lease in leases if self._leases.get(lease.shard) == lease]
        for lease in held:
            del self._leases[lease.shard]
        await self._table.release(held)

    def lost(self, lease: Lease) -> None:
        """The loop learnt that a shard has another owner."""
        if self._leases.get(lease.shard) == lease:
            self._forget(lease)

    async def leave(self) -> None:
        """Release everything, so that others need not wait for leases to expire."""
        await self._table.leave()
        await self.give_up(list(self._leases.values()))

    def _forget(self, lease: Lease) -> None:
        del self._leases[lease.shard]
        self._lose(lease)

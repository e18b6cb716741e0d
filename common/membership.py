"""Keeps a process's share of shards: heartbeats, renews, takes free shards, says which to give up."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress

import structlog

from common.assignment import assign
from common.streams.client import PASSING, check_cancelled
from common.streams.leases import Lease, LeaseTable

log = structlog.get_logger()
BEATS_A_LEASE = 8


class Membership:
    """One member's leases. `take` and `lose` tell the stage loop what changed.

    A shard that another member should have is only marked as `unwanted`: the stage loop lets go
    of it after its commit, through `give_up`, from its own thread.
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
        self._given_up: deque[Lease] = deque()
        self._hurry = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.unwanted: frozenset[int] = frozenset()

    async def run(self) -> None:
        """Beat until cancelled. While Redis is away nobody can take a lease, so this only tries again."""
        self._loop = asyncio.get_running_loop()
        while True:
            check_cancelled()
            self._hurry.clear()
            try:
                await self.beat()
            except PASSING as error:
                log.warning("heartbeat_lost", error=str(error))
                await asyncio.sleep(self._beat_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._beat_s):
                    await self._hurry.wait()

    async def beat(self) -> None:
        """One heartbeat: release what was given up, renew what is held, take what is free and ours."""
        await self._release_given_up()
        for lease in await self._table.renew(list(self._leases.values())):
            self._forget(lease)
        members = await self._table.heartbeat()
        wanted = assign(self._shards, members)[self._table.member]
        self.unwanted = frozenset(self._leases) - wanted
        for lease in await self._table.acquire(wanted - set(self._leases)):
            self._leases[lease.shard] = lease
            self._take(lease)

    def give_up(self, leases: Iterable[Lease]) -> None:
        """Let go of shards whose work is committed; from any thread."""
        self._given_up.extend(leases)
        if self._given_up and self._loop is not None:
            self._loop.call_soon_threadsafe(self._hurry.set)

    async def leave(self) -> None:
        """Release everything, so that others need not wait for leases to expire."""
        await self._table.leave()
        self._given_up.extend(self._leases.values())
        await self._release_given_up()

    async def _release_given_up(self) -> None:
        given_up = list(self._given_up)
        held = {lease for lease in given_up if self._leases.get(lease.shard) == lease}
        await self._table.release(list(held))
        for lease in held:
            del self._leases[lease.shard]
        for _ in given_up:
            self._given_up.popleft()

    def _forget(self, lease: Lease) -> None:
        del self._leases[lease.shard]
        self._lose(lease)

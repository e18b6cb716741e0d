"""Keeps a process's share of shards: heartbeats, renews, takes free shards, says which to give up."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress

import structlog

from common.assignment import BEATS_A_LEASE, Share
from common.streams.client import PASSING, check_cancelled
from common.streams.leases import Lease, LeaseTable

log = structlog.get_logger()
TRIES_A_BEAT = 8
TRY_S = 0.0005
"""At the least, for each shard that is tried for: waiting for a slow owner must not wear out the server."""
LONGEST_GOODBYE_S = 1.0
"""A drain has an end, however long leases are."""


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
        self._share = Share(table.member, shards)
        self._beat_s = table.lease_ms / 1000 / BEATS_A_LEASE
        self._take = take
        self._lose = lose
        self._leases: dict[int, Lease] = {}
        self._wanted: frozenset[int] = frozenset()
        self._given_up: deque[Lease] = deque()
        self._alone = True
        self._leaving = False
        self._hurry = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.unwanted: frozenset[int] = frozenset()

    async def run(self) -> None:
        """Beat until cancelled. While Redis is away nobody can take a lease, so this only tries again."""
        self._loop = asyncio.get_running_loop()
        while True:
            check_cancelled()
            self._hurry.clear()
            due = self._loop.time() + self._beat_s
            try:
                await self.beat()
                await self._rest(due)
            except PASSING as error:
                log.warning("heartbeat_lost", error=str(error))
                await asyncio.sleep(self._beat_s)

    async def beat(self) -> None:
        """One heartbeat: release what was given up, renew what is held, take what is free and ours."""
        await self._release_given_up()
        for lease in await self._table.renew(list(self._leases.values())):
            self._forget(lease)
        if self._leaving:
            self._wanted = frozenset()
            await self._table.leave()
            return
        view = await self._table.heartbeat(self._share.standing(self._leases))
        self._alone = len(view.members) == 1
        self._wanted = self._share.see(view)
        self.unwanted = frozenset(self._leases) - self._wanted
        await self._take_free()

    async def _rest(self, due: float) -> None:
        """Wait until the next beat is due, and see now and then whether what is to come has come free."""
        while (left := due - asyncio.get_running_loop().time()) > 0:
            missing = len(self._wanted - self._leases.keys())
            pause_s = max(self._beat_s / TRIES_A_BEAT, missing * TRY_S) if missing else left
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, pause_s)):
                    await self._hurry.wait()
                    return
            check_cancelled()
            await self._take_free()

    async def _take_free(self) -> None:
        for lease in await self._table.acquire(sorted(self._wanted - self._leases.keys())):
            self._leases[lease.shard] = lease
            self._take(lease)

    def give_up(self, leases: Iterable[Lease]) -> None:
        """Let go of shards whose work is committed; from any thread."""
        self._given_up.extend(leases)
        if self._given_up and self._loop is not None:
            self._loop.call_soon_threadsafe(self._hurry.set)

    async def say_goodbye(self) -> None:
        """Take no more shards, and wait until the others know: they stand ready when these are released."""
        self._leaving = True
        self._hurry.set()
        if not self._alone:
            await asyncio.sleep(min(LONGEST_GOODBYE_S, self._beat_s * (1 + 2 / TRIES_A_BEAT)))

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

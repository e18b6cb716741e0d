"""Who is alive in a pool, and who owns which shard: heartbeats and leases with fencing tokens."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgpack

from common.assignment import BEATS_A_LEASE, Standing, View
from common.streams import keys
from common.streams.client import PASSING, Client
from common.streams.cluster_client import ClusterClient
from common.streams.scripts import Call, run_script, run_scripts


@dataclass(frozen=True, slots=True)
class Lease:
    """Ownership of one shard; `token` grows with every change of hands, and is never given twice."""

    shard: int
    token: int


class LeaseTable:
    """The leases and members of one pool, as one member sees them."""

    def __init__(self, redis: Client, pool: str, member: str, lease_ms: int) -> None:
        self._redis = redis
        self._pool = pool
        self.member = member
        self.lease_ms = lease_ms
        self._names = [keys.members(pool), keys.standings(pool), keys.changes(pool)]
        self._beats = 0
        self._edition = b""
        self._members: dict[str, Standing | None] = {}

    async def heartbeat(self, standing: Standing) -> View:
        """Say that this member lives, and how it stands; returns who lives."""
        known = self._edition if self._beats % BEATS_A_LEASE else b""
        self._beats += 1
        held = msgpack.packb(standing.held)
        args = [self.member, self.lease_ms, int(standing.newcomer), held, known]
        verdict, edition, said = await run_script(self._redis, "heartbeat", self._names, args)
        if edition != known:
            values = iter(said)
            self._members = {
                name.decode(): _unpacked(says) for name, says in zip(values, values, strict=True)
            }
            self._edition = edition
        return View(verdict == b"JOINED", self._members)

    async def leave(self) -> None:
        """Be no longer a member, at once."""
        await run_script(self._redis, "leave", self._names, [self.member])

    async def acquire(self, shards: Iterable[int]) -> list[Lease]:
        """Take those of the shards that are free."""
        wanted = list(shards)
        calls: list[Call] = [
            ("acquire", [keys.lease(shard, self._pool)], [self.member, self.lease_ms, _random_digits()])
            for shard in wanted
        ]
        replies = _checked(await run_scripts(self._redis, calls))
        return [
            Lease(shard, int(reply[1]))
            for shard, reply in zip(wanted, replies, strict=True)
            if not isinstance(reply, Exception) and reply[0] == b"TAKEN"
        ]

    async def renew(self, leases: Sequence[Lease]) -> list[Lease]:
        """Prolong leases; returns those that are lost."""
        if not leases:
            return []
        # In a cluster a script reaches the keys of one shard only. Elsewhere a call for each lease,
        # several times a second, would be most of what an idle process does.
        parts = [[lease] for lease in leases] if isinstance(self._redis, ClusterClient) else [leases]
        replies = _checked(await run_scripts(self._redis, [self._renewal(part) for part in parts]))
        return [
            lease
            for part, reply in zip(parts, replies, strict=True)
            if not isinstance(reply, Exception)
            for lease, verdict in zip(part, reply, strict=True)
            if verdict == b"FENCED"
        ]

    def _renewal(self, leases: Sequence[Lease]) -> Call:
        names = [keys.lease(lease.shard, self._pool) for lease in leases]
        return "renew", names, [self.member, self.lease_ms, *(lease.token for lease in leases)]

    async def release(self, leases: Sequence[Lease]) -> None:
        """Give leases back; one that is lost already stays with its new owner.

        One whose server is away runs out.
        """
        calls: list[Call] = [
            ("release", [keys.lease(lease.shard, self._pool)], [self.member, lease.token]) for lease in leases
        ]
        _checked(await run_scripts(self._redis, calls))


def _unpacked(said: bytes) -> Standing | None:
    if not said:
        return None
    return Standing(tuple(msgpack.unpackb(said[1:])), newcomer=said[:1] == b"1")


def _random_digits() -> str:
    return f"{secrets.randbelow(10**12):012}"


def _checked(replies: list[Any]) -> list[Any]:
    """Raises the first error among them, unless it passes and others got an answer."""
    errors = [reply for reply in replies if isinstance(reply, Exception)]
    for error in errors:
        if not isinstance(error, PASSING) or len(errors) == len(replies):
            raise error
    return replies

"""Members of a pool on a real server, beat by beat."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from common.assignment import BEATS_A_LEASE
from common.clock import unix_ms
from common.membership import Membership
from common.streams import keys
from common.streams.client import Client
from common.streams.leases import Lease, LeaseTable

pytestmark = pytest.mark.integration
SHARDS = 12
LEASE_MS = 60_000


@dataclass
class Member:
    """A member whose stage gives up at once what it should not hold."""

    redis: Client
    name: str

    def __post_init__(self) -> None:
        self.held: dict[int, Lease] = {}
        table = LeaseTable(self.redis, "vad", self.name, LEASE_MS)
        self.membership = Membership(table, shards=SHARDS, take=self._take, lose=self._lose)

    def _take(self, lease: Lease) -> None:
        self.held[lease.shard] = lease

    def _lose(self, lease: Lease) -> None:
        self.held.pop(lease.shard, None)

    async def beat(self) -> None:
        await self.membership.beat()
        self.membership.give_up(
            [self.held.pop(n) for n in sorted(self.membership.unwanted & self.held.keys())]
        )

    async def crash(self) -> None:
        """Gone for longer than a lease: its leases have run out, and it is missed."""
        for shard in self.held:
            await self.redis.hset(keys.lease(shard, "vad"), "until_ms", str(unix_ms() - 1))
        await self.redis.zadd(keys.members("vad"), {self.name: unix_ms() - 2 * LEASE_MS})


async def beat(members: Sequence[Member], times: int = BEATS_A_LEASE + 4) -> None:
    for _ in range(times):
        for member in members:
            await member.beat()


def shares(members: Sequence[Member]) -> list[set[int]]:
    return [set(member.held) for member in members]


@pytest.fixture
async def trio(redis: Client) -> list[Member]:
    """Three members with four shards each."""
    members = [Member(redis, name) for name in ("first", "second", "third")]
    await beat(members)
    assert [len(share) for share in shares(members)] == [4, 4, 4]
    return members


async def test_a_newcomer_takes_its_share_after_a_while_and_nothing_else_moves(
    redis: Client, trio: list[Member]
) -> None:
    before = shares(trio)
    newcomer = Member(redis, "newcomer")
    await beat([*trio, newcomer], BEATS_A_LEASE - 1)
    assert shares([*trio, newcomer]) == [*before, set()]
    await beat([*trio, newcomer])
    assert [len(share) for share in shares([*trio, newcomer])] == [3, 3, 3, 3]
    assert all(now < then for now, then in zip(shares(trio), before, strict=True))


async def test_the_shards_of_the_dead_go_to_whoever_replaced_it(redis: Client, trio: list[Member]) -> None:
    *others, dead = trio
    before = shares(trio)
    replacement = Member(redis, "replacement")
    await beat([*others, replacement], 2)
    await dead.crash()
    await beat([*others, replacement], 2)
    assert shares([*others, replacement]) == before


async def test_what_a_member_had_goes_to_the_others_and_comes_back(redis: Client, trio: list[Member]) -> None:
    *others, leaver = trio
    before = shares(trio)
    await leaver.membership.leave()
    await beat(others, 2)
    assert [len(share) for share in shares(others)] == [6, 6]
    assert all(now > then for now, then in zip(shares(others), before, strict=False))
    back = Member(redis, "back")
    await beat([*others, back])
    assert shares([*others, back]) == before


async def test_paused_until_it_was_missed_a_member_is_a_newcomer_again(trio: list[Member]) -> None:
    *others, paused = trio
    await paused.crash()
    await beat(others, 3)
    taken = shares(others)
    await beat(trio, 3)
    assert shares(trio) == [*taken, set()]


async def test_beside_a_member_of_an_older_version_every_shard_has_an_owner(
    redis: Client, trio: list[Member]
) -> None:
    """It says nothing of what it holds, and takes what it should hold by the members' names alone."""
    await redis.zadd(keys.members("vad"), {"older": unix_ms()})
    await beat(trio, 3)
    assert sorted(len(share) for share in shares(trio)) == [3, 3, 3]
    await redis.zrem(keys.members("vad"), "older")
    await beat(trio, 3)
    assert sorted(shard for share in shares(trio) for shard in share) == list(range(SHARDS))


async def test_nothing_is_kept_of_what_the_gone_said(redis: Client, trio: list[Member]) -> None:
    first, second, third = trio
    await second.membership.leave()
    await third.crash()
    await beat([first], 2)
    assert await redis.hkeys(keys.standings("vad")) == [b"first"]


async def test_what_an_older_version_leaves_of_the_gone_goes_when_somebody_comes(
    redis: Client, trio: list[Member]
) -> None:
    await redis.zrem(keys.members("vad"), "third")
    await beat([trio[0], Member(redis, "newcomer")], 1)
    assert set(await redis.hkeys(keys.standings("vad"))) == {b"first", b"second", b"newcomer"}


async def test_who_says_goodbye_takes_nothing_more(redis: Client, trio: list[Member]) -> None:
    first, second, third = trio
    await second.membership.say_goodbye()
    await third.crash()
    held = set(second.held)
    await beat([second, first], 2)
    assert shares([second, first]) == [held, set(range(SHARDS)) - held]

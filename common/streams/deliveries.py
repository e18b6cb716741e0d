"""The ledger of deliveries: what waits for which address, whose turn it is, and what became of it.

A subscription has a turn when something of it is due. Turns are assigned by number, begun by
whoever takes them first, and held for a lease that each claim renews; so a receiver is served by
one turn at a time, and a turn whose process died is assigned again. Time is Redis time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from common.identity import Meeting
from common.streams import keys
from common.streams.client import Client
from common.streams.scripts import Arg, Call, run_script, run_scripts
from common.webhooks import Delivery, Health, State, delivery_from, health_from, to_json

STALE = b"STALE"
_STATES: tuple[State, ...] = ("waiting", "delivered", "dead")
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Turn:
    """A numbered turn of a subscription."""

    subscription: str
    number: int


@dataclass(frozen=True, slots=True)
class Rest:
    """How a turn ended: what is known of the receiver now, and how long it is left alone."""

    health: Health
    ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A subscription's deliveries by state, how many were dropped for want of room, and its health."""

    waiting: int
    delivered: int
    dead: int
    dropped: int
    health: Health
    resting_until_ms: int


class DeliveryLedger:
    """Deliveries of all subscriptions. Raises what Redis raises."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def record(
        self, deliveries: Sequence[tuple[str, Delivery]], *, most_waiting: int
    ) -> tuple[int, int]:
        """Let new deliveries wait, each given with its subscription.

        Returns how many do now, and how many found no room.
        """
        by_subscription: dict[str, list[Arg]] = {}
        for subscription, delivery in deliveries:
            by_subscription.setdefault(subscription, []).extend([delivery.id, to_json(delivery)])
        calls: list[Call] = [
            (
                "delivery_record",
                [
                    *_shared("subscriptions", "disabled", "agenda"),
                    *_own(name, "state", "deliveries", "made", "waiting"),
                ],
                [name, most_waiting, *args],
            )
            for name, args in by_subscription.items()
        ]
        replies = _checked(await run_scripts(self._redis, calls))
        return sum(reply[0] for reply in replies), sum(reply[1] for reply in replies)

    # Turns

    async def assign(self, *, most: int, lease_ms: int) -> list[Turn]:
        """Assign turns to subscriptions that are due, the longest due first."""
        now_ms = await self._now_ms()
        found = await self._redis.zrangebyscore(keys.webhooks("agenda"), "-inf", now_ms, start=0, num=most)
        names = [name.decode() for name in found]
        calls: list[Call] = [
            ("delivery_assign", [*_shared("agenda"), *_own(name, "state")], [name, lease_ms])
            for name in names
        ]
        replies = _checked(await run_scripts(self._redis, calls)) if calls else []
        turns = [Turn(name, number) for name, number in zip(names, replies, strict=True)]
        return [turn for turn in turns if turn.number]

    async def begin(self, subscription: str, turn: int, *, lease_ms: int) -> Health | None:
        """Take an assigned turn; None where somebody has, or it is over."""
        where = [*_shared("agenda"), *_own(subscription, "state")]
        reply = await run_script(self._redis, "delivery_begin", where, [subscription, turn, lease_ms])
        if reply == STALE:
            return None
        return health_from(reply[0]) if reply[0] else Health()

    async def claim(self, subscription: str, turn: int, *, count: int, lease_ms: int) -> list[Delivery]:
        """Deliveries that are due, to attempt within the lease; none where the turn is over."""
        where = [*_shared("agenda"), *_own(subscription, "state", "deliveries", "waiting")]
        reply = await run_script(self._redis, "delivery_claim", where, [subscription, turn, lease_ms, count])
        return [] if reply == STALE else [delivery_from(stored) for stored in reply if stored]

    async def settle(self, subscription: str, delivery: Delivery, *, retry_ms: int, most_kept: int) -> None:
        """Write down what became of an attempt; `retry_ms` counts if the delivery waits again."""
        where = _own(subscription, "deliveries", "made", "waiting", "delivered", "dead")
        args: list[Arg] = [delivery.id, to_json(delivery), delivery.state, retry_ms, most_kept]
        await run_script(self._redis, "delivery_settle", where, args)

    async def end(self, subscription: str, turn: int, rest: Rest) -> None:
        """End a turn, and put the next one on the agenda."""
        where = [*_shared("disabled", "agenda"), *_own(subscription, "state", "waiting")]
        args: list[Arg] = [subscription, turn, to_json(rest.health), rest.ms]
        await run_script(self._redis, "delivery_end", where, args)

    async def wake(self, subscription: str) -> None:
        """Let a receiver have its turn now, with a clean slate."""
        where = [*_shared("disabled", "agenda"), *_own(subscription, "state", "waiting")]
        await run_script(self._redis, "delivery_wake", where, [subscription])

    # Looking back

    async def standing(self, subscription: str) -> Standing:
        """Where a subscription stands."""
        pipeline = self._redis.pipeline(transaction=False)
        for state in _STATES:
            pipeline.zcard(keys.webhooks(state, subscription))
        pipeline.hmget(keys.webhooks("state", subscription), "dropped", "health", "rest_until_ms")
        waiting, delivered, dead, (dropped, health, resting) = await pipeline.execute()
        return Standing(
            waiting=waiting,
            delivered=delivered,
            dead=dead,
            dropped=int(dropped or 0),
            health=health_from(health) if health else Health(),
            resting_until_ms=int(resting or 0),
        )

    async def get(self, subscription: str, delivery: str) -> Delivery | None:
        """One delivery, if it is kept."""
        stored = await self._redis.hget(keys.webhooks("deliveries", subscription), delivery)
        return delivery_from(stored) if stored else None

    async def page(self, subscription: str, *, state: State | None, after: str, limit: int) -> list[Delivery]:
        """Deliveries, the newest first, behind the one named `after`; none where that is not kept."""
        index = keys.webhooks(state or "made", subscription)
        first = 0
        if after:
            rank = await self._redis.zrevrank(index, after)
            if rank is None:
                return []
            first = rank + 1
        found = await self._redis.zrevrange(index, first, first + limit - 1)
        return await self._read(subscription, found)

    async def again(self, subscription: str, deliveries: Iterable[Delivery], *, now_ms: int) -> int:
        """Let finished deliveries wait once more; returns how many do that did not."""
        args: list[Arg] = []
        for delivery in deliveries:
            args += [delivery.id, to_json(replace(delivery, state="waiting", tries=0, since_ms=now_ms))]
        if not args:
            return 0
        where = _own(subscription, "deliveries", "waiting", "delivered", "dead")
        moved: int = await run_script(self._redis, "delivery_again", where, args)
        await self.wake(subscription)
        return moved

    # Forgetting

    async def expire(self, subscription: str, *, keep_ms: int) -> int:
        """Erase deliveries made longer ago than that, whatever their state; returns how many."""
        oldest_ms = await self._now_ms() - keep_ms
        gone = 0
        while found := await self._redis.zrangebyscore(
            keys.webhooks("made", subscription), "-inf", oldest_ms, start=0, num=_PAGE
        ):
            await self._erase(subscription, found)
            gone += len(found)
        return gone

    async def forget(self, subscriptions: Iterable[str], meeting: Meeting) -> int:
        """Erase all deliveries about a meeting from its tenant's subscriptions; returns how many."""
        gone = 0
        for subscription in subscriptions:
            stored = await self._redis.hgetall(keys.webhooks("deliveries", subscription))
            about = [name for name, record in stored.items() if delivery_from(record).meeting == meeting.id]
            for i in range(0, len(about), _PAGE):
                await self._erase(subscription, about[i : i + _PAGE])
            gone += len(about)
        return gone

    async def _erase(self, subscription: str, deliveries: Sequence[bytes]) -> None:
        async with self._redis.pipeline(transaction=True) as pipeline:
            for index in ("made", *_STATES):
                pipeline.zrem(keys.webhooks(index, subscription), *deliveries)
            pipeline.hdel(keys.webhooks("deliveries", subscription), *deliveries)
            await pipeline.execute()

    async def _read(self, subscription: str, deliveries: Sequence[bytes]) -> list[Delivery]:
        if not deliveries:
            return []
        stored = await self._redis.hmget(keys.webhooks("deliveries", subscription), deliveries)
        return [delivery_from(record) for record in stored if record]

    async def _now_ms(self) -> int:
        seconds, microseconds = await self._redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000


def _shared(*parts: str) -> list[str]:
    return [keys.webhooks(part) for part in parts]


def _own(subscription: str, *parts: str) -> list[str]:
    return [keys.webhooks(part, subscription) for part in parts]


def _checked(replies: list[Any]) -> list[Any]:
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies

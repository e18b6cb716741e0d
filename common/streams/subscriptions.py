"""Where subscriptions to webhooks are kept, and which of them are disabled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import orjson

from common.clock import unix_ms
from common.errors import HubbubError
from common.streams import keys
from common.streams.client import Client
from common.streams.scripts import run_script
from common.webhooks import Subscription, subscription_from, to_json

TRIES = 5
_PARTS = ("state", "deliveries", "made", "waiting", "delivered", "dead")


class TooManySubscriptions(HubbubError):
    """The tenant has as many webhooks as it may."""


class SubscriptionBusy(HubbubError):
    """Several changes of one webhook at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disabled:
    """Since when a subscription gets nothing, and why."""

    at_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class Directory:
    """All subscriptions at one time. `version` changes whenever they do."""

    version: int = 0
    subscriptions: tuple[Subscription, ...] = ()
    disabled: Mapping[str, Disabled] = field(default_factory=dict)

    def enabled(self) -> tuple[Subscription, ...]:
        """Those that get results."""
        return tuple(found for found in self.subscriptions if found.id not in self.disabled)


class SubscriptionStore:
    """Reads and changes subscriptions. Raises what Redis raises."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def now_ms(self) -> int:
        """The time of Redis, by which results are older or younger than a subscription."""
        seconds, microseconds = await self._redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    async def create(self, subscription: Subscription, *, most: int) -> None:
        """Keep a new one. Raises TooManySubscriptions where the tenant has `most`."""
        if len(await self.of_tenant(subscription.tenant)) >= most:
            raise TooManySubscriptions(f"{most} webhooks are as many as a tenant may have")
        await self._change("hset", "subscriptions", subscription.id, to_json(subscription))

    async def get(self, subscription_id: str) -> Subscription | None:
        """One subscription, if it is there."""
        stored = await self._redis.hget(keys.webhooks("subscriptions"), subscription_id)
        return subscription_from(stored) if stored else None

    async def of_tenant(self, tenant: str) -> list[Subscription]:
        """A tenant's subscriptions, the oldest first."""
        found = [s for s in (await self.directory()).subscriptions if s.tenant == tenant]
        return sorted(found, key=lambda s: (s.created_at_ms, s.id))

    async def update(
        self, subscription_id: str, change: Callable[[Subscription], Subscription]
    ) -> Subscription | None:
        """Change one, whoever else is at it; returns what it is now. Raises SubscriptionBusy."""
        where = [keys.webhooks("subscriptions"), keys.webhooks("version")]
        for _ in range(TRIES):
            stored = await self._redis.hget(where[0], subscription_id)
            if stored is None:
                return None
            changed = change(subscription_from(stored))
            args = [subscription_id, stored, to_json(replace(changed, id=subscription_id))]
            if await run_script(self._redis, "subscription_replace", where, args) == b"OK":
                return changed
        raise SubscriptionBusy(f"webhook {subscription_id}: changed by others at the same time; try again")

    async def delete(self, subscription_id: str) -> None:
        """Forget one, with all its deliveries."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hdel(keys.webhooks("subscriptions"), subscription_id)
            pipeline.hdel(keys.webhooks("disabled"), subscription_id)
            pipeline.zrem(keys.webhooks("agenda"), subscription_id)
            pipeline.delete(*(keys.webhooks(part, subscription_id) for part in _PARTS))
            pipeline.incr(keys.webhooks("version"))
            await pipeline.execute()

    async def disable(self, subscription_id: str, reason: str) -> None:
        """Send it nothing from now on; what waits goes on waiting."""
        disabled = orjson.dumps(Disabled(at_ms=unix_ms(), reason=reason))
        await self._change("hset", "disabled", subscription_id, disabled)

    async def enable(self, subscription_id: str) -> None:
        """Send it results again."""
        await self._change("hdel", "disabled", subscription_id)

    async def disabled(self, subscription_id: str) -> Disabled | None:
        """Why it gets nothing, where it does not."""
        stored = await self._redis.hget(keys.webhooks("disabled"), subscription_id)
        return Disabled(**orjson.loads(stored)) if stored else None

    async def version(self) -> int:
        """Changes whenever a subscription does."""
        return int(await self._redis.get(keys.webhooks("version")) or 0)

    async def directory(self) -> Directory:
        """All of them at once."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.get(keys.webhooks("version"))
            pipeline.hgetall(keys.webhooks("subscriptions"))
            pipeline.hgetall(keys.webhooks("disabled"))
            version, subscriptions, disabled = await pipeline.execute()
        return Directory(
            int(version or 0),
            tuple(subscription_from(stored) for stored in subscriptions.values()),
            {name.decode(): Disabled(**orjson.loads(stored)) for name, stored in disabled.items()},
        )

    async def _change(self, command: str, part: str, *args: str | bytes) -> None:
        async with self._redis.pipeline(transaction=True) as pipeline:
            getattr(pipeline, command)(keys.webhooks(part), *args)
            pipeline.incr(keys.webhooks("version"))
            await pipeline.execute()

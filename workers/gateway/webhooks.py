"""What is done with webhooks from here: subscriptions made and changed, deliveries tried and repeated."""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from common.addresses import AddressPolicy
from common.errors import HubbubError, InvalidInput
from common.settings import WebhookSettings
from common.streams.audit import AuditLog
from common.streams.client import Client
from common.streams.deliveries import DeliveryLedger, Standing
from common.streams.subscriptions import Disabled, SubscriptionStore
from common.tokens import Grant
from common.webhooks import (
    TEST_EVENT,
    Delivery,
    State,
    Subscription,
    check_events,
    new_secret,
    secret_bytes,
)

OVERLAP_MS = 86_400_000
"""So long a secret that was replaced signs along."""
TEST_S = 5.0
LOOK_S = 0.1
MOST_AT_ONCE = 1000
BY_REQUEST = "disabled by request"


class UnknownWebhook(HubbubError):
    """No such webhook of the tenant, or no such delivery of it."""


class WebhookConflict(HubbubError):
    """A webhook is not in the state that the request needs."""


class WebhookDesk:
    """Acts for a tenant; whatever is not the tenant's does not exist. Raises what Redis raises."""

    def __init__(self, redis: Client, settings: WebhookSettings) -> None:
        self._store = SubscriptionStore(redis)
        self._ledger = DeliveryLedger(redis)
        self._audit = AuditLog(redis)
        self._settings = settings
        self._policy = AddressPolicy(
            settings.allowed_networks, frozenset(map(str.lower, settings.allowed_hosts))
        )

    async def create(self, who: Grant, wanted: Subscription) -> Subscription:
        """Keep a new subscription; its id and time are set here.

        Raises InvalidInput, TooManySubscriptions.
        """
        made = self._checked(
            replace(
                wanted,
                id=f"wh_{secrets.token_hex(12)}",
                tenant=who.tenant,
                created_at_ms=await self._store.now_ms(),
                secret=wanted.secret or new_secret(),
            )
        )
        await self._audit.record(who.name, "webhook.create", subject=f"{who.tenant}/{made.id}")
        await self._store.create(made, most=self._settings.max_subscriptions)
        return made

    async def list(self, who: Grant) -> Sequence[Subscription]:
        """The tenant's subscriptions, the oldest first."""
        return await self._store.of_tenant(who.tenant)

    async def find(self, who: Grant, webhook: str) -> Subscription:
        """One of the tenant's. Raises UnknownWebhook."""
        found = await self._store.get(webhook)
        if found is None or found.tenant != who.tenant:
            raise UnknownWebhook(f"webhook {webhook[:64]!r}: unknown")
        return found

    async def change(
        self, who: Grant, webhook: str, change: Callable[[Subscription], Subscription]
    ) -> Subscription:
        """Change one. Raises UnknownWebhook, InvalidInput, SubscriptionBusy."""
        found = await self.find(who, webhook)
        self._checked(change(found))
        await self._audit.record(who.name, "webhook.change", subject=f"{who.tenant}/{webhook}")
        changed = await self._store.update(webhook, lambda now: self._checked(change(now)))
        if changed is None:
            raise UnknownWebhook(f"webhook {webhook[:64]!r}: deleted meanwhile")
        if changed.url != found.url:
            await self._ledger.wake(webhook)
        return changed

    async def enable(self, who: Grant, webhook: str) -> None:
        """Send it results again, and what waits. Raises UnknownWebhook."""
        await self.find(who, webhook)
        await self._audit.record(who.name, "webhook.enable", subject=f"{who.tenant}/{webhook}")
        await self._store.enable(webhook)
        await self._ledger.wake(webhook)

    async def disable(self, who: Grant, webhook: str) -> None:
        """Send it nothing; what waits goes on waiting. Raises UnknownWebhook."""
        await self.find(who, webhook)
        await self._audit.record(who.name, "webhook.disable", subject=f"{who.tenant}/{webhook}")
        await self._store.disable(webhook, BY_REQUEST)

    async def delete(self, who: Grant, webhook: str) -> None:
        """Forget one, with its deliveries. Raises UnknownWebhook."""
        await self.find(who, webhook)
        await self._audit.record(who.name, "webhook.delete", subject=f"{who.tenant}/{webhook}")
        await self._store.delete(webhook)

    async def replace_secret(self, who: Grant, webhook: str, secret: str) -> Subscription:
        """Sign with another secret, one made here where none is given; the old one signs along for a day."""
        until_ms = await self._store.now_ms() + OVERLAP_MS
        new = secret or new_secret()

        def renewed(now: Subscription) -> Subscription:
            return replace(now, secret=new, old_secret=now.secret, old_secret_until_ms=until_ms)

        return await self.change(who, webhook, renewed)

    async def standing(self, subscription: Subscription) -> tuple[Standing, Disabled | None]:
        """How a subscription does, and why it is disabled, if it is."""
        return await self._ledger.standing(subscription.id), await self._store.disabled(subscription.id)

    # Deliveries

    async def deliveries(
        self, who: Grant, webhook: str, *, state: State | None, after: str, limit: int
    ) -> Sequence[Delivery]:
        """A page of them, the newest first. Raises UnknownWebhook."""
        await self.find(who, webhook)
        return await self._ledger.page(webhook, state=state, after=after, limit=limit)

    async def delivery(self, who: Grant, webhook: str, delivery: str) -> Delivery:
        """One of them. Raises UnknownWebhook."""
        await self.find(who, webhook)
        found = await self._ledger.get(webhook, delivery)
        if found is None:
            raise UnknownWebhook(f"delivery {delivery[:64]!r}: unknown, or no longer kept")
        return found

    async def test(self, who: Grant, webhook: str) -> Delivery:
        """Send it a test event; returns what has become of that within a few seconds.

        Raises UnknownWebhook, WebhookConflict where it is disabled.
        """
        await self.find(who, webhook)
        if await self._store.disabled(webhook) is not None:
            raise WebhookConflict(f"webhook {webhook}: disabled; enable it first")
        sent = _test_delivery(await self._store.now_ms())
        await self._ledger.wake(webhook)
        recorded, _ = await self._ledger.record(
            [(webhook, sent)], most_waiting=self._settings.max_waiting + MOST_AT_ONCE
        )
        if not recorded:
            raise WebhookConflict(f"webhook {webhook}: too many deliveries wait")
        return await self._outcome(webhook, sent)

    async def repeat(self, who: Grant, webhook: str, delivery: str) -> Delivery:
        """Send a finished delivery once more, under its id. Raises UnknownWebhook, WebhookConflict."""
        found = await self.delivery(who, webhook, delivery)
        if not await self._ledger.again(webhook, [found], now_ms=await self._store.now_ms()):
            raise WebhookConflict(f"delivery {delivery[:64]}: waits already")
        return await self.delivery(who, webhook, delivery)

    async def repeat_dead(self, who: Grant, webhook: str) -> int:
        """Send dead letters once more, the newest first; returns how many wait again."""
        await self.find(who, webhook)
        dead = await self._ledger.page(webhook, state="dead", after="", limit=MOST_AT_ONCE)
        return await self._ledger.again(webhook, dead, now_ms=await self._store.now_ms())

    async def _outcome(self, webhook: str, sent: Delivery) -> Delivery:
        deadline = time.monotonic() + TEST_S
        seen = sent
        while time.monotonic() < deadline and not seen.attempts:
            await asyncio.sleep(LOOK_S)
            seen = await self._ledger.get(webhook, sent.id) or seen
        return seen

    def _checked(self, subscription: Subscription) -> Subscription:
        """Raises InvalidInput."""
        secret_bytes(subscription.secret)
        check_events(subscription.events)
        if not subscription.events:
            raise InvalidInput("events: want at least one")
        return replace(subscription, url=self._policy.check(subscription.url))


def _test_delivery(now_ms: int) -> Delivery:
    return Delivery(
        id=f"msg_{secrets.token_hex(16)}",
        event=TEST_EVENT,
        meeting="",
        shard=0,
        entry="",
        made_at_ms=now_ms,
        since_ms=now_ms,
    )

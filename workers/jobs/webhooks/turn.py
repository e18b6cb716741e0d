"""One turn of one receiver: what is due goes out, for a few seconds, then others have theirs."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from common.clock import unix_ms
from common.errors import InvalidMessage
from common.settings import WebhookSettings
from common.streams.deliveries import DeliveryLedger, Rest
from common.streams.fenced import split_id
from common.streams.result_log import ResultLog
from common.streams.subscriptions import SubscriptionStore
from common.webhooks import TEST_EVENT, Attempt, Delivery, Health, Subscription
from workers.jobs.webhooks import metrics
from workers.jobs.webhooks.body import body
from workers.jobs.webhooks.patience import Outcome, Patience, Verdict, health_after
from workers.jobs.webhooks.sender import Sender
from workers.jobs.webhooks.signature import Letter, headers

TURN_S = 3.0
MARGIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Office:
    """What a turn needs. `is_closing`: the process drains, and nothing new is begun."""

    settings: WebhookSettings
    store: SubscriptionStore
    ledger: DeliveryLedger
    results: ResultLog
    sender: Sender
    patience: Patience
    is_closing: Callable[[], bool]

    @property
    def lease_ms(self) -> int:
        """How long a turn, and a delivery in it, stays away from others unless renewed."""
        return round(1000 * (self.settings.timeout_s + MARGIN_S))


@dataclass(slots=True)
class _Progress:
    """What the turn has learnt about its receiver."""

    health: Health
    rest_ms: int = 0


async def take_turn(office: Office, subscription_id: str, number: int) -> None:
    """Take the numbered turn, unless somebody has.

    Raises what Redis raises; the turn is assigned again then.
    """
    health = await office.ledger.begin(subscription_id, number, lease_ms=office.lease_ms)
    if health is None:
        return
    progress = _Progress(health)
    subscription = await office.store.get(subscription_id)
    if subscription is not None and await office.store.disabled(subscription_id) is None:
        await _work(office, subscription, number, progress)
    await office.ledger.end(subscription_id, number, Rest(progress.health, progress.rest_ms))


async def _work(office: Office, subscription: Subscription, number: int, progress: _Progress) -> None:
    """Attempt what is due until nothing is, the time is over, or the receiver needs rest.

    A receiver gets one request at a time until it has done well, and whenever it has failed.
    """
    until = time.monotonic() + TURN_S
    while not office.is_closing() and time.monotonic() < until and not progress.rest_ms:
        does_well = progress.health.last_success_ms and not progress.health.failures
        count = office.settings.concurrency if does_well else 1
        claimed = await office.ledger.claim(subscription.id, number, count=count, lease_ms=office.lease_ms)
        if not claimed:
            return
        async with asyncio.TaskGroup() as group:
            attempts = [group.create_task(_deliver(office, subscription, each)) for each in claimed]
        outcomes = [outcome for attempt in attempts if (outcome := attempt.result()) is not None]
        if outcomes:
            await _learn(office, subscription, outcomes, progress)


async def _learn(
    office: Office, subscription: Subscription, outcomes: list[Outcome], progress: _Progress
) -> None:
    outcomes.sort(key=lambda outcome: outcome.attempt.at_ms + outcome.attempt.took_ms)
    progress.health = health_after(progress.health, outcomes)
    progress.rest_ms = office.patience.rest_ms(progress.health, outcomes)
    reason = ""
    if any(outcome.verdict is Verdict.GONE for outcome in outcomes):
        reason = "the receiver answered 410: gone"
    elif office.patience.should_disable(progress.health, unix_ms()):
        hours = (unix_ms() - progress.health.failing_since_ms) / 3_600_000
        reason = f"no delivery succeeded for {hours:.1f} hours; last: {progress.health.last_error}"
    if reason:
        metrics.DISABLED.inc()
        structlog.get_logger().warning("webhook_disabled", subscription=subscription.id, reason=reason)
        await office.store.disable(subscription.id, reason)
        progress.rest_ms = max(1, progress.rest_ms)


async def _deliver(office: Office, subscription: Subscription, delivery: Delivery) -> Outcome | None:
    """Attempt one delivery and settle it; None where there was nothing to attempt."""
    content, refusal = await _content(office, subscription, delivery)
    if refusal:
        given_up = Attempt(at_ms=unix_ms(), took_ms=0, status=None, error=refusal)
        await _settle(office, subscription, _dead(delivery, given_up), None)
        return None
    now_ms = unix_ms()
    letter = Letter(delivery.id, content)
    signed = headers(letter, subscription.secrets(now_ms), now_ms // 1000)
    outcome = await office.sender.post(subscription.url, signed, content)
    metrics.ATTEMPTS.labels(outcome.verdict.value).inc()
    metrics.ATTEMPT_SECONDS.observe(outcome.attempt.took_ms / 1000)
    if outcome.verdict is Verdict.DELIVERED and not delivery.attempts and delivery.entry:
        stored_ms, _ = split_id(delivery.entry)
        metrics.LATENCY_SECONDS.observe(max(0, unix_ms() - stored_ms) / 1000)
    await _settle(office, subscription, office.patience.after(delivery, outcome), outcome)
    return outcome


async def _content(office: Office, subscription: Subscription, delivery: Delivery) -> tuple[bytes, str]:
    """The body to send, or why there is none."""
    if office.patience.is_too_old(delivery, unix_ms()):
        return b"", f"given up after {office.settings.max_age_s} s"
    if delivery.event == TEST_EVENT:
        return body(delivery, b"", subscription.format), ""
    stored = await office.results.entry(delivery.shard, delivery.entry)
    if stored is None:
        return b"", "the result is no longer kept"
    try:
        return body(delivery, stored.data, subscription.format), ""
    except InvalidMessage as error:
        return b"", str(error)


def _dead(delivery: Delivery, attempt: Attempt) -> Delivery:
    return replace(delivery, state="dead", attempts=(*delivery.attempts, attempt))


async def _settle(
    office: Office, subscription: Subscription, delivery: Delivery, outcome: Outcome | None
) -> None:
    if delivery.state == "dead":
        metrics.DEAD.inc()
    retry_ms = office.patience.retry_ms(delivery, outcome) if outcome and delivery.state == "waiting" else 0
    await office.ledger.settle(subscription.id, delivery, retry_ms=retry_ms, most_kept=office.settings.kept)

"""What the gateway says about webhooks, and what it is told, as JSON."""

from dataclasses import dataclass, replace
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from common.streams.deliveries import Standing
from common.streams.subscriptions import Disabled
from common.webhooks import DEFAULT_EVENTS, Attempt, Delivery, Format, State, Subscription

Name = Annotated[str, Field(min_length=1, max_length=128)]
_EVENTS = "Types of result, or kinds of one behind a dot. A type does not include partial transcripts."
_MEETINGS = "Ids or patterns (`weekly-*`); none means all."
_KEYWORDS = "Of keywords only these; other results are not affected."


class WebhookPatch(BaseModel):
    """What to change; the rest stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str | None = Field(None, min_length=1, max_length=2000, description="A public https address.")
    events: tuple[Name, ...] | None = Field(None, min_length=1, max_length=50, description=_EVENTS)
    meetings: tuple[Name, ...] | None = Field(None, max_length=50, description=_MEETINGS)
    categories: tuple[Name, ...] | None = Field(None, max_length=50, description=_KEYWORDS)
    phrases: tuple[Name, ...] | None = Field(None, max_length=50, description=_KEYWORDS)
    format: Format | None = Field(None, description="`slack` sends a line of text for chat bots.")
    description: str | None = Field(None, max_length=200)
    enabled: bool | None = Field(None, description="True also takes one up again that failed for long.")


class WebhookRequest(WebhookPatch):
    """A new webhook."""

    url: str = Field(min_length=1, max_length=2000, description="A public https address.")
    secret: str = Field(
        "", max_length=100, description="`whsec_` and base64 of 24 to 64 bytes; otherwise one is made."
    )


class DeliveryQuery(BaseModel):
    """Which deliveries to list."""

    state: State | None = Field(None, description="Only those in this state.")
    after: str = Field("", max_length=64, description="`next` of the page before.")
    limit: int = Field(50, ge=1, le=200, description="At most so many.")


class SecretRequest(BaseModel):
    """A new secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    secret: str = Field("", max_length=100, description="As for a new webhook; otherwise one is made.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCounts:
    """Deliveries by what became of them; `dropped` ones found too many waiting."""

    waiting: int
    delivered: int
    dead: int
    dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookView:
    """A webhook. `disabled_reason` says why one gets nothing; `failures` counts those in a row.

    `secret` is only in the answer that made it.
    """

    id: str
    url: str
    events: tuple[str, ...]
    meetings: tuple[str, ...]
    categories: tuple[str, ...]
    phrases: tuple[str, ...]
    format: Format
    description: str
    created_at_ms: int
    enabled: bool
    disabled_reason: str | None
    disabled_at_ms: int | None
    deliveries: DeliveryCounts
    failures: int
    failing_since_ms: int | None
    last_success_ms: int | None
    last_error: str | None
    secret: str | None = None

    @classmethod
    def of(
        cls,
        subscription: Subscription,
        standing: Standing,
        disabled: Disabled | None,
        *,
        secret: str | None = None,
    ) -> Self:
        """What is known of a subscription."""
        health = standing.health
        return cls(
            id=subscription.id,
            url=subscription.url,
            events=subscription.events,
            meetings=subscription.meetings,
            categories=subscription.categories,
            phrases=subscription.phrases,
            format=subscription.format,
            description=subscription.description,
            created_at_ms=subscription.created_at_ms,
            enabled=disabled is None,
            disabled_reason=disabled.reason if disabled else None,
            disabled_at_ms=disabled.at_ms if disabled else None,
            deliveries=DeliveryCounts(
                waiting=standing.waiting,
                delivered=standing.delivered,
                dead=standing.dead,
                dropped=standing.dropped,
            ),
            failures=health.failures,
            failing_since_ms=health.failing_since_ms or None,
            last_success_ms=health.last_success_ms or None,
            last_error=health.last_error or None,
            secret=secret,
        )


@dataclass(frozen=True, slots=True)
class WebhookList:
    """A tenant's webhooks, the oldest first."""

    webhooks: tuple[WebhookView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretView:
    """A new secret, shown once; until `old_until_ms` the one before signs along."""

    secret: str
    old_until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """A delivery and its last attempts. `id` is the `webhook-id` that the receiver saw."""

    id: str
    event: str
    meeting: str
    state: State
    made_at_ms: int
    attempts: tuple[Attempt, ...]

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """What is known of a delivery."""
        return cls(
            id=delivery.id,
            event=delivery.event,
            meeting=delivery.meeting,
            state=delivery.state,
            made_at_ms=delivery.made_at_ms,
            attempts=delivery.attempts,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryList:
    """Deliveries, the newest first. `next` is what to pass as `after`, null at the end."""

    deliveries: tuple[DeliveryView, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Repeated:
    """How many dead letters wait to be sent once more."""

    repeated: int


def new_subscription(wanted: WebhookRequest) -> Subscription:
    """The subscription a request asks for, without what is set on keeping it."""
    blank = Subscription(
        id="", tenant="", url=wanted.url, created_at_ms=0, secret=wanted.secret, events=DEFAULT_EVENTS
    )
    return changed(blank, wanted)


def changed(subscription: Subscription, patch: WebhookPatch) -> Subscription:
    """The subscription with what a request changes."""
    given = patch.model_dump(exclude_none=True, exclude={"enabled", "secret"})
    return replace(subscription, **given)

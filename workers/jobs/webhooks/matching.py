"""Which results a subscription wants."""

import hashlib
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from common.commit import kind_of
from common.results import Common, Keyword, Result
from common.stage import Entry, EntryId
from common.streams.fenced import split_id
from common.webhooks import LEFT_OUT_UNLESS_NAMED, Delivery, Subscription


def event_of(result: Result) -> str:
    """The event that a result is: its type, and its kind behind a dot where it has one."""
    kind = kind_of(result)
    return f"{result.type}.{kind}" if kind else result.type


def wants(subscription: Subscription, result: Result) -> bool:
    """Whether a result of the subscription's tenant is to be sent."""
    event = event_of(result)
    named = event in subscription.events
    if not named and (event in LEFT_OUT_UNLESS_NAMED or result.type not in subscription.events):
        return False
    if subscription.meetings and not any(fnmatchcase(result.meeting, m) for m in subscription.meetings):
        return False
    return not isinstance(result, Keyword) or _wants_keyword(subscription, result)


def _wants_keyword(subscription: Subscription, keyword: Keyword) -> bool:
    if not subscription.phrases and not subscription.categories:
        return True
    phrases = {phrase.casefold() for phrase in subscription.phrases}
    return keyword.phrase.casefold() in phrases or keyword.category in subscription.categories


def delivery_id(subscription: str, result: Result) -> str:
    """The idempotency key: always the same for the same result and subscription."""
    name = f"{subscription}\n{result.tenant}/{result.meeting}\n{result.id}"
    return f"msg_{hashlib.blake2s(name.encode(), digest_size=16).hexdigest()}"


class Matcher:
    """The subscriptions of a deployment, by tenant."""

    def __init__(self, subscriptions: Iterable[Subscription] = ()) -> None:
        self._by_tenant: dict[str, list[Subscription]] = {}
        for subscription in subscriptions:
            self._by_tenant.setdefault(subscription.tenant, []).append(subscription)

    def deliveries(self, entries: Sequence[Entry], now_ms: int) -> list[tuple[str, Delivery]]:
        """What these entries are to be sent to, with the subscription's id.

        A subscription gets what was put on the stream after it was made.
        """
        return [
            (subscription.id, _delivery(subscription.id, entry.message, entry.id, now_ms))
            for entry in entries
            if isinstance(entry.message, Common)
            for subscription in self._by_tenant.get(entry.message.tenant, ())
            if split_id(entry.id.id)[0] >= subscription.created_at_ms and wants(subscription, entry.message)
        ]


def _delivery(subscription: str, result: Result, entry: EntryId, now_ms: int) -> Delivery:
    return Delivery(
        id=delivery_id(subscription, result),
        event=event_of(result),
        meeting=result.meeting,
        shard=entry.shard,
        entry=entry.id,
        made_at_ms=now_ms,
        since_ms=now_ms,
    )

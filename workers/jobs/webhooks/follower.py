"""The stage that follows the results and puts down what is to be delivered, before it acknowledges."""

from collections.abc import Sequence
from typing import Protocol

from common.stage import Acknowledge, Entry, Step, Stream
from common.webhooks import Delivery, Subscription
from workers.jobs.webhooks.matching import Matcher


class Outbox(Protocol):
    """Where deliveries are put down. Its calls wait while Redis is away."""

    def changed(self, version: int) -> tuple[int, Sequence[Subscription]] | None:
        """What is subscribed to now, and its version; None where that is still `version`."""

    def record(self, deliveries: Sequence[tuple[str, Delivery]]) -> None:
        """Put deliveries down. Those known already are left as they are."""


class Interrupted(Exception):
    """The process ends: what is in hand is neither recorded nor lost, since it is not acknowledged."""


class Follower:
    """Acknowledges an entry once all its deliveries are in the ledger.

    A crash in between makes its successor record them again, under the same ids, which changes
    nothing. It waits for Redis rather than fail: an outage must not make results dead letters.
    """

    name = "webhooks"
    inputs = (Stream.RESULTS,)

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._version = -1
        self._matcher = Matcher()

    def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
        """Record the deliveries of new results."""
        if not entries:
            return Step()
        try:
            self._look_up()
            deliveries = self._matcher.deliveries(entries, now_ms)
            if deliveries:
                self._outbox.record(deliveries)
        except Interrupted:
            return Step()
        return Step([Acknowledge(entry.id) for entry in entries])

    def release(self, shard: int) -> None:
        """No state to forget."""

    def _look_up(self) -> None:
        changed = self._outbox.changed(self._version)
        if changed is not None:
            self._version, subscriptions = changed
            self._matcher = Matcher(subscriptions)

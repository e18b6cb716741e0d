"""The follower's way to the ledger: from its thread through the event loop, and through outages."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import CancelledError
from typing import TypeVar

import structlog

from common.settings import WebhookSettings
from common.streams.client import PASSING, Client
from common.streams.deliveries import DeliveryLedger
from common.streams.subscriptions import SubscriptionStore
from common.webhooks import Delivery, Subscription
from workers.jobs.webhooks import metrics
from workers.jobs.webhooks.follower import Interrupted

RETRY_S = 0.5
Found = TypeVar("Found")


class LedgerOutbox:
    """`wake` is called, on the event loop, when something new waits. Until `close` calls wait for Redis."""

    def __init__(self, redis: Client, settings: WebhookSettings, wake: Callable[[], None]) -> None:
        self._store = SubscriptionStore(redis)
        self._ledger = DeliveryLedger(redis)
        self._settings = settings
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._closed = threading.Event()

    def close(self) -> None:
        """Wait for nothing any more: whoever does is interrupted."""
        self._closed.set()

    def changed(self, version: int) -> tuple[int, Sequence[Subscription]] | None:
        """What is subscribed to now, unless that is known. Raises Interrupted."""
        return self._until_answered(lambda: self._changed(version))

    def record(self, deliveries: Sequence[tuple[str, Delivery]]) -> None:
        """Put deliveries into the ledger. Raises Interrupted."""
        self._until_answered(lambda: self._record(deliveries))

    async def _changed(self, version: int) -> tuple[int, Sequence[Subscription]] | None:
        if await self._store.version() == version:
            return None
        directory = await self._store.directory()
        return directory.version, directory.enabled()

    async def _record(self, deliveries: Sequence[tuple[str, Delivery]]) -> None:
        new, dropped = await self._ledger.record(deliveries, most_waiting=self._settings.max_waiting)
        metrics.RECORDED.inc(new)
        metrics.DROPPED.inc(dropped)
        if new:
            self._wake()

    def _until_answered(self, ask: Callable[[], Awaitable[Found]]) -> Found:
        """The follower may repeat anything it asks, so no answer is never an end."""
        while not self._closed.is_set():
            try:
                return asyncio.run_coroutine_threadsafe(_awaited(ask), self._loop).result()
            except PASSING as error:
                structlog.get_logger().warning("redis_lost", stage="webhooks", error=str(error))
                self._closed.wait(RETRY_S)
            except CancelledError:
                break  # the event loop ends
        raise Interrupted


async def _awaited(ask: Callable[[], Awaitable[Found]]) -> Found:
    return await ask()

"""Hands turns that are due to RQ: one short job a receiver, never one a delivery.

A job that gets lost is assigned again when its lease is over.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import structlog
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from common.streams.client import PASSING, check_cancelled
from common.streams.deliveries import DeliveryLedger, Turn
from common.streams.subscriptions import SubscriptionStore
from workers.jobs.webhooks.desk import JOB_S, run_turn

QUEUE = "hubbub-webhooks"
LOOK_S = 0.5
TIDY_S = 60.0
MOST_TURNS = 200
LEASE_MS = 15_000
JOB_TTL_S = 300


class TurnQueue:
    """The RQ queue of turns. Blocking."""

    def __init__(self, connection: Redis) -> None:
        self._queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer)

    def put(self, turns: Iterable[Turn]) -> None:
        """Enqueue a job for each turn. Raises what Redis raises."""
        for turn in turns:
            self._queue.enqueue(
                run_turn, turn.subscription, turn.number,
                job_id=f"webhook-{turn.subscription}-{turn.number}", job_timeout=JOB_S,
                ttl=JOB_TTL_S, result_ttl=0, failure_ttl=JOB_TTL_S,
            )  # fmt: skip


class Dispatcher:
    """Looks twice a second, and at once when woken. Any number may run, in any processes."""

    def __init__(
        self,
        store: SubscriptionStore,
        ledger: DeliveryLedger,
        put: Callable[[Iterable[Turn]], None],
        *,
        keep_s: int,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._put = put
        self._keep_ms = keep_s * 1000
        self._woken = asyncio.Event()
        self._tidied_at = 0.0

    def wake(self) -> None:
        """Look at once."""
        self._woken.set()

    async def run(self) -> None:
        """Dispatch until cancelled."""
        while True:
            check_cancelled()
            self._woken.clear()
            try:
                await self._dispatch()
                await self._tidy()
            except PASSING as error:
                structlog.get_logger().warning("redis_lost", error=str(error))
                await asyncio.sleep(LOOK_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._woken.wait()

    async def _dispatch(self) -> None:
        while turns := await self._ledger.assign(most=MOST_TURNS, lease_ms=LEASE_MS):
            await asyncio.to_thread(self._put, turns)

    async def _tidy(self) -> None:
        """Once a minute, erase deliveries whose time is over."""
        if time.monotonic() - self._tidied_at < TIDY_S:
            return
        self._tidied_at = time.monotonic()
        for subscription in (await self._store.directory()).subscriptions:
            await self._ledger.expire(subscription.id, keep_ms=self._keep_ms)

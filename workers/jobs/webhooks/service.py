"""Webhooks in a jobs process: the follower, the dispatcher, and threads that take turns."""

import asyncio
import random
from functools import partial

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from common.pool import run_stage
from common.service import Service
from common.settings import Settings
from common.streams.deliveries import DeliveryLedger
from common.streams.result_log import ResultLog
from common.streams.subscriptions import SubscriptionStore
from workers.jobs.webhooks.desk import DESK, Desk
from workers.jobs.webhooks.dispatcher import QUEUE, Dispatcher, TurnQueue
from workers.jobs.webhooks.follower import Follower
from workers.jobs.webhooks.outbox import LedgerOutbox
from workers.jobs.webhooks.patience import Patience
from workers.jobs.webhooks.sender import Sender, open_sender
from workers.jobs.webhooks.turn import Office, take_turn
from workers.jobs.worker import ThreadWorker, run_in_threads

THREADS = 2


async def run_webhooks(settings: Settings, service: Service, connection: Redis) -> None:
    """Follow the results and deliver until the service stops; requests under way are finished first."""
    async with open_sender(settings.webhooks) as sender:
        office = _office(settings, service, sender)
        dispatcher = Dispatcher(
            office.store,
            office.ledger,
            TurnQueue(connection).put,
            keep_s=settings.redis.results_retention_s,
        )
        outbox = LedgerOutbox(service.redis, settings.webhooks, dispatcher.wake)
        desk = Desk(partial(take_turn, office), most=settings.webhooks.turns)
        DESK.set(desk)
        async with asyncio.TaskGroup() as group:
            following = group.create_task(run_stage(Follower(outbox), settings, service), name="webhooks")
            closing = group.create_task(_close(outbox, service.stopping), name="outbox")
            dispatching = group.create_task(dispatcher.run(), name="dispatcher")
            await run_in_threads(_workers(service, connection), service.stopping)
            await following
            await desk.drain()
            closing.cancel()
            dispatching.cancel()


def _office(settings: Settings, service: Service, sender: Sender) -> Office:
    return Office(
        settings=settings.webhooks,
        store=SubscriptionStore(service.redis),
        ledger=DeliveryLedger(service.redis),
        results=ResultLog(service.redis, settings.shards),
        sender=sender,
        patience=Patience(settings.webhooks, random.random),
        is_closing=service.stopping.is_set,
    )


def _workers(service: Service, connection: Redis) -> list[ThreadWorker]:
    queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer)
    return [
        ThreadWorker(
            [queue], name=f"{service.member}-webhooks-{i}", connection=connection, serializer=JSONSerializer
        )
        for i in range(THREADS)
    ]


async def _close(outbox: LedgerOutbox, stopping: asyncio.Event) -> None:
    """Nothing waits for Redis once the process drains, or when this is cancelled with the rest."""
    try:
        await stopping.wait()
    finally:
        outbox.close()

"""What a jobs process runs: stages that follow the results, and an RQ worker in a thread of its own.

RQ spells its own keys, `rq:…`, next to ours on the same server, and cannot work on a Redis
Cluster. Arguments travel as JSON. A job whose process dies under it may run again, if it was
enqueued with a Retry: it must bear that.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable

import structlog
from redis import Redis
from rq import Queue, SimpleWorker
from rq.exceptions import DequeueTimeout
from rq.serializers import JSONSerializer
from rq.timeouts import TimerDeathPenalty

from common.pool import run_stage
from common.service import Service
from common.settings import Settings
from common.stage import Stage
from common.streams.client import PASSING
from common.streams.deployment import join_deployment
from workers.jobs.highlights.stage import HighlightStage
from workers.jobs.retention import enqueue_regularly

POLL_S = 1
TIMEOUT_S = 10


class ThreadWorker(SimpleWorker):
    """Runs jobs in the thread it is in; a timer ends those that take too long, as no signal comes there."""

    death_penalty_class = TimerDeathPenalty


async def serve(settings: Settings, service: Service) -> None:
    """Run jobs and stages until the service stops; the job at hand is finished first."""
    await join_deployment(service.redis, settings.shards)
    logging.getLogger("rq.worker").setLevel(logging.WARNING)  # five lines a job, and not ours
    url = settings.redis.url.get_secret_value()
    with Redis.from_url(url, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S) as connection:
        queues = [
            Queue(name, connection=connection, serializer=JSONSerializer) for name in settings.jobs.queues
        ]
        worker = ThreadWorker(queues, name=service.member, connection=connection, serializer=JSONSerializer)
        async with asyncio.TaskGroup() as group:
            retention = group.create_task(enqueue_regularly(queues[0]))
            for stage in build_stages(settings):
                group.create_task(run_stage(stage, settings, service), name=stage.name)
            service.ready()
            await _work(worker, service)
            retention.cancel()


def build_stages(settings: Settings) -> list[Stage]:
    """The stages that live here; `common.topology` names them among the lodgers of this pool."""
    return [HighlightStage(settings.highlights)]


async def _work(worker: SimpleWorker, service: Service) -> None:
    """Run jobs until the service stops, or a task beside them has failed: a thread cannot be cancelled."""
    halted = threading.Event()
    try:
        await asyncio.to_thread(run_jobs, worker, lambda: halted.is_set() or service.stopping.is_set())
    finally:
        halted.set()


def run_jobs(worker: SimpleWorker, is_stopping: Callable[[], bool]) -> None:
    """One job after another. RQ's own loop would install signal handlers, and stop by them alone."""
    log = structlog.get_logger()
    is_registered = False
    while not is_stopping():
        try:
            if not is_registered:
                worker.register_birth()  # type: ignore[no-untyped-call]  # RQ annotates in part
                is_registered = True
            _next_job(worker)
        except PASSING as error:
            log.warning("redis_lost", error=str(error))
            time.sleep(POLL_S)
    if is_registered:
        worker.register_death()  # type: ignore[no-untyped-call]  # RQ annotates in part


def _next_job(worker: SimpleWorker) -> None:
    """Wait a moment for a job, and run it."""
    worker.heartbeat()
    if worker.should_run_maintenance_tasks:
        worker.run_maintenance_tasks()  # type: ignore[no-untyped-call]  # RQ annotates in part
    try:
        found = Queue.dequeue_any(
            worker.queues, POLL_S, connection=worker.connection, serializer=JSONSerializer,
            death_penalty_class=worker.death_penalty_class,
        )  # fmt: skip
    except DequeueTimeout:
        return
    if found is not None:
        worker.execute_job(*found)

"""RQ workers in threads beside the event loop of their service.

RQ spells its own keys, `rq:…`, next to ours on the same server, and cannot work on a Redis
Cluster. Arguments travel as JSON. A job whose process dies under it may run again, if it was
enqueued with a Retry: it must bear that.
"""

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import structlog
from rq import Queue, SimpleWorker
from rq.exceptions import DequeueTimeout
from rq.serializers import JSONSerializer
from rq.timeouts import TimerDeathPenalty

from common.streams.client import PASSING

POLL_S = 1


class ThreadWorker(SimpleWorker):
    """Runs jobs in the thread it is in; a timer ends those that take too long, as no signal comes there."""

    death_penalty_class = TimerDeathPenalty


async def run_in_threads(workers: Sequence[SimpleWorker], stopping: asyncio.Event) -> None:
    """Run jobs until `stopping`, or until cancelled, which a thread cannot be: then it is told to end."""
    halted = threading.Event()
    loop = asyncio.get_running_loop()

    def is_stopping() -> bool:
        return halted.is_set() or stopping.is_set()

    threads = ThreadPoolExecutor(len(workers), "rq")
    try:
        await asyncio.gather(
            *(
                loop.run_in_executor(threads, contextvars.copy_context().run, run_jobs, worker, is_stopping)
                for worker in workers
            )
        )
    finally:
        halted.set()
        threads.shutdown(wait=False)


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
        with suppress(*PASSING):  # it is forgotten by itself soon
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

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import background
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from rq import Queue, Worker
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from common.identity import Speaker
from common.results import Transcript
from common.service import Service
from common.settings import JobsSettings, RedisSettings, Settings
from common.streams.audio_log import AudioLog
from common.streams.client import Client
from common.streams.result_log import ResultLog
from tests.kit import MEETING, eventually
from workers.jobs.pool import serve
from workers.jobs.worker import ThreadWorker, run_jobs

pytestmark = pytest.mark.integration


@asynccontextmanager
async def at_work(redis_settings: RedisSettings, *queues: str) -> AsyncIterator[Service]:
    settings = Settings(redis=redis_settings, jobs=JobsSettings(queues=queues or ("hubbub",)))
    service = Service("jobs", settings)
    task = asyncio.create_task(serve(settings, service))
    try:
        yield service
    finally:
        service.stopping.set()
        await asyncio.wait_for(task, 20)
        await service.redis.aclose()


@pytest.fixture
async def enqueue(redis: object, redis_settings: RedisSettings) -> AsyncIterator[Callable[..., Job]]:
    """Puts a job on the queue named first; the server is empty before."""
    with Redis.from_url(redis_settings.url.get_secret_value()) as connection:

        def put(queue: str, job: Callable[..., None], *args: str, job_timeout: int = 30) -> Job:
            named = Queue(queue, connection=connection, serializer=JSONSerializer)
            return named.enqueue(job, args=args, job_timeout=job_timeout)

        yield put


async def until(job: Job, status: JobStatus) -> None:
    async def holds() -> object:
        seen = await asyncio.to_thread(job.get_status)
        return True if seen == status else seen

    await eventually(f"job is {status}", holds)


async def test_jobs_run_in_order_of_arrival(redis, redis_settings, enqueue) -> None:
    async with at_work(redis_settings):
        for word in ("one", "two", "three"):
            last = enqueue("hubbub", background.mark, "said", word)
        await until(last, JobStatus.FINISHED)
    assert await redis.lrange("said", 0, -1) == [b"one", b"two", b"three"]


async def test_the_queue_named_first_goes_first(redis, redis_settings, enqueue) -> None:
    enqueue("later", background.mark, "said", "later")
    last = enqueue("later", background.mark, "said", "last")
    enqueue("urgent", background.mark, "said", "urgent")
    async with at_work(redis_settings, "urgent", "later"):
        await until(last, JobStatus.FINISHED)
    assert await redis.lrange("said", 0, -1) == [b"urgent", b"later", b"last"]


async def test_a_job_that_fails_is_kept_and_the_next_one_runs(redis, redis_settings, enqueue, caplog) -> None:
    async with at_work(redis_settings):
        bad, good = enqueue("hubbub", background.explode), enqueue("hubbub", background.mark, "said", "good")
        await until(good, JobStatus.FINISHED)
        await until(bad, JobStatus.FAILED)
    assert "boom" in caplog.text


async def test_a_job_that_takes_too_long_is_ended(redis_settings, enqueue) -> None:
    async with at_work(redis_settings):
        await until(enqueue("hubbub", background.dawdle, job_timeout=1), JobStatus.FAILED)


async def test_a_drained_worker_finishes_its_job_and_leaves_the_rest(redis, redis_settings, enqueue) -> None:
    async with at_work(redis_settings) as service:
        running = enqueue("hubbub", background.mark_when_told, "said", "running")
        waiting = enqueue("hubbub", background.mark, "said", "waiting")
        assert await redis.blpop("said:began", timeout=10) is not None
        service.stopping.set()
        await redis.rpush("said:go", "now")
    assert await redis.lrange("said", 0, -1) == [b"running"]
    assert await asyncio.to_thread(running.get_status) == JobStatus.FINISHED
    assert await asyncio.to_thread(waiting.get_status) == JobStatus.QUEUED


async def test_a_worker_is_listed_while_it_works(redis, redis_settings, enqueue) -> None:
    def workers() -> list[str]:
        with Redis.from_url(redis_settings.url.get_secret_value()) as connection:
            return [worker.name for worker in Worker.all(connection=connection)]

    async with at_work(redis_settings) as service:
        await until(enqueue("hubbub", background.mark, "said", "one"), JobStatus.FINISHED)
        seen = await asyncio.to_thread(workers)
        assert service.member in seen
    assert await asyncio.to_thread(workers) == []


async def test_a_lost_connection_costs_a_moment_not_the_worker(redis, redis_settings, enqueue) -> None:
    class Unlucky(ThreadWorker):
        heartbeats = 0

        def heartbeat(self, *args: object, **kwargs: object) -> None:
            self.heartbeats += 1
            if self.heartbeats == 1:
                raise RedisConnectionError("gone")
            super().heartbeat(*args, **kwargs)

    job = enqueue("hubbub", background.mark, "said", "after all")
    stopping = asyncio.Event()
    queues = [Queue("hubbub", connection=job.connection, serializer=JSONSerializer)]
    worker = Unlucky(queues, connection=job.connection, serializer=JSONSerializer)
    task = asyncio.create_task(asyncio.to_thread(run_jobs, worker, stopping.is_set))
    await eventually("the job done", lambda: _said(redis, [b"after all"]))
    stopping.set()
    await asyncio.wait_for(task, 20)


async def _said(redis: Client, expected: list[bytes]) -> object:
    seen = await redis.lrange("said", 0, -1)
    return seen == expected or seen


async def test_highlights_are_found_beside_the_jobs(redis, redis_settings) -> None:
    said = Transcript(
        id="u/transcript/final", tenant=MEETING.tenant, meeting=MEETING.id, track="ann",
        speaker=Speaker("ann", "Ann"), start_ms=0, end_ms=2000, utterance="u", status="final",
        text="I'll send the deck by Friday.", stable="",
    )  # fmt: skip
    log = AudioLog(redis, 32, 100)
    await log.publish(said)
    await log.publish(replace(said, status="partial"))

    async def found() -> object:
        stored = await ResultLog(redis, 32).history(MEETING)
        seen = [one.decoded() for one in stored if one.type == "highlight"]
        return [(h.kind, h.owner, h.due) for h in seen] == [("action_item", "Ann", "by Friday")] or seen

    async with at_work(redis_settings):
        await eventually("one highlight", found)

"""A ledger on a real server, subscriptions in it, and results to send."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from pydantic import SecretStr

from common.identity import Meeting, Speaker
from common.results import Result, Transcript
from common.service import Service
from common.settings import RedisSettings, Settings, WebhookSettings
from common.streams.audio_log import AudioLog
from common.streams.client import Client
from common.streams.deliveries import DeliveryLedger
from common.streams.deployment import join_deployment
from common.streams.result_log import ResultLog
from common.streams.subscriptions import SubscriptionStore
from common.webhooks import Subscription, new_secret
from tests.users import settings_as, url_as
from workers.jobs.pool import serve

SHARDS = 4
ANN = Speaker("ann", "Ann")
LOOPBACK = {"allowed_networks": ("127.0.0.0/8", "::1/128")}
BRISK = {**LOOPBACK, "timeout_s": 1.5, "retry_min_s": 0.05, "retry_max_s": 0.2}


def final(number: int, *, meeting: str = "weekly", tenant: str = "default") -> Transcript:
    return Transcript(
        id=f"u{number}/final",
        tenant=tenant,
        meeting=meeting,
        track="ann",
        speaker=ANN,
        start_ms=number * 1000,
        end_ms=number * 1000 + 900,
        utterance=f"u{number}",
        status="final",
        text=f"Sentence {number}.",
        stable=f"Sentence {number}.",
    )


@pytest.fixture
def redis_settings(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> RedisSettings:
    own = url_as(valkey_url, "jobs")
    monkeypatch.setenv("HUBBUB_REDIS__URL", own)  # for RQ jobs, which read their settings
    return RedisSettings(url=SecretStr(valkey_url), lease_ms=1000)


@pytest.fixture
def store(redis: Client) -> SubscriptionStore:
    return SubscriptionStore(redis)


@pytest.fixture
def ledger(redis: Client) -> DeliveryLedger:
    return DeliveryLedger(redis)


@pytest.fixture
def results(redis: Client) -> ResultLog:
    return ResultLog(redis, SHARDS)


Subscribe = Callable[..., Awaitable[Subscription]]


@pytest.fixture
async def subscribe(store: SubscriptionStore) -> Subscribe:
    numbers = itertools.count()

    async def add(url: str, **changes: object) -> Subscription:
        made = Subscription(
            id=f"wh_{next(numbers)}",
            tenant="default",
            url=url,
            created_at_ms=await store.now_ms(),
            secret=new_secret(),
            events=("transcript.final",),
        )
        made = replace(made, **changes)
        await store.create(made, most=100)
        return made

    return add


@pytest.fixture
async def publish(redis: Client) -> Callable[..., Awaitable[None]]:
    log = AudioLog(redis, SHARDS, 1000)
    await join_deployment(redis, SHARDS)

    async def put(*results: Result) -> None:
        for meeting in {Meeting(result.tenant, result.meeting) for result in results}:
            await log.start_meeting(meeting, 1000)
        for result in results:
            await log.publish(result)

    return put


@pytest.fixture
def working(redis_settings: RedisSettings) -> Callable[..., object]:
    """Run the jobs pool in this process, for as long as the context lasts."""

    @asynccontextmanager
    async def run(**changes: object) -> AsyncIterator[Service]:
        own = settings_as(redis_settings, "jobs")
        settings = Settings(shards=SHARDS, redis=own, webhooks=WebhookSettings(**{**BRISK, **changes}))
        service = Service("jobs", settings)
        task = asyncio.create_task(serve(settings, service))
        try:
            yield service
        finally:
            service.stopping.set()
            await asyncio.wait_for(task, 30)
            await service.redis.aclose()

    return run

"""A real server that the test process owns, and gateways on it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import httpx
import pytest
from scripted_meeting import MEETING, SHARDS, meeting_results

from common.embedded import embedded_redis
from common.identity import Meeting
from common.results import Result
from common.service import Service
from common.settings import GatewaySettings, RedisSettings, Settings
from common.streams.audio_log import AudioLog
from common.streams.client import connect
from workers.gateway.app import serve


class HeadlessService(Service):
    """A service without signals and health page; says when and where it is ready."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("gateway", settings)
        self.serving: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def ready(self, url: str = "") -> None:
        super().ready(url)
        self.serving.set_result(url)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with embedded_redis() as url:
        yield url


@pytest.fixture
async def redis_settings(redis_url: str) -> RedisSettings:
    settings = RedisSettings(url=redis_url)
    client = connect(settings)
    await client.flushall()
    await client.aclose()
    return settings


@pytest.fixture
async def log(redis_settings: RedisSettings) -> AsyncIterator[AudioLog]:
    client = connect(redis_settings)
    yield AudioLog(client, SHARDS, 1000)
    await client.aclose()


Publish = Callable[..., Awaitable[None]]
Run = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def publish(log: AudioLog) -> Publish:
    """Put results on the streams, of meetings that are begun if they are new."""

    async def publish_all(results: list[Result]) -> None:
        for meeting in {Meeting(result.tenant, result.meeting) for result in results}:
            await log.start_meeting(meeting, time.time_ns() // 1_000_000)
        for result in results:
            await log.publish(result)

    return publish_all


@pytest.fixture
def run_gateway(redis_settings: RedisSettings) -> Run:
    """Run a gateway with the given settings; the context is a client for it."""

    @asynccontextmanager
    async def run(**changes: object) -> AsyncIterator[httpx.AsyncClient]:
        gateway = GatewaySettings(port=0, **changes)
        settings = Settings(shards=SHARDS, redis=redis_settings, gateway=gateway)
        service = HeadlessService(settings)
        serving = asyncio.create_task(serve(settings, service))
        await asyncio.wait({serving, service.serving}, return_when=asyncio.FIRST_COMPLETED)
        try:
            if serving.done():
                serving.result()
            async with httpx.AsyncClient(base_url=service.serving.result(), timeout=10) as client:
                yield client
                service.stopping.set()
                await serving
        finally:
            service.stopping.set()
            await serving
            await service.redis.aclose()

    return run


@pytest.fixture
async def gateway(run_gateway: Run) -> AsyncIterator[httpx.AsyncClient]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(run_gateway())


@pytest.fixture
async def standup(publish: Publish) -> list[Result]:
    """The scripted meeting, on the streams."""
    results = meeting_results(MEETING)
    await publish(results)
    return results

"""A real server that the test process owns, and gateways on it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import httpx
import pytest
from headless_service import HeadlessService
from pydantic import SecretStr
from scripted_meeting import MEETING, SHARDS, meeting_results

from common.identity import Meeting
from common.results import Result
from common.settings import (
    AccessSettings,
    GatewaySettings,
    MeetStreamSettings,
    RedisSettings,
    Settings,
)
from common.streams.audio_log import AudioLog
from common.streams.client import Client
from tests.users import settings_as
from workers.gateway.app import serve


class GatewayClient(httpx.AsyncClient):
    """A client of a gateway that can tell it to stop."""

    def __init__(self, service: HeadlessService, serving: asyncio.Task[None]) -> None:
        super().__init__(base_url=service.serving.result(), timeout=10)
        self._service = service
        self._serving = serving

    async def stop(self) -> None:
        self._service.stopping.set()
        await self._serving


@pytest.fixture
def redis_settings(valkey_url: str) -> RedisSettings:
    return RedisSettings(url=SecretStr(valkey_url))


@pytest.fixture
def log(redis: Client) -> AudioLog:
    return AudioLog(redis, SHARDS, 1000)


Publish = Callable[..., Awaitable[None]]
Run = Callable[..., AbstractAsyncContextManager[GatewayClient]]


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
def run_gateway(redis: Client, redis_settings: RedisSettings) -> Run:
    """Run a gateway with the given settings, on an empty server; the context is a client for it."""

    @asynccontextmanager
    async def run(
        port: int = 0,
        access: AccessSettings | None = None,
        meetstream: MeetStreamSettings | None = None,
        **changes: object,
    ) -> AsyncIterator[GatewayClient]:
        settings = Settings(
            shards=SHARDS,
            redis=settings_as(redis_settings, "gateway"),
            gateway=GatewaySettings(port=port, **changes),
            access=access or AccessSettings(),
            meetstream=meetstream or MeetStreamSettings(),
        )
        service = HeadlessService(settings)
        serving = asyncio.create_task(serve(settings, service))
        await asyncio.wait({serving, service.serving}, return_when=asyncio.FIRST_COMPLETED)
        try:
            if serving.done():
                serving.result()
            async with GatewayClient(service, serving) as client:
                yield client
                await client.stop()
        finally:
            service.stopping.set()
            await serving
            await service.redis.aclose()

    return run


@pytest.fixture
async def gateway(run_gateway: Run) -> AsyncIterator[GatewayClient]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(run_gateway())


@pytest.fixture
async def standup(publish: Publish) -> list[Result]:
    """The scripted meeting, on the streams."""
    results = meeting_results(MEETING)
    await publish(results)
    return results

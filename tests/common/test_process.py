"""When a process counts as alive and ready."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from common.errors import HubbubError
from common.ports import free_port
from common.service import SILENCE_S, STUCK_S, Service, Stopped
from common.settings import RedisSettings, Settings
from common.streams.client import Client

pytestmark = pytest.mark.integration


def service_at(url: str) -> Service:
    return Service("vad", Settings(redis=RedisSettings(url=SecretStr(url))))


@pytest.fixture
async def service(valkey_url: str) -> AsyncIterator[Service]:
    one = service_at(valkey_url)
    yield one
    await one.redis.aclose()


async def test_it_is_ready_when_it_says_so_and_until_it_drains(service: Service) -> None:
    assert not service.is_ready()
    service.ready()
    assert service.is_ready()
    service.stop()
    assert not service.is_ready()
    assert service.is_alive()


async def test_a_stage_that_is_stuck_is_neither_alive_nor_ready(service: Service) -> None:
    service.ready()
    turned_at = time.monotonic()
    service.follow(lambda: turned_at)
    assert service.is_ready()
    turned_at -= STUCK_S + 1
    assert not service.is_alive()
    assert not service.is_ready()


async def test_who_cannot_reach_redis_is_alive_and_not_ready(service: Service) -> None:
    service.ready()
    service._reported_at -= SILENCE_S + 1
    assert service.is_alive()
    assert not service.is_ready()


async def test_a_process_that_starts_before_redis_waits_for_it_until_it_is_stopped(redis: Client) -> None:
    early = service_at(f"redis://127.0.0.1:{free_port()}/0")
    waiting = asyncio.create_task(early.insist(early.redis.ping))
    await asyncio.wait({waiting}, timeout=0.3)
    assert not waiting.done()
    early.stop()
    with pytest.raises(Stopped):
        await waiting
    await early.redis.aclose()


async def test_a_wrong_password_is_no_reason_to_wait(redis: Client, valkey_url: str) -> None:
    await redis.config_set("requirepass", "right")
    try:
        intruder = service_at(valkey_url.replace("redis://", "redis://:wrong@"))
        with pytest.raises(HubbubError, match="password"):
            await intruder.insist(intruder.redis.ping)
        await intruder.redis.aclose()
    finally:
        await redis.config_set("requirepass", "")

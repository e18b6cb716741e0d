"""A browser on a gateway on a server, each a process of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from common.settings import RedisSettings
from common.streams.audio_log import AudioLog
from common.streams.client import Client
from tests.browser.kit import (
    DESKTOP,
    SHARDS,
    Browser,
    GatewayProcess,
    Page,
    chromium,
    running_browser,
    running_gateway,
)

Open = Callable[..., Awaitable[Page]]


@pytest.fixture
def redis_settings(valkey_url: str) -> RedisSettings:
    return RedisSettings(url=SecretStr(valkey_url))


@pytest.fixture
def log(redis: Client) -> AudioLog:
    return AudioLog(redis, SHARDS, 1000)


@pytest.fixture
def gateway(redis: Client, valkey_url: str, tmp_path: Path) -> Iterator[GatewayProcess]:
    chromium()
    with running_gateway(valkey_url, tmp_path / "gateway.log") as gateway:
        yield gateway


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with running_browser() as browser:
        yield browser


@pytest.fixture
async def open_page(browser: Browser, gateway: GatewayProcess) -> AsyncIterator[Open]:
    """Open an address of the gateway; at the end the page must have had nothing to complain of."""
    complaints: list[str] = []

    async def open_at(address: str, *, viewport: dict[str, int] = DESKTOP, theme: str = "light") -> Page:
        context = await browser.new_context(viewport=viewport, color_scheme=theme)
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        await page.goto(f"{gateway.url}{address}")
        return page

    yield open_at
    assert not [text for text in complaints if not text.startswith("Failed to load resource")]

"""A gateway that wants to know who reads."""

from pathlib import Path

import orjson
import pytest

from common.clock import unix_ms
from common.identity import Meeting
from common.streams.audio_log import AudioLog
from tests.browser.kit import Browser, chromium, running_gateway, texts, until

pytestmark = [pytest.mark.integration, pytest.mark.browser]

TOKEN = "the-token-of-somebody-who-reads-0123456789"


async def test_a_token_opens_the_page_and_a_wrong_one_says_so(
    valkey_url: str, log: AudioLog, browser: Browser, tmp_path: Path
) -> None:
    chromium()
    await log.start_meeting(Meeting("default", "secret"), unix_ms())
    known = orjson.dumps([{"token": TOKEN, "scopes": ["read"]}]).decode()
    with running_gateway(valkey_url, tmp_path / "log", HUBBUB_ACCESS__TOKENS=known) as gateway:
        page = await browser.new_page()
        await page.goto(f"{gateway.url}/#/")
        await until(page, "document.querySelector('#token')")
        assert "secret" not in await page.locator("main").inner_text()
        await page.locator("#token").fill("a guess")
        await page.keyboard.press("Enter")
        await until(
            page, "document.querySelector('.bad')?.textContent.includes('unknown, revoked or expired')"
        )
        await page.locator("#token").fill(TOKEN)
        await page.keyboard.press("Enter")
        await until(page, "document.querySelector('.meetings h3')")
        assert await texts(page, ".meetings h3") == ["secret"]
        assert TOKEN not in page.url

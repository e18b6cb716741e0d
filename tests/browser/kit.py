"""A real gateway process, and a real browser in front of it."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from common.identity import Meeting
from common.ports import free_port
from common.results import Result
from common.streams.audio_log import AudioLog

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page
else:
    Browser = Page = Any  # hubbub[browser] is not there in every test run that passes by here

SHARDS = 4
SERVES_WITHIN_S = 120
BEHOLD_S = 60
"""How long a condition on the page may take on a machine that is busy with other things."""
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


class GatewayProcess:
    """`hubbub gateway` on a port of its own, which stays the same when it is killed and started again."""

    def __init__(self, redis_url: str, log: Path, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {
            **os.environ,
            "HUBBUB_REDIS__URL": redis_url,
            "HUBBUB_SHARDS": str(SHARDS),
            "HUBBUB_GATEWAY__PORT": str(self.port),
            **settings,
        }
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "common", "gateway"]
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + SERVES_WITHIN_S
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()[-2000:]
            assert time.monotonic() < deadline, "the gateway does not serve"
            time.sleep(0.1)

    def kill(self) -> None:
        """At once, without a word to anybody."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def running_gateway(redis_url: str, log: Path, **settings: str) -> Iterator[GatewayProcess]:
    gateway = GatewayProcess(redis_url, log, **settings)
    try:
        gateway.start()
        yield gateway
    finally:
        gateway.kill()


def chromium() -> str:
    """Where Chromium is; a test that wants it is skipped on a laptop without it, and fails in CI."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None or find_spec("playwright") is None:
        missing = "Chromium is not on the path" if found is None else "hubbub[browser] is not installed"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    return found


@asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    executable = chromium()
    from playwright.async_api import async_playwright  # noqa: PLC0415  # only once it is known to be there

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            await browser.close()


async def publish(log: AudioLog, results: Sequence[Result]) -> None:
    """Put results on the streams, of meetings that are begun if they are new."""
    for meeting in {Meeting(result.tenant, result.meeting) for result in results}:
        await log.start_meeting(meeting, time.time_ns() // 1_000_000 - 60_000)
    for result in results:
        await log.publish(result)


async def until(page: Page, expression: str, argument: Any = None) -> None:
    """Wait until a JavaScript expression holds on the page, asked from outside: the page may not eval."""
    deadline = time.monotonic() + BEHOLD_S
    while not await page.evaluate(expression, argument):
        if time.monotonic() > deadline:
            pytest.fail(f"never {expression} in {await page.locator('body').inner_text()!r}")
        await asyncio.sleep(0.05)


async def texts(page: Page, selector: str) -> list[str]:
    return await page.locator(selector).all_text_contents()

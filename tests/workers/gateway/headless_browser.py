"""Chromium without a window, driven over its DevTools protocol."""

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import websockets

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-port=0",
]


class Tab:
    """One open page."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count()

    async def call(self, method: str, **parameters: Any) -> dict:
        number = next(self._numbers)
        await self._socket.send(orjson.dumps({"id": number, "method": method, "params": parameters}).decode())
        async with asyncio.timeout(20):
            async for message in self._socket:
                reply = orjson.loads(message)
                if reply.get("id") == number:
                    return reply["result"]
        raise AssertionError(f"no reply to {method}")

    async def value(self, expression: str) -> Any:
        """What a JavaScript expression comes to."""
        reply = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in reply, reply
        return reply["result"].get("value")

    async def texts(self, selector: str) -> list[str]:
        """The texts of all elements that a selector finds."""
        return await self.value(f"[...document.querySelectorAll({selector!r})].map((e) => e.textContent)")

    async def until(self, expression: str) -> None:
        """Wait until a JavaScript expression holds."""
        for _ in range(400):
            if await self.value(expression):
                return
            await asyncio.sleep(0.05)
        pytest.fail(f"never {expression} in {await self.value('document.body.innerText')!r}")


@asynccontextmanager
async def open_tab(url: str, folder: Path, *, width: int = 1280) -> AsyncIterator[Tab]:
    """Open a page in a browser of its own."""
    chromium = shutil.which("chromium") or pytest.skip("chromium is not installed")
    process = await asyncio.create_subprocess_exec(
        chromium,
        *FLAGS,
        f"--user-data-dir={folder}",
        f"--window-size={width},844",
        "about:blank",
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        address = await _debugging_address(folder)
        async with websockets.connect(address, max_size=None, max_queue=None) as socket:
            tab = Tab(socket)
            await tab.call(
                "Emulation.setDeviceMetricsOverride",
                width=width,
                height=844,
                deviceScaleFactor=1,
                mobile=False,
            )
            await tab.call("Page.navigate", url=url)
            yield tab
    finally:
        process.kill()
        await process.wait()


async def _debugging_address(folder: Path) -> str:
    announcement = folder / "DevToolsActivePort"
    for _ in range(400):
        if announcement.is_file() and (port := announcement.read_text().partition("\n")[0]):
            async with httpx.AsyncClient() as client:
                targets = (await client.get(f"http://127.0.0.1:{port}/json")).json()
            pages = [target for target in targets if target["type"] == "page"]
            if pages:
                return str(pages[0]["webSocketDebuggerUrl"])
        await asyncio.sleep(0.05)
    pytest.fail("chromium did not start")

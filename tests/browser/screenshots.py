"""The pictures in docs/screenshots, of a real system that plays the bundled meeting.

    python -m tests.browser.screenshots [FOLDER]

It takes some three minutes, and shows what this machine makes of the meeting, latency included.
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from ingest.demo.meeting import load_meeting, programme
from ingest.player.play import Pace, Performance
from ingest.player.wires import WIRES
from tests.browser.kit import DESKTOP, PHONE, Browser, Page, running_browser, until
from tests.system.kit import System, excerpt, play, running_system

SHOT_AT_S = 84
"""Into the meeting, when it has had its highs, its lows and most of its commands."""
SETTLING_MS = 2500
Prepare = Callable[[Page], Awaitable[None]]
Look = tuple[str, str, dict[str, int], str, Prepare]


def main() -> None:
    """Play, look, save."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, running_system(Path(scratch) / "log") as system:
        clip = excerpt(Path(scratch) / "clip.wav", 1, 16)
        play(system, [clip], "support-standup", "--format", "json").wait()
        asyncio.run(_take(system, folder))


async def _take(system: System, folder: Path) -> None:
    wire = WIRES["meetstream"]
    meeting = Performance(programme(load_meeting(), wire.rate), wire, "product-meeting", Pace(None, 1.0))
    playing = asyncio.create_task(meeting.play(system.ingest))
    async with running_browser() as browser:
        watching = await _open(browser, system, LOOKS[-1])
        await asyncio.sleep(SHOT_AT_S)
        await _shoot(watching, LOOKS[-1], folder)
        for look in LOOKS[:-1]:
            page = await _open(browser, system, look)
            await _shoot(page, look, folder)
            await page.close()
    await playing


async def _open(browser: Browser, system: System, look: Look) -> Page:
    _, address, viewport, theme, _ = look
    page = await browser.new_page(viewport=viewport, color_scheme=theme)
    await page.goto(f"{system.gateway}{address}")
    await until(page, "!document.querySelector('.loading')")
    return page


async def _shoot(page: Page, look: Look, folder: Path) -> None:
    name, *_, prepare = look
    await prepare(page)
    await page.wait_for_timeout(SETTLING_MS)
    await page.screenshot(path=folder / f"{name}.png")


async def _as_it_is(_: Page) -> None:
    """Nothing to do."""


async def _full_height(page: Page) -> None:
    height = await page.evaluate("document.documentElement.scrollHeight")
    await page.set_viewport_size({"width": page.viewport_size["width"], "height": height})


async def _energy(page: Page) -> None:
    await page.get_by_role("button", name="Energy", exact=True).click()


async def _timeline(page: Page) -> None:
    await page.locator("[data-pane=timeline]").click()


MEETING = "/#/meetings/product-meeting"
LOOKS: tuple[Look, ...] = (
    ("meeting-light", MEETING, DESKTOP, "light", _as_it_is),
    ("meetings-light", "/#/", DESKTOP, "light", _as_it_is),
    ("meeting-phone", MEETING, PHONE, "light", _as_it_is),
    ("timeline-phone", MEETING, PHONE, "light", _timeline),
    ("meeting-dark", MEETING, DESKTOP, "dark", _energy),
    ("meetings-dark-phone", "/#/", PHONE, "dark", _as_it_is),
    ("operations-dark-phone", "/#/operations", PHONE, "dark", _as_it_is),
    ("operations-light", "/#/operations", DESKTOP, "light", _full_height),
)
"""The last one is watched all the time, for the course of things that it shows."""

if __name__ == "__main__":
    main()

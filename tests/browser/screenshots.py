"""The pictures in docs/screenshots, of a real system that plays the bundled meeting.

    python -m tests.browser.screenshots [FOLDER]

It takes some four minutes, and shows what this machine makes of two meetings, latency included. Every
view is open before a picture is taken, so that all show the meetings as they go on.
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
"""Into the first meeting, when it has had its highs, its lows and most of its commands."""
APART_S = 30
SETTLING_MS = 500
MEETING = "product-meeting"
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
    async with running_browser() as browser, asyncio.TaskGroup() as playing:
        playing.create_task(_play(system, MEETING, 0))
        playing.create_task(_play(system, "sales-sync", APART_S))
        pages = playing.create_task(_open_all(browser, system))
        await asyncio.sleep(SHOT_AT_S)
        for look, page in zip(LIVE, await pages, strict=True):
            await _shoot(page, look, folder)
    async with running_browser() as browser:
        for look in AFTERWARDS:
            page = await _open(browser, system, look)
            await _shoot(page, look, folder)


async def _play(system: System, meeting: str, after_s: float) -> None:
    await asyncio.sleep(after_s)
    wire = WIRES["meetstream"]
    await Performance(programme(load_meeting(), wire.rate), wire, meeting, Pace(None, 1.0)).play(
        system.ingest
    )


async def _open_all(browser: Browser, system: System) -> list[Page]:
    await asyncio.sleep(APART_S)  # until there is something to open
    return [await _open(browser, system, look) for look in LIVE]


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
    await page.close()


async def _as_it_is(_: Page) -> None:
    """Nothing to do."""


async def _full_height(page: Page) -> None:
    height = await page.evaluate("document.documentElement.scrollHeight")
    await page.set_viewport_size({"width": DESKTOP["width"], "height": height})


async def _energy(page: Page) -> None:
    await page.get_by_role("button", name="Energy", exact=True).click()


async def _timeline(page: Page) -> None:
    await page.locator("[data-pane=timeline]").click()


async def _people(page: Page) -> None:
    await page.locator("[data-pane=people]").click()


async def _summed_up(page: Page) -> None:
    await until(page, "document.querySelector('#summary').checkVisibility()")


ONE = f"/#/meetings/{MEETING}"
LIVE: tuple[Look, ...] = (
    ("meeting-light", ONE, DESKTOP, "light", _as_it_is),
    ("meeting-dark", ONE, DESKTOP, "dark", _energy),
    ("meeting-phone", ONE, PHONE, "light", _as_it_is),
    ("meetings-light", "/#/", DESKTOP, "light", _as_it_is),
    ("meetings-dark", "/#/", DESKTOP, "dark", _as_it_is),
    ("meetings-phone", "/#/", PHONE, "dark", _as_it_is),
    ("timeline-phone", ONE, PHONE, "light", _timeline),
    ("people-phone", ONE, PHONE, "dark", _people),
    ("operations-light", "/#/operations", DESKTOP, "light", _full_height),
    ("operations-dark", "/#/operations", DESKTOP, "dark", _as_it_is),
    ("operations-phone", "/#/operations", PHONE, "dark", _as_it_is),
)
AFTERWARDS: tuple[Look, ...] = (
    ("ended-light", ONE, DESKTOP, "light", _summed_up),
    ("report-light", f"/v1/meetings/{MEETING}/report.html", DESKTOP, "light", _as_it_is),
)

if __name__ == "__main__":
    main()

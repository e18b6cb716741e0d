"""The page in front of the whole system: every pool, real audio."""

from pathlib import Path

import pytest

from tests.browser.kit import SERVES_WITHIN_S, chromium, running_browser, texts, until
from tests.system.kit import excerpt, play, running_system

pytestmark = [pytest.mark.system, pytest.mark.browser]


async def test_a_meeting_is_captioned_marked_and_felt_before_the_eyes_of_its_reader(tmp_path: Path) -> None:
    chromium()
    clip = excerpt(tmp_path / "clip.wav", 15, 36)
    with running_system(tmp_path / "log", HUBBUB_EMITTER__QUALITY="busy") as system:
        async with running_browser() as browser:
            page = await browser.new_page()
            await page.goto(f"{system.gateway}/#/")
            await until(page, "document.querySelector('.notice')")
            player = play(system, [clip], "live", "--format", "json")
            await until(page, "document.querySelector('.who-now.speaking')")
            await page.locator("a[href='#/meetings/live-0']").click()
            await until(page, "document.querySelector('li.partial')")
            assert player.wait(SERVES_WITHIN_S) == 0
            await until(page, "document.querySelector('.meeting-head .badge').textContent === 'Ended'")
            await until(page, "/wonderful news/i.test(document.querySelector('.captions').textContent)")
            await until(page, "!document.querySelector('li.partial')")
            await until(page, "document.querySelector('.chip span')?.textContent === 'next slide'")
            await until(
                page,
                "new Set([...document.querySelectorAll('.cells .cell')].map(c => c.dataset.step)).size > 2",
            )
            await page.goto(f"{system.gateway}/#/operations")
            await until(page, "document.querySelectorAll('[data-pool]').length >= 8")
            assert "Not running" not in await texts(page, "[data-pool] .state")

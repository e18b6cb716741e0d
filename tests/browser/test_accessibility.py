"""What axe-core finds in every view, light, dark and on a phone; and that keys alone get everywhere."""

from pathlib import Path

import pytest

from common.clock import unix_ms
from common.identity import Meeting
from common.streams.audio_log import AudioLog
from tests.browser import scene
from tests.browser.conftest import Open
from tests.browser.kit import DESKTOP, PHONE, Page, publish, until

pytestmark = [pytest.mark.integration, pytest.mark.browser]

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
MEETING, OVER = Meeting("default", "sync"), Meeting("default", "over")
LINES = "document.querySelectorAll('.captions li').length"
VIEWS = {
    "/#/": "document.querySelectorAll('.meetings li, .ended li').length === 2",
    "/#/meetings/sync": LINES + " === 17",
    "/#/meetings/over": LINES + " === 3",
    "/#/operations": "document.querySelectorAll('[data-pool]').length > 0",
    "/#/meetings/unknown": "document.querySelector('.notice')",
    "/docs": "document.querySelectorAll('.operation').length > 3",
}
LOOKS = {"light": (DESKTOP, "light"), "dark": (DESKTOP, "dark"), "phone": (PHONE, "light")}


async def findings(page: Page) -> list[str]:
    """Serious and critical ones, each with where it is."""
    await page.evaluate(f"window.axe ?? (() => {{{AXE}}})()")  # its policy refuses it as a script of the page
    found = (await page.evaluate("axe.run()"))["violations"]
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found
        if rule["impact"] in {"serious", "critical"}
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("look", LOOKS)
async def test_nothing_serious_is_found(log: AudioLog, open_page: Open, look: str) -> None:
    await publish(log, [*scene.whole(MEETING, 16), *scene.forming(MEETING, 16), scene.highlight(MEETING, 14)])
    await publish(log, scene.whole(OVER, 3))
    await log.end_meeting(OVER, unix_ms())
    viewport, theme = LOOKS[look]
    page = await open_page("/#/", viewport=viewport, theme=theme)
    found = {}
    for address, shown in VIEWS.items():
        await page.goto(page.url.split("/#")[0] + address)
        await until(page, shown)
        found[address] = await findings(page)
        for pane in await page.locator(".panes button:visible").all():
            await pane.click()
            await page.wait_for_timeout(300)  # for the part to be drawn
            found[f"{address} {await pane.text_content()}"] = await findings(page)
    assert {address: problems for address, problems in found.items() if problems} == {}


async def test_keys_alone_reach_everything(log: AudioLog, open_page: Open) -> None:
    await publish(log, scene.whole(MEETING, 4))
    page = await open_page("/#/meetings/sync")
    await until(page, f"{LINES} === 4 && document.querySelector('.cells')")
    reached = set()
    for _ in range(40):
        await page.keyboard.press("Tab")
        reached.add(await page.evaluate("(e => e.className || e.id || e.tagName)(document.activeElement)"))
    assert {"skip", "brand", "small theme", "SUMMARY", "cell", "search", "captions"} <= reached

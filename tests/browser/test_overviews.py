"""The list of meetings, and the operators' view."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from common.clock import unix_ms
from common.identity import Meeting
from common.streams import keys
from common.streams.audio_log import AudioLog
from common.streams.client import Client
from common.streams.reports import ProcessReport, write_report
from common.topology import POOLS, STAGES
from tests.browser import scene
from tests.browser.conftest import Open
from tests.browser.kit import PHONE, SHARDS, GatewayProcess, publish, texts, until

pytestmark = [pytest.mark.integration, pytest.mark.browser]


@pytest.fixture
async def reports(redis: Client) -> AsyncIterator[None]:
    """A process of each pool but ingest that reports and owns shards, without doing anything."""

    async def go_on() -> None:
        used_s = 0.0
        while True:
            used_s += 0.2
            for pool in POOLS[1:]:
                level, headroom = (2, -1.5) if pool == "emitter" else (0, 0.0)
                await write_report(
                    redis,
                    ProcessReport(
                        pool,
                        f"m-{pool}",
                        7,
                        "box",
                        1,
                        unix_ms(),
                        used_s,
                        90_000_000,
                        9000,
                        "",
                        level,
                        headroom,
                    ),
                )
            await asyncio.sleep(1)

    for pool in STAGES:
        for shard in range(SHARDS):
            await redis.hset(keys.lease(shard, pool), "owner", f"m-{pool}")
    await redis.hdel(keys.lease(2, "vad"), "owner")
    task = asyncio.create_task(go_on())
    yield
    task.cancel()


async def test_the_list_shows_who_speaks_and_leads_to_the_meeting(log: AudioLog, open_page: Open) -> None:
    quiet, busy = Meeting("default", "quiet"), Meeting("default", "busy")
    await log.start_meeting(quiet, unix_ms())
    page = await open_page("/#/")
    await until(page, "document.querySelectorAll('.meetings li').length === 1")
    await publish(log, [*scene.whole(busy, 3), *scene.forming(busy, 3)])
    await until(page, "document.querySelector('.who-now')?.textContent === 'Daniel Hale speaking'")
    assert await page.locator(".strip rect").count() == 4
    await until(page, "document.querySelector('.last b')?.textContent === 'Daniel Hale: '")
    card = page.locator("a[href='#/meetings/busy']")
    for figure in ("LevelFull", "Latency0.2", "In progress"):
        assert figure in (await card.text_content() or "")
    await page.locator("#filter").fill("qui")
    await until(page, "document.querySelector('.meetings').textContent.startsWith('quietLive')")
    await page.locator("#filter").fill("nowhere")
    await until(page, "document.querySelector('.notice').textContent.includes('“nowhere”')")
    await page.locator("#filter").fill("")
    await until(page, "document.querySelectorAll('.meetings li').length === 2")
    await card.focus()
    await page.keyboard.press("Enter")
    await until(page, "document.querySelectorAll('.captions li').length === 4")


async def test_meetings_that_ended_are_listed_below(log: AudioLog, open_page: Open) -> None:
    await log.start_meeting(Meeting("default", "over"), unix_ms())
    await log.end_meeting(Meeting("default", "over"), unix_ms())
    await log.start_meeting(Meeting("default", "going"), unix_ms())
    page = await open_page("/#/")
    await until(page, "document.querySelector('.ended h3')?.textContent === 'over'")
    assert await texts(page, ".meetings h3") == ["going"]
    assert await texts(page, ".list-head .quiet") == ["1 live, 1 ended", ""]


async def test_a_list_that_is_out_of_date_says_so(
    log: AudioLog, open_page: Open, gateway: GatewayProcess
) -> None:
    await log.start_meeting(Meeting("default", "going"), unix_ms())
    page = await open_page("/#/")
    await until(page, "document.querySelectorAll('.meetings li').length === 1")
    gateway.kill()
    await until(page, "document.querySelector('.fresh').textContent.endsWith('the gateway does not answer')")
    gateway.start()
    await until(page, "document.querySelector('.fresh').textContent === ''")


async def test_operators_see_every_pool_as_it_happens(open_page: Open, reports: None, redis: Client) -> None:
    page = await open_page("/#/operations")
    await until(page, "document.querySelectorAll('[data-pool]').length > 0")
    rows = {
        await row.get_attribute("data-pool"): await row.inner_text()
        for row in await page.locator("[data-pool]").all()
    }
    assert set(POOLS) <= set(rows)
    assert "Not running" in rows["ingest"]
    assert "1 shard without an owner" in rows["vad"]
    assert "Keeping up" in rows["sentiment"]
    tiles = {name: await page.locator(f"[data-tile={name}]").inner_text() for name in ("level", "headroom")}
    assert "Finals only" in tiles["level"]
    assert "-1.5" in tiles["headroom"]
    assert await page.locator(".shard-row li.unowned").count() >= 1
    await redis.xadd(keys.dead_letters(0), {"error": "x"})
    await until(page, "document.querySelector('[data-tile=dead] dd').textContent === '1'")
    await until(page, "/[0-9] %/.test(document.querySelector('[data-pool=vad]').innerText)")
    assert await page.locator(".trends canvas").count() == 2


async def test_the_operators_view_fits_a_phone(open_page: Open, reports: None) -> None:
    page = await open_page("/#/operations", viewport=PHONE)
    await until(page, "document.querySelectorAll('[data-pool]').length > 0")
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


async def test_the_theme_is_chosen_and_kept(open_page: Open) -> None:
    page = await open_page("/#/")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = await page.evaluate(ground)
    await page.locator(".theme").click()
    await page.locator(".theme").click()
    assert await page.locator(".theme").text_content() == "Theme: dark"
    assert (dark := await page.evaluate(ground)) != light
    await page.reload()
    assert await page.evaluate(ground) == dark

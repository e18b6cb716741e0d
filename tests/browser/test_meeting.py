"""A meeting on the page."""

from dataclasses import replace

import orjson
import pytest

from common.identity import Meeting, Speaker
from common.results import Keyword, Result, Sentiment, Transcript
from common.streams.audio_log import AudioLog
from common.streams.client import Client
from common.streams.meeting_reports import BuiltReport, ReportShelf
from tests.browser import scene
from tests.browser.conftest import Open
from tests.browser.kit import PHONE, SHARDS, GatewayProcess, Page, publish, texts, until

pytestmark = [pytest.mark.integration, pytest.mark.browser]

MEETING = Meeting("default", "sync")
ADDRESS = "/#/meetings/sync"
HOSTILE = "<img src=x onerror=alert(1)>"
LIVE = "document.querySelector('.figure-stream dd')?.textContent === 'Connected'"
LINES = ".captions li:not(.partial) .stable"
NEXT = 12
SAID = [turn["text"] for turn in scene.TURNS]


async def shown(page: Page, lines: int) -> None:
    await until(page, f"document.querySelectorAll('{LINES}').length === {lines}")
    await until(page, LIVE)


@pytest.fixture
async def page(log: AudioLog, open_page: Open) -> Page:
    """The page of a meeting that has come to its twelfth turn."""
    await publish(log, scene.whole(MEETING, NEXT))
    page = await open_page(ADDRESS)
    await shown(page, NEXT)
    return page


async def test_captions_appear_form_and_settle_without_jumping(page: Page, log: AudioLog) -> None:
    assert await texts(page, LINES) == SAID[:NEXT]
    forming = list(scene.forming(MEETING, NEXT))
    await publish(log, forming[:-1])
    await until(page, "t => document.querySelector('li.partial .text')?.textContent === t", forming[-2].text)
    assert await texts(page, "li.partial .stable") == [forming[-2].stable]
    top = "document.querySelector('.captions li:last-child .text').getBoundingClientRect().top"
    before = await page.evaluate(top)
    final = next(r for r in scene.settled(MEETING, NEXT) if isinstance(r, Transcript))
    await publish(log, [replace(final, text="Short.", stable="Short.")])
    await shown(page, NEXT + 1)
    assert (await texts(page, LINES))[-1] == "Short."
    assert await page.evaluate(top) == before
    tones = [
        await page.locator(f".captions {part}").last.evaluate("e => getComputedStyle(e).color")
        for part in (".rest", ".stable")
    ]
    assert tones[0] != tones[1]


async def test_a_keyword_becomes_a_chip_that_leads_to_its_words(page: Page, log: AudioLog) -> None:
    assert await texts(page, ".chip span") == ["next slide", "next slide"]
    await publish(log, scene.turn(MEETING, 14))
    await until(page, "document.querySelectorAll('.chip').length === 4")
    chip = page.locator(".chip", has_text="next slide").first
    assert "navigation, said by Zoë Martin" in (await chip.text_content() or "")
    await chip.evaluate("chip => chip.click()")
    await until(page, "document.querySelector('li.revealed .text')?.textContent.includes('Next slide')")
    await until(page, "!document.querySelector('.latest').hidden")
    await page.locator(".latest").click()
    await until(page, "document.querySelector('.latest').hidden")


async def test_the_heatmap_shows_moods_in_colours_and_words(page: Page) -> None:
    cells = ".cells .cell:not([data-step=none])"
    await until(page, f"document.querySelectorAll('{cells}').length > 10")
    every = f"[...document.querySelectorAll('{cells}')]"
    colours = f"{every}.map(cell => getComputedStyle(cell).backgroundColor)"
    moods = set(await page.evaluate(colours))
    assert len(moods) >= 3
    labels = await page.evaluate(f"{every}.map(cell => cell.ariaLabel)")
    assert any(label.startswith("Ross Keller") and "mood \N{MINUS SIGN}0.70" in label for label in labels)
    await page.get_by_role("button", name="Energy", exact=True).click()
    await until(page, "document.querySelector('.cells .cell').dataset.feeling === 'arousal'")
    assert not moods & set(await page.evaluate(colours))


async def test_the_heatmap_is_walked_with_the_keyboard(page: Page) -> None:
    first = page.locator(".cells .cell").first
    await first.focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("End")
    assert (await page.evaluate("document.activeElement.ariaLabel")).startswith("Zoë Martin, 1:")
    await page.keyboard.press("Home")
    for _ in range(30):
        if "nothing" not in await page.evaluate("document.activeElement.ariaLabel"):
            break
        await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await until(page, "document.querySelector('li.revealed .who')?.textContent === 'Zoë Martin'")


async def test_who_spoke_how_much_and_who_speaks_now(page: Page, log: AudioLog) -> None:
    assert await texts(page, ".person .name") == ["Daniel Hale", "Zoë Martin", "Ross Keller", "Angus Baird"]
    shares = [int(text.split("·")[1].strip(" %")) for text in await texts(page, ".talked")]
    assert 98 <= sum(shares) <= 102
    await publish(log, list(scene.forming(MEETING, NEXT))[:1])
    await until(page, "document.querySelector('.speaking .name')?.textContent === 'Daniel Hale'")


async def test_screen_readers_hear_finals_at_a_sensible_pace(page: Page, log: AudioLog) -> None:
    heard = "document.getElementById('spoken').textContent"
    assert await page.evaluate(heard) == ""
    await publish(log, [r for n in (12, 13) for r in scene.turn(MEETING, n)])
    await until(page, f"{heard} === 'Daniel Hale: {SAID[12]}Angus Baird: {SAID[13]}'")
    await page.locator(".tools summary").click()
    await page.get_by_label("Announce captions to screen readers").uncheck()
    await publish(log, scene.turn(MEETING, 14))
    await shown(page, 15)
    await page.wait_for_timeout(3500)  # longer than captions are gathered for
    assert SAID[14] not in await page.evaluate(heard)


async def test_search_finds_words_and_goes_from_one_to_the_next(page: Page) -> None:
    await page.keyboard.press("Control+k")
    await page.keyboard.type("next slide")
    await until(page, "document.querySelector('.count').textContent === '2 matches'")
    await page.keyboard.press("Enter")
    await until(page, "document.querySelector('.count').textContent === '1 of 2'")
    await page.keyboard.press("Shift+Enter")
    await until(page, "document.querySelector('.count').textContent === '2 of 2'")
    assert await page.evaluate("[...CSS.highlights.get('current')].map(String)") == ["Next slide"]
    await page.keyboard.press("Escape")
    await until(page, "document.querySelector('.count').textContent === ''")


@pytest.mark.parametrize("extension", ["vtt", "srt", "txt", "md", "json"])
async def test_the_transcript_is_saved(page: Page, extension: str) -> None:
    await page.locator(".meeting-head summary").click()
    async with page.expect_download() as coming:
        await page.locator(f"[data-file='sync.{extension}']").click()
    download = await coming.value
    assert download.suggested_filename == f"sync.{extension}"
    saved = (await download.path()).read_text()
    assert all(name["name"] in saved for name in scene.SCRIPT["speakers"])
    assert "topics" in saved


async def test_nothing_is_missing_or_doubled_after_the_gateway_was_killed(
    page: Page, log: AudioLog, gateway: GatewayProcess
) -> None:
    half = [*scene.forming(MEETING, NEXT)]
    await publish(log, half[:3])
    await until(page, "document.querySelector('li.partial')")
    gateway.kill()
    await until(page, "document.querySelector('.figure-stream dd').textContent === 'Reconnecting…'")
    assert "The connection is lost" in (await texts(page, ".trouble"))[0]
    await publish(log, [*half[3:], *scene.settled(MEETING, NEXT)])
    for turn in (13, 14):
        await publish(log, scene.turn(MEETING, turn))
    gateway.start()
    await shown(page, 15)
    assert await texts(page, LINES) == SAID[:15]
    assert await page.locator("li.partial").count() == 0
    assert await texts(page, ".trouble") == [""]
    await publish(log, scene.turn(MEETING, 15))
    await shown(page, 16)
    assert await texts(page, LINES) == SAID[:16]


async def test_the_end_of_the_meeting_shows(page: Page, log: AudioLog) -> None:
    assert await page.locator(".meeting-head .badge").text_content() == "Live"
    await log.end_meeting(MEETING, 1_760_000_100_000)
    await until(page, "document.querySelector('.meeting-head .badge').textContent === 'Ended'")


async def test_what_a_meeting_came_to_stands_beside_it_after_its_end(
    page: Page, log: AudioLog, redis: Client
) -> None:
    shelf = ReportShelf(redis, SHARDS)
    await shelf.order(MEETING, 1)
    [order] = await shelf.take(1, limit=1)
    said = {"start_ms": scene.TURNS[4]["start_ms"] + 900, "speaker": "Zoë Martin", "text": HOSTILE}
    files = {"json": orjson.dumps({"summary": [said]})}
    await shelf.store(order, BuiltReport(built_at_ms=1, ended=True, as_of="1-0", files=files), keep_s=600)
    assert not await page.locator("#summary").is_visible()
    await log.end_meeting(MEETING, 1_760_000_100_000)
    await until(page, "document.querySelector('.side .highlight')")
    assert HOSTILE in (await texts(page, ".side .highlight"))[0]
    await page.locator(".side .highlight").click()
    await until(page, "t => document.querySelector('li.revealed .text')?.textContent === t", SAID[4])


async def test_highlights_say_who_owes_what(page: Page, log: AudioLog) -> None:
    await publish(log, [replace(scene.highlight(MEETING, 10), owner="Angus", due="Friday")])
    await until(page, "document.querySelector('.highlight')")
    [shown_text] = await texts(page, ".highlight")
    for part in ("Action item", "Ross Keller", "Owner: Angus", "Due: Friday"):
        assert part in shown_text


def hostile(result: Result) -> Result:
    changed = replace(result, meeting="hostile", speaker=Speaker("h", HOSTILE))
    if isinstance(changed, Transcript):
        return replace(changed, text=HOSTILE, stable=HOSTILE[: len(changed.stable)])
    return replace(changed, phrase=HOSTILE, category=HOSTILE) if isinstance(changed, Keyword) else changed


async def test_a_hostile_speaker_is_only_text(log: AudioLog, open_page: Open) -> None:
    said = [r for r in scene.whole(MEETING, 6) if isinstance(r, Transcript | Keyword | Sentiment)]
    await publish(log, [hostile(r) for r in said])
    page = await open_page("/#/meetings/hostile")
    page.on("dialog", lambda _: pytest.fail("a script ran"))
    await shown(page, 6)
    assert set(await texts(page, ".captions .who")) == {HOSTILE}
    assert set(await texts(page, LINES)) == {HOSTILE}
    assert await texts(page, ".person .name") == [HOSTILE]
    assert await texts(page, ".chip span") == [HOSTILE]
    await page.goto(page.url.split("#")[0] + "#/")
    await until(page, "document.querySelector('.meetings h3')?.textContent === 'hostile'")
    assert await page.locator("main img").count() == 0


async def test_a_phone_shows_one_part_at_a_time_and_never_scrolls_sideways(
    log: AudioLog, open_page: Open
) -> None:
    await publish(log, scene.whole(MEETING))
    page = await open_page(ADDRESS, viewport=PHONE)
    await shown(page, len(SAID))
    for pane, part in {"timeline": ".timeline", "people": ".side", "captions": ".transcript"}.items():
        await page.locator(f"[data-pane={pane}]").first.click()
        assert await page.locator(part).is_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


async def test_a_report_that_is_not_built_yet_is_said_to_be_coming(page: Page) -> None:
    await page.locator(".meeting-head summary").click()
    await page.locator("[data-file='sync-report.pdf']").click()  # nobody builds reports here
    await until(page, "document.querySelector('.problem').textContent.startsWith('It is being built')")


async def test_gaps_of_the_past_and_of_now_are_told_in_the_captions(page: Page, log: AudioLog) -> None:
    gap = replace(
        scene.begun(MEETING), id="g1", event="gap", start_ms=20_000, end_ms=21_500, reason="backlog"
    )
    await publish(log, [gap])
    await until(page, "document.querySelector('li.gap')")
    await page.reload()
    await shown(page, NEXT + 1)
    assert await texts(page, "li.gap .stable") == ["1.5 s of audio are missing: backlog"]

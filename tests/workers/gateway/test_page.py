import re
from dataclasses import replace

import httpx
import pytest
from headless_browser import open_tab
from scripted_meeting import SCRIPT, utterance_results

from common.identity import Speaker
from common.results import Transcript

pytestmark = pytest.mark.integration

SHOWN = "document.querySelectorAll('.captions li').length == 8"
HOSTILE = "<img src=x onerror=alert(1)>"


def page_of(gateway: httpx.AsyncClient, meeting: str) -> str:
    return f"{gateway.base_url}/#/meetings/{meeting}"


async def test_a_browser_shows_captions_keywords_and_mood(gateway, standup, tmp_path) -> None:
    async with open_tab(page_of(gateway, "standup"), tmp_path) as tab:
        await tab.until(SHOWN)
        assert await tab.texts(".captions .stable") == [text for _, _, text, _ in SCRIPT]
        assert await tab.texts(".captions li:not(.continued) .who") == [
            speaker.name for speaker, *_ in SCRIPT
        ]
        assert await tab.texts(".chip small") == ["0:34", "0:33", "0:22", "0:17"]
        assert await tab.texts(".speaker .name") == ["Ann Abel", "Bob Okoro", "Mei Lin"]
        moods = "[...document.querySelectorAll('.bar.centred')].map((e) => e.ariaValueNow)"
        assert await tab.value(moods) == ["0.07", "-0.56", "0.63"]


async def test_captions_form_settle_and_stay_in_place(gateway, publish, standup, tmp_path) -> None:
    *partials, final = [r for r in utterance_results(1) if isinstance(r, Transcript)]
    texts = [
        replace(r, utterance="new", id=f"new/{r.id}", start_ms=99_000, end_ms=r.end_ms + 90_000)
        for r in (*partials, final)
    ]
    async with open_tab(page_of(gateway, "standup"), tmp_path) as tab:
        await tab.until(SHOWN)
        await publish(texts[-3:-1])
        await tab.until("document.querySelector('.captions li.partial .rest')?.textContent.endsWith('about')")
        assert "".join(await tab.texts(".captions li.partial .text span")) == texts[-2].text
        assert await tab.texts(".captions li.partial .stable") == [texts[-2].stable]
        top = "document.querySelector('.captions li:last-child .text').getBoundingClientRect().top"
        before = await tab.value(top)
        await publish([replace(texts[-1], text="Short.", stable="Short.")])
        await tab.until("!document.querySelector('.captions li.partial')")
        assert (await tab.texts(".captions .stable"))[-1] == "Short."
        assert await tab.value(top) == before
        await tab.until("document.getElementById('spoken').textContent == 'Bob Okoro: Short.'")


async def test_the_page_goes_on_where_it_was_when_the_gateway_comes_back(
    run_gateway, publish, standup, tmp_path
) -> None:
    async with run_gateway() as first:
        port = first.base_url.port
        async with open_tab(page_of(first, "standup"), tmp_path) as tab:
            await tab.until(SHOWN)
            await first.stop()
            await publish(
                [replace(r, utterance="new", id=f"new/{r.id}", start_ms=99_000) for r in utterance_results(2)]
            )
            async with run_gateway(port=port):
                await tab.until("document.querySelectorAll('.captions li').length >= 9")
                await tab.until("!document.querySelector('.captions li.partial')")
                assert await tab.texts(".captions .stable") == [*(s[2] for s in SCRIPT), SCRIPT[2][2]]


async def test_a_hostile_name_is_only_text(gateway, publish, standup, tmp_path) -> None:
    said = [r for r in standup if r.type in {"transcript", "keyword", "sentiment"}]
    await publish([replace(r, speaker=Speaker("h", HOSTILE), meeting="hostile") for r in said])
    async with open_tab(page_of(gateway, "hostile"), tmp_path) as tab:
        await tab.until(SHOWN)
        assert set(await tab.texts(".captions .who")) == {HOSTILE}
        assert await tab.texts(".speaker .name") == [HOSTILE]
        assert await tab.value("document.querySelectorAll('main img').length") == 0


async def test_nothing_sticks_out_on_a_phone(gateway, standup, tmp_path) -> None:
    async with open_tab(page_of(gateway, "standup"), tmp_path, width=390) as tab:
        await tab.until(SHOWN)
        assert await tab.value("document.documentElement.scrollWidth") <= 390


async def test_everything_the_page_loads_is_here_and_nothing_else_may(gateway: httpx.AsyncClient) -> None:
    seen, todo = set(), ["/", "/docs"]
    while todo:
        path = todo.pop()
        response = await gateway.get(path)
        assert response.status_code == 200, path
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert "unsafe" not in response.headers["content-security-policy"]
        assert not re.search(r"style=|https?://(?!www\.w3\.org)", response.text), path
        seen.add(path)
        found = re.findall(r'(?:src|href)="(/page/[^"]+)"', response.text)
        found += [f"/page/{name}" for name in re.findall(r'from "\./([^"]+)"', response.text)]
        todo += set(found) - seen
    assert len(seen) > 8

"""The typed client against a real gateway."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace

import pytest
from scripted_meeting import MEETING, meeting_results

from common.client import AsyncHubbub, Hubbub, MeetingInfo, Placed, Refused, Unreachable
from common.ports import reserved_port
from common.results import Keyword, Result, Transcript
from common.settings import AccessSettings

pytestmark = pytest.mark.integration
SAID = ["activity", "transcript", "keyword", "sentiment"]


def address(gateway) -> str:
    return str(gateway.base_url)


def said(results: Iterable[Result]) -> list[Result]:
    return [result for result in results if result.type in SAID]


async def take(results: AsyncIterator[Placed], count: int) -> list[Placed]:
    async with asyncio.timeout(20):
        return [await anext(results) for _ in range(count)]


async def test_what_is_stored_comes_typed_and_in_order(gateway, standup) -> None:
    async with AsyncHubbub(address(gateway)) as hubbub:
        stored = [placed.result async for placed in hubbub.results("standup", types=SAID)]
        some = [placed.result async for placed in hubbub.results("standup", types=["keyword", "transcript"])]
    assert stored == said(standup)
    assert some == [result for result in standup if isinstance(result, Keyword | Transcript)]


async def test_following_goes_on_through_a_restart_without_a_gap_or_a_repeat(run_gateway, publish) -> None:
    results = said(meeting_results())
    half = len(results) // 2
    with reserved_port("127.0.0.1", 0) as port:
        async with run_gateway(port, share_port=True) as gateway:
            await publish(results[:half])
            hubbub = AsyncHubbub(address(gateway))
            following = hubbub.follow(MEETING.id, types=SAID)
            seen = await take(following, half)
        rest = asyncio.create_task(take(following, len(results) - half))
        await publish(results[half:])
        async with run_gateway(port, share_port=True):
            seen += await rest
        await following.aclose()
        await hubbub.__aexit__()
    assert [placed.result.id for placed in seen] == [result.id for result in results]


async def test_a_position_kept_elsewhere_is_where_the_next_process_goes_on(gateway, standup) -> None:
    def read(after: str, count: int) -> list[Placed]:
        with Hubbub(address(gateway)) as hubbub:
            following = hubbub.follow("standup", types=SAID, after=after)
            return [next(following) for _ in range(count)]

    first = await asyncio.to_thread(read, "", 5)
    rest = await asyncio.to_thread(read, first[-1].position, len(said(standup)) - 5)
    assert [placed.result for placed in first + rest] == said(standup)


async def test_the_blocking_client_has_meetings_pages_and_transcripts(gateway, publish, standup) -> None:
    await publish([replace(result, meeting=f"m{n}") for n, result in enumerate(standup[:4])])

    def read() -> tuple[list[MeetingInfo], list[Placed], str]:
        with Hubbub(address(gateway)) as hubbub:
            stored = list(hubbub.results("standup", types=SAID))
            return list(hubbub.meetings()), stored, hubbub.transcript("standup", "vtt")

    meetings, stored, subtitles = await asyncio.to_thread(read)
    assert {info.meeting for info in meetings} >= {"standup", "m0", "m1", "m2", "m3"}
    assert [placed.result for placed in stored] == said(standup)
    assert subtitles.startswith("WEBVTT")


async def test_what_is_refused_says_why_and_is_not_tried_again(gateway, run_gateway, standup) -> None:
    async with AsyncHubbub(address(gateway)) as hubbub:
        with pytest.raises(Refused, match="unknown_meeting") as refused:
            await anext(hubbub.follow("no-such-meeting"))
        assert refused.value.status == 404
        with pytest.raises(ValueError, match="no result type"):
            await anext(hubbub.results("standup", types=["captions"]))
    nobody = AccessSettings(anonymous="never")
    async with run_gateway(access=nobody) as guarded, AsyncHubbub(address(guarded), token="wrong") as hubbub:
        with pytest.raises(Refused, match="401 unauthorized"):
            await anext(hubbub.meetings())


@pytest.mark.parametrize("ask", [lambda hub: anext(hub.results("m")), lambda hub: hub.transcript("m")])
async def test_nobody_there_is_said(ask: Callable[[AsyncHubbub], object]) -> None:
    with reserved_port("127.0.0.1", 0) as port:
        async with AsyncHubbub(f"http://127.0.0.1:{port}") as hubbub:
            with pytest.raises(Unreachable, match=str(port)):
                await ask(hubbub)


@pytest.mark.parametrize("kind", [Hubbub, AsyncHubbub])
def test_an_address_without_a_scheme_is_refused_at_once(kind: type[Hubbub | AsyncHubbub]) -> None:
    with pytest.raises(ValueError, match="want an address such as"):
        kind("127.0.0.1:8780")

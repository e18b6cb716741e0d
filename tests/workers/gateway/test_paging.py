from dataclasses import replace

import httpx
import pytest
from scripted_meeting import MEETING, SCRIPT, SHARDS

from common.identity import Meeting
from common.results import Highlight, Keyword, Result, Sentiment, Transcript
from common.stage import Stream
from common.streams import keys
from common.streams.audio_log import AudioLog
from common.streams.client import Client
from workers.gateway.history import PAGE_READS

pytestmark = pytest.mark.integration

STANDUP = "/v1/meetings/standup"
KINDS = {"keywords": Keyword, "sentiments": Sentiment, "highlights": Highlight}


async def pages(client: httpx.AsyncClient, path: str, **query: object) -> list[dict]:
    """All pages of a document, as a service reads them."""
    found = [(await client.get(path, params=query)).json()]
    while found[-1]["more"]:
        assert len(found) < 200, "it never ends"
        found.append((await client.get(path, params={**query, "after": found[-1]["as_of"]})).json())
    return found


@pytest.mark.parametrize("limit", [1, 3, 1000])
@pytest.mark.parametrize(
    ("path", "field"),
    [("/keywords", "keywords"), ("/sentiment", "sentiments"), ("/highlights", "highlights")],
)
async def test_the_pages_of_a_document_make_the_whole(
    gateway: httpx.AsyncClient, standup: list[Result], path: str, field: str, limit: int
) -> None:
    found = await pages(gateway, STANDUP + path, limit=limit)
    assert all(len(page[field]) <= limit for page in found)
    ids = [result["id"] for page in found for result in page[field]]
    assert sorted(ids) == sorted(r.id for r in standup if isinstance(r, KINDS[field]))
    whole = (await gateway.get(STANDUP + path)).json()
    assert sorted(ids) == sorted(result["id"] for result in whole[field])
    assert whole["more"] is False


@pytest.mark.parametrize("limit", [1, 3])
async def test_the_pages_of_a_transcript_make_the_whole(
    gateway: httpx.AsyncClient, standup: list[Result], limit: int
) -> None:
    found = await pages(gateway, STANDUP + "/transcript", limit=limit)
    lines = [line["text"] for page in found for line in page["lines"]]
    assert lines == [text for _, _, text, _ in SCRIPT]
    assert max(len(page["lines"]) for page in found) == limit


async def test_a_text_that_comes_late_is_in_a_later_page(gateway, publish, standup) -> None:
    (first, *_) = [r for r in standup if isinstance(r, Transcript) and r.status == "final"]
    deferred = replace(first, utterance="late", id="late/deferred", status="deferred", text="", words=())
    await publish([deferred])
    before = (await gateway.get(STANDUP + "/transcript")).json()
    assert before["lines"][-1]["utterance"] != "late" or before["lines"][0]["status"] == "deferred"
    await publish([replace(first, utterance="late", id="late/final", backfilled=True)])
    after = (await gateway.get(STANDUP + "/transcript", params={"after": before["as_of"]})).json()
    assert [(line["utterance"], line["status"]) for line in after["lines"]] == [("late", "final")]


async def test_results_are_read_as_they_lie_in_the_stream(gateway, publish, standup) -> None:
    found = await pages(gateway, STANDUP + "/results", limit=7)
    placed = [result for page in found for result in page["results"]]
    assert [result["result"]["id"] for result in placed[1:]] == [r.id for r in standup]
    assert all(result["type"] == result["result"]["type"] for result in placed)
    as_of = found[-1]["as_of"]
    nothing = (await gateway.get(STANDUP + "/results", params={"after": as_of})).json()
    assert nothing == {"meeting": "standup", "as_of": as_of, "more": False, "results": []}
    await publish([standup[-1]])
    new = (await gateway.get(STANDUP + "/results", params={"after": as_of})).json()
    assert [result["result"]["id"] for result in new["results"]] == [standup[-1].id]


async def test_results_of_some_types_alone(gateway, standup) -> None:
    found = await pages(gateway, STANDUP + "/results", types="keyword,highlight", limit=2)
    ids = [result["result"]["id"] for page in found for result in page["results"]]
    assert ids == [r.id for r in standup if isinstance(r, Keyword | Highlight)]


async def test_a_page_looks_at_so_much_of_a_busy_shard(gateway, publish, standup, redis: Client) -> None:
    shard = MEETING.shard(SHARDS)
    neighbour = next(m for n in range(99) if (m := Meeting("default", f"m{n}")).shard(SHARDS) == shard)
    entry = {"type": "highlight", "meeting": f"default/{neighbour.id}", "data": b"{}"}
    pipeline = redis.pipeline(transaction=False)
    for _ in range(2 * 1000 * PAGE_READS):
        pipeline.xadd(keys.stream(shard, Stream.RESULTS), entry)
    await pipeline.execute()
    await publish([replace(next(r for r in standup if isinstance(r, Highlight)), id="later")])
    found = await pages(gateway, STANDUP + "/highlights", limit=5)
    assert len(found) >= 3
    assert [h["id"] for page in found for h in page["highlights"]] == ["u3/highlight", "later"]


async def test_the_list_of_meetings_is_read_in_pages(
    gateway: httpx.AsyncClient, log: AudioLog, redis: Client
) -> None:
    names = [f"m{n}" for n in range(7)]
    for number, name in enumerate(names):
        await log.start_meeting(Meeting("default", name), 1000)
        await heard(redis, name, 1000 + number // 2)  # some in the same millisecond
    await log.start_meeting(Meeting("acme", "theirs"), 1000)
    seen: list[str] = []
    following: str | None = ""
    while following is not None:
        page = (await gateway.get("/v1/meetings", params={"limit": 2, "before": following})).json()
        seen += [m["meeting"] for m in page["meetings"]]
        following = page["next"]
        await heard(redis, "m6", 9000)  # what is heard meanwhile is not seen twice
    assert seen == ["m6", "m4", "m5", "m2", "m3", "m0", "m1"]


async def test_a_few_meetings_among_those_of_many_others_are_all_listed(
    gateway: httpx.AsyncClient, log: AudioLog, redis: Client
) -> None:
    pipeline = redis.pipeline(transaction=False)
    for number in range(800):
        theirs = Meeting("acme", f"theirs-{number}")
        pipeline.zadd(keys.meetings(theirs.shard(SHARDS)), {f"acme/{theirs.id}": 2000 + number})
    await pipeline.execute()
    for number in range(4):
        await log.start_meeting(Meeting("default", f"m{number}"), 1000)
        await heard(redis, f"m{number}", 1000 + number)
    page = (await gateway.get("/v1/meetings", params={"limit": 3})).json()
    assert [m["meeting"] for m in page["meetings"]] == ["m3", "m2", "m1"]
    rest = (await gateway.get("/v1/meetings", params={"limit": 3, "before": page["next"]})).json()
    assert ([m["meeting"] for m in rest["meetings"]], rest["next"]) == (["m0"], None)


async def test_meetings_are_found_by_a_part_of_their_name(
    gateway: httpx.AsyncClient, log: AudioLog, redis: Client
) -> None:
    for number, name in enumerate(["Weekly-sales", "weekly-support", "all-hands", "sales-2026"]):
        await log.start_meeting(Meeting("default", name), 1000)
        await heard(redis, name, 1000 + number)
    await log.start_meeting(Meeting("acme", "weekly-theirs"), 1000)
    first = (await gateway.get("/v1/meetings", params={"matching": "WEEKLY", "limit": 1})).json()
    rest = {"matching": "WEEKLY", "limit": 2, "before": first["next"]}
    assert [m["meeting"] for m in first["meetings"]] == ["weekly-support"]
    assert [m["meeting"] for m in (await gateway.get("/v1/meetings", params=rest)).json()["meetings"]] == [
        "Weekly-sales"
    ]
    assert (await gateway.get("/v1/meetings", params={"matching": "*"})).json()["meetings"] == []


async def test_the_list_goes_on_past_a_meeting_that_went_meanwhile(
    gateway: httpx.AsyncClient, log: AudioLog, redis: Client
) -> None:
    for number, name in enumerate(["old", "new"]):
        await log.start_meeting(Meeting("default", name), 1000)
        await heard(redis, name, 1000 + number)
    await heard(redis, "gone", 2000)
    page = (await gateway.get("/v1/meetings", params={"limit": 2})).json()
    assert [m["meeting"] for m in page["meetings"]] == ["new"]
    page = (await gateway.get("/v1/meetings", params={"limit": 2, "before": page["next"]})).json()
    assert ([m["meeting"] for m in page["meetings"]], page["next"]) == (["old"], None)


async def heard(redis: Client, name: str, at_ms: int) -> None:
    shard = Meeting("default", name).shard(SHARDS)
    await redis.zadd(keys.meetings(shard), {f"default/{name}": at_ms})


@pytest.mark.parametrize(
    "query",
    ["keywords?limit=0", "results?after=x", "transcript?after=$", "results?types=x", "results?limit=1001"],
)
async def test_a_page_that_cannot_be(gateway: httpx.AsyncClient, standup, query: str) -> None:
    response = await gateway.get(f"{STANDUP}/{query}")
    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid")


async def test_a_cursor_that_cannot_be(gateway: httpx.AsyncClient) -> None:
    for cursor in ("m1", "x~m1", "-1~m1", "\u0661~m1"):
        assert (await gateway.get("/v1/meetings", params={"before": cursor})).status_code == 400

from dataclasses import replace

import httpx
import jsonschema
import orjson
import pytest
from scripted_meeting import MEETING, SCRIPT, SHARDS

from common.identity import Meeting
from common.results import TYPES, Keyword, Result, Sentiment, Transcript, to_json
from common.streams import keys
from common.streams.audio_log import AudioLog
from common.streams.client import Client

pytestmark = pytest.mark.integration


async def test_finals_come_in_order_with_words(gateway: httpx.AsyncClient, standup: list[Result]) -> None:
    body = (await gateway.get("/v1/meetings/standup/transcript.json")).json()
    assert [line["text"] for line in body["lines"]] == [text for _, _, text, _ in SCRIPT]
    assert [w["text"] for line in body["lines"] for w in line["words"]] == " ".join(
        s[2] for s in SCRIPT
    ).split()
    assert body["open"] == []
    assert body["ended"] is False


async def test_an_utterance_under_way_is_open(
    gateway: httpx.AsyncClient, publish, standup: list[Result]
) -> None:
    partial = next(r for r in standup if isinstance(r, Transcript) and r.status == "partial")
    await publish([partial])
    body = (await gateway.get("/v1/meetings/standup/transcript")).json()
    assert body["open"] == []  # its final is known already
    await publish([replace(partial, utterance="new")])
    body = (await gateway.get("/v1/meetings/standup/transcript")).json()
    assert [line["utterance"] for line in body["open"]] == ["new"]


@pytest.mark.parametrize(
    ("extension", "media_type", "start"),
    [
        ("vtt", "text/vtt", "WEBVTT\n\n00:00:00.800 -->"),
        ("srt", "application/x-subrip", "1\n00:00:00,800 -->"),
        ("txt", "text/plain", "[00:00:00] Ann Abel: Good morning"),
        ("md", "text/markdown", "# standup\n\n"),
    ],
)
async def test_files(
    gateway: httpx.AsyncClient, standup: list[Result], extension: str, media_type: str, start: str
) -> None:
    response = await gateway.get(f"/v1/meetings/standup/transcript.{extension}")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith(media_type)
    assert response.text.startswith(start)


async def test_keywords_and_mood(gateway: httpx.AsyncClient, standup: list[Result]) -> None:
    heard = (await gateway.get("/v1/meetings/standup/keywords")).json()["keywords"]
    assert sorted(k["id"] for k in heard) == sorted(r.id for r in standup if isinstance(r, Keyword))
    mood = (await gateway.get("/v1/meetings/standup/sentiment")).json()
    assert len(mood["sentiments"]) == sum(isinstance(r, Sentiment) for r in standup)
    assert {s["speaker"]["name"]: s["mood"]["polarity"] for s in mood["speakers"]} == {
        "Ann Abel": 0.07, "Bob Okoro": -0.56, "Mei Lin": 0.63,
    }  # fmt: skip


async def test_coverage_says_what_is_missing(
    gateway: httpx.AsyncClient, standup: list[Result], log: AudioLog
) -> None:
    counters = {"captured": 160_000, "gap": 16_000, "heard": 144_000, "speech": 80_000, "transcribed": 64_000}
    for counter, samples in counters.items():
        await log.tally(MEETING, f"{counter}_samples", samples)
    body = (await gateway.get("/v1/meetings/standup")).json()
    assert body["missing"] == {"gaps_ms": 1000, "unheard_ms": 1000, "untranscribed_ms": 1000}
    assert body["coverage"] == pytest.approx(1 - 3 / 11, abs=1e-4)
    assert body["captured_ms"] == 10_000


async def test_meetings_are_listed_the_one_heard_last_first(
    gateway: httpx.AsyncClient, log: AudioLog, redis: Client
) -> None:
    for name, heard_ms in (("old", 1000), ("new", 3000), ("middle", 2000)):
        meeting = Meeting("default", name)
        await log.start_meeting(meeting, 1000)
        await redis.zadd(keys.meetings(meeting.shard(SHARDS)), {f"default/{name}": heard_ms})
    await log.end_meeting(Meeting("default", "old"), 5000)
    found = (await gateway.get("/v1/meetings")).json()["meetings"]
    assert [(m["meeting"], m["ended_at_ms"]) for m in found] == [
        ("new", None),
        ("middle", None),
        ("old", 5000),
    ]
    assert len((await gateway.get("/v1/meetings?limit=1")).json()["meetings"]) == 1


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/meetings/unknown", 404, "unknown_meeting"),
        ("/v1/meetings/unknown/events", 404, "unknown_meeting"),
        ("/v1/meetings/a%20b", 400, "invalid"),
        ("/v1/meetings/" + "x" * 10_000, 400, "invalid"),
        ("/v1/meetings/standup/transcript.pdf", 400, "invalid"),
        ("/v1/meetings/standup/events?after=yesterday", 400, "invalid"),
        ("/v1/meetings/standup/events?after=99999999999999999999-0", 400, "invalid"),
        ("/v1/meetings/standup/events?types=transcripts", 400, "invalid"),
        ("/v1/meetings?limit=0", 400, "invalid"),
        ("/v1/schemas/nothing", 404, "not_found"),
        ("/nothing", 404, "not_found"),
        ("/v1/meetings/standup/bot", 404, "unknown_bot"),
        ("/page/nothing.js", 404, "not_found"),
        ("/page/../app.py", 404, "not_found"),
    ],
)
async def test_failures_have_one_shape(
    gateway: httpx.AsyncClient, standup, path: str, status: int, code: str
) -> None:
    response = await gateway.get(path)
    assert response.status_code == status
    error = response.json()["error"]
    assert error["code"] == code
    assert "\n" not in error["message"]
    assert error["message"]


async def test_a_wrong_method_is_told_the_right_ones(gateway: httpx.AsyncClient) -> None:
    response = await gateway.put("/v1/meetings/standup")
    assert (response.status_code, response.headers["allow"]) == (405, "GET")


async def test_what_is_stored_satisfies_the_served_schemas(
    gateway: httpx.AsyncClient, standup: list[Result]
) -> None:
    assert (await gateway.get("/v1/schemas")).json().keys() == TYPES.keys()
    for name in {result.type for result in standup}:
        schema = (await gateway.get(f"/v1/schemas/{name}")).json()
        validator = jsonschema.Draft202012Validator(schema)
        for result in standup:
            if result.type == name:
                validator.validate(orjson.loads(to_json(result)))


async def test_openapi_names_every_route(gateway: httpx.AsyncClient) -> None:
    paths = (await gateway.get("/openapi.json")).json()["paths"]
    rests = [
        "",
        "/transcript",
        "/transcript.{extension}",
        "/keywords",
        "/sentiment",
        "/highlights",
        "/report",
        "/report.{extension}",
        "/events",
    ]
    assert {f"/v1/meetings/{{meeting_id}}{rest}" for rest in rests} <= paths.keys()
    assert {"/v1/meetings", "/v1/schemas/{name}", "/healthz", "/readyz", "/metrics"} <= paths.keys()
    assert all("422" not in operation["responses"] for path in paths.values() for operation in path.values())


async def test_operators_see_readiness_and_figures(gateway: httpx.AsyncClient) -> None:
    assert (await gateway.get("/healthz")).json() == {"status": "ok"}
    assert (await gateway.get("/readyz")).json() == {"status": "ok"}
    assert "hubbub_gateway_readers 0.0" in (await gateway.get("/metrics")).text

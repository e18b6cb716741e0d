import asyncio
import io
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import numpy as np
import pytest
import soundfile
from headless_service import HeadlessService
from live_readers import read_events, take
from scripted_meeting import SHARDS
from starlette.responses import Response
from vendor import API_KEY, Vendor, account, said, vendor_api
from websockets.asyncio.client import ClientConnection, connect

from common.identity import Meeting, Speaker
from common.settings import IngestSettings, RedisSettings, Settings
from common.streams.audio_log import AudioLog
from ingest.app import serve as serve_ingest
from ingest.player.wires import encode_frame
from tests.kit import eventually
from tests.users import settings_as
from workers.gateway.bots import new_meeting_id

pytestmark = pytest.mark.integration

LINK = "https://meet.google.com/aaa-bbbb-ccc"


@asynccontextmanager
async def running_ingest(redis_settings: RedisSettings) -> AsyncIterator[str]:
    settings = Settings(
        shards=SHARDS, redis=settings_as(redis_settings, "ingest"), ingest=IngestSettings(port=0, grace_s=0.3)
    )
    service = HeadlessService(settings)
    serving = asyncio.create_task(serve_ingest(settings, service))
    try:
        yield await service.serving
    finally:
        service.stopping.set()
        await serving
        await service.redis.aclose()


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    async with vendor_api() as serving:
        yield serving


@pytest.fixture
async def desk(run_gateway, redis, vendor: Vendor) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway that may send bots."""
    async with run_gateway(meetstream=account(vendor, timeout_s=3)) as client:
        yield client


async def send(client: httpx.AsyncClient, key: str | None = None, **wanted: object) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return await client.post("/v1/meetings", json={"meeting_link": LINK, **wanted}, headers=headers)


async def handshake(url: str, bot_id: str) -> ClientConnection:
    socket = await connect(url, open_timeout=30)
    await socket.send(json.dumps({"type": "ready", "bot_id": bot_id, "message": "Ready to receive messages"}))
    return socket


async def test_a_bot_brings_its_audio_to_the_meeting_it_was_sent_to(
    run_gateway, redis, redis_settings, vendor: Vendor
) -> None:
    async with (
        running_ingest(redis_settings) as ingest_url,
        run_gateway(meetstream=account(vendor, ingest_url)) as client,
    ):
        sent = await send(client, meeting="weekly", bot_name="Notes")
        assert sent.status_code == 201
        assert sent.headers["location"] == "/v1/meetings/weekly"
        bot_id = sent.json()["bot_id"]
        order = vendor.bots[bot_id]
        assert (await client.get("/v1/meetings/weekly")).json()["state"] == "awaited"
        events = read_events(client, "/v1/meetings/weekly/events")
        first = asyncio.create_task(take(events, 1))

        audio = await handshake(order["live_audio_required"]["websocket_url"], bot_id)
        await audio.send(encode_frame(Speaker("p-7", "Zoë"), b"\1\0" * 48_000))
        assert [event.data["event"] for event in await first] == ["meeting_started"]
        await eventually("the meeting is live", lambda: is_state(client, "live"))

        control = await handshake(order["socket_connection_url"]["websocket_url"], bot_id)
        assert json.loads(await control.recv())["command"] == "ack"
        await eventually("the bot can speak", lambda: can_speak(client))
        said = await client.post(
            "/v1/meetings/weekly/say", content=recording(1.5), headers={"content-type": "audio/wav"}
        )
        assert said.status_code == 202
        heard = [json.loads(await asyncio.wait_for(control.recv(), 20)) for _ in range(2)]
        assert [message["command"] for message in heard] == ["sendaudio"] * 2
        pcm = b"".join(b64decode(message["audiochunk"]) for message in heard)
        assert len(pcm) == 2 * 72_000
        assert loudest_hz(pcm) == pytest.approx(440, abs=2)

        assert (await client.delete("/v1/meetings/weekly/bot")).status_code == 204
        assert vendor.bots == {}
        for socket in (audio, control):  # as the vendor does when its bot has left
            await socket.close()
        await eventually("the meeting has ended", lambda: is_state(client, "ended"))
        assert (await send(client, meeting="weekly")).status_code == 409


async def is_state(client: httpx.AsyncClient, state: str) -> object:
    found = (await client.get("/v1/meetings/weekly")).json()["state"]
    return found == state or found


async def can_speak(client: httpx.AsyncClient) -> object:
    return (await client.get("/v1/meetings/weekly/bot")).json()["can_speak"]


def recording(seconds: float, *, rate: int = 22_050, kind: str = "WAV", channels: int = 2) -> bytes:
    """A tone of 440 Hz."""
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)
    file = io.BytesIO()
    soundfile.write(file, np.stack([tone] * channels, axis=1), rate, format=kind)
    return file.getvalue()


def loudest_hz(pcm: bytes) -> float:
    samples = np.frombuffer(pcm, "<i2").astype(float)
    return float(np.argmax(np.abs(np.fft.rfft(samples)))) * 48_000 / len(samples)


async def test_the_order_is_what_the_vendor_documents(desk: httpx.AsyncClient, vendor: Vendor) -> None:
    sent = await send(desk, bot_message="Hello", join_at="2030-01-01T10:00:00+01:00")
    (order,) = vendor.bots.values()
    token = order["live_audio_required"]["websocket_url"].rpartition("/")[2]
    assert order == {
        "meeting_link": LINK,
        "bot_name": "Hubbub",
        "bot_message": "Hello",
        "join_at": "2030-01-01T10:00:00+01:00",
        "video_required": False,
        "live_audio_required": {"websocket_url": f"wss://ingest.example.org/v1/meetstream/audio/{token}"},
        "socket_connection_url": {"websocket_url": f"wss://ingest.example.org/v1/meetstream/control/{token}"},
        "recording_config": {"retention": {"type": "timed", "hours": 24}},
    }
    assert sent.json()["bot_name"] == "Hubbub"
    assert token not in sent.text


@pytest.mark.parametrize("field", ["id", "BotID"])
async def test_other_names_of_the_bots_id_are_understood(
    desk: httpx.AsyncClient, vendor: Vendor, field: str
) -> None:
    vendor.id_field = field
    assert (await send(desk)).json()["bot_id"] in vendor.bots


async def test_the_same_request_again_sends_no_second_bot(desk: httpx.AsyncClient, vendor: Vendor) -> None:
    first, second = await send(desk, "key-1"), await send(desk, "key-1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert first.json()["meeting"] == new_meeting_id("default", "key-1")
    assert len(vendor.bots) == 1
    other = await send(desk, "key-2", meeting=first.json()["meeting"])
    assert other.status_code == 409
    assert other.json()["error"]["code"] == "conflict"


async def test_an_answer_that_was_lost_is_asked_for_again(desk: httpx.AsyncClient, vendor: Vendor) -> None:
    """The vendor sent the bot, and its answer never came: within the request, and in one of later."""
    vendor.trouble.append(said(500, "oops"))
    assert (await send(desk, "key-1")).status_code == 201
    vendor.trouble.append("after")
    lost = await send(desk, "key-2")
    assert (lost.status_code, lost.json()["error"]["code"]) == (502, "vendor_unavailable")
    found = await send(desk, "key-2")
    assert found.status_code == 201
    assert len(vendor.bots) == 2
    assert found.json()["bot_id"] in vendor.bots


@pytest.mark.parametrize(
    ("trouble", "answered", "told"),
    [
        (said(400, "No such\nmeeting"), (400, "refused_by_vendor"), "No such meeting"),
        (said(401, "no key"), (502, "vendor_refused_key"), "HUBBUB_MEETSTREAM__API_KEY"),
        (said(409, "other meeting"), (400, "refused_by_vendor"), "other meeting"),
        (said(429, "slowly", retry_after="77"), (429, "vendor_busy"), "77 s"),
    ],
)
async def test_what_the_vendor_says_is_passed_on(
    desk: httpx.AsyncClient, vendor: Vendor, trouble: Response, answered: tuple[int, str], told: str
) -> None:
    vendor.trouble.append(trouble)
    answer = await send(desk, meeting="weekly")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == answered
    assert told in error["message"]
    assert answer.status_code != 429 or answer.headers["retry-after"] == "77"
    assert API_KEY not in answer.text
    assert (await desk.get("/v1/meetings/weekly/bot")).status_code == 404
    assert (await send(desk, meeting="weekly")).status_code == 201


async def test_a_vendor_that_is_busy_for_a_moment_is_asked_again(
    desk: httpx.AsyncClient, vendor: Vendor
) -> None:
    vendor.trouble.append(said(429, "slowly", retry_after="1"))
    assert (await send(desk)).status_code == 201
    assert vendor.asked == 2


async def test_a_vendor_that_hangs_is_waited_for_so_long(run_gateway, redis, vendor: Vendor) -> None:
    vendor.trouble.append("before")
    async with run_gateway(meetstream=account(vendor, timeout_s=0.3)) as client:
        assert (await send(client)).json()["error"]["code"] == "vendor_unavailable"


async def test_without_an_account_it_says_what_to_set(gateway: httpx.AsyncClient, redis) -> None:
    answer = await send(gateway)
    assert (answer.status_code, answer.json()["error"]["code"]) == (501, "not_configured")
    assert "HUBBUB_MEETSTREAM__API_KEY and HUBBUB_MEETSTREAM__INGEST_URL" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"meeting_link": "ftp://x"},
        {"meeting": "a b"},
        {"bot_name": ""},
        {"join_at": "2030-01-01T10:00:00"},
        {"nobody": 1},
    ],
)
async def test_a_wrong_order_is_not_passed_on(
    desk: httpx.AsyncClient, vendor: Vendor, wrong: dict[str, object]
) -> None:
    answer = await send(desk, **wrong)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")
    assert vendor.asked == 0


async def test_chat_reaches_the_meeting_once(desk: httpx.AsyncClient, vendor: Vendor) -> None:
    bot_id = (await send(desk, meeting="weekly")).json()["bot_id"]
    assert (await desk.post("/v1/meetings/weekly/say", json={"text": "Hello, all"})).status_code == 202
    vendor.trouble.append(said(500, "oops"))
    assert (await desk.post("/v1/meetings/weekly/say", json={"text": "Again"})).status_code == 502
    assert vendor.chat == [(bot_id, "Hello, all")]
    del vendor.bots[bot_id]
    gone = await desk.post("/v1/meetings/weekly/say", json={"text": "Hello?"})
    assert (gone.status_code, gone.json()["error"]["code"]) == (409, "bot_gone")


async def say_aloud(client: httpx.AsyncClient, body: bytes, kind: str = "audio/wav") -> httpx.Response:
    return await client.post("/v1/meetings/weekly/say", content=body, headers={"content-type": kind})


async def test_a_bot_that_is_not_in_the_meeting_cannot_speak(desk: httpx.AsyncClient) -> None:
    await send(desk, meeting="weekly")
    for answer in (await say_aloud(desk, recording(1)), await desk.delete("/v1/meetings/weekly/say")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "audio/wav", 400),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav", 400),
        (recording(0.1, channels=3), "audio/wav", 400),
        (recording(61, rate=8000, kind="FLAC"), "audio/flac", 400),
        (bytes(11 * 1024 * 1024), "audio/wav", 413),
        (b"hello", "text/plain", 415),
        (b'{"text": ""}', "application/json", 400),
        (b'{"text": "x"', "application/json", 400),
    ],
    ids=["nothing", "broken", "channels", "long", "large", "kind", "empty", "json"],
)
async def test_what_cannot_be_said_is_refused(
    desk: httpx.AsyncClient, vendor: Vendor, body: bytes, kind: str, status: int
) -> None:
    await send(desk, meeting="weekly")
    answer = await say_aloud(desk, body, kind)
    assert answer.status_code == status
    assert "\n" not in answer.json()["error"]["message"]
    assert vendor.chat == []


async def test_what_a_bot_does_is_the_vendors_word(desk: httpx.AsyncClient, vendor: Vendor) -> None:
    sent = (await send(desk, meeting="weekly")).json()
    assert (await desk.get("/v1/meetings/weekly/bot")).json() == sent | {"status": "InMeeting"}
    vendor.trouble.append(said(403, "no"))
    assert (await desk.get("/v1/meetings/weekly/bot")).json() == sent


async def test_a_bot_that_left_by_itself_can_be_called_back(desk: httpx.AsyncClient, vendor: Vendor) -> None:
    await send(desk, meeting="weekly")
    vendor.bots.clear()
    assert (await desk.delete("/v1/meetings/weekly/bot")).status_code == 204
    assert (await desk.delete("/v1/meetings/weekly/bot")).status_code == 404
    assert (await send(desk, meeting="weekly")).status_code == 201


async def test_no_bot_goes_to_a_meeting_that_has_ended(
    desk: httpx.AsyncClient, vendor: Vendor, log: AudioLog
) -> None:
    await log.start_meeting(Meeting("default", "weekly"), 1000)
    await log.end_meeting(Meeting("default", "weekly"), 2000)
    assert (await send(desk, meeting="weekly")).status_code == 409
    assert vendor.asked == 0

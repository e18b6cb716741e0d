"""Who may send audio, how many at once, how much of it, and until when."""

import asyncio
import json
from contextlib import AsyncExitStack, suppress

import httpx
import pytest
import websockets
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect

from common.identity import Meeting
from common.settings import AccessSettings, IngestSettings, TokenSettings
from common.streams.tokens import TokenStore
from common.tokens import Scope
from ingest.throttle import Throttle
from tests.ingest.kit import Ingest, serving

ACME, UMBRELLA, READER = "acme-0123456789abcdef", "umbrella-0123456789ab", "reader-0123456789abcd"
ACCESS = AccessSettings(
    tokens=(
        TokenSettings(tenant="acme", scopes=(Scope.INGEST,), token=SecretStr(ACME)),
        TokenSettings(tenant="umbrella", scopes=(Scope.INGEST,), token=SecretStr(UMBRELLA), max_meetings=1),
        TokenSettings(tenant="acme", scopes=(Scope.READ,), token=SecretStr(READER)),
    )
)
START = json.dumps({"type": "start", "sample_rate": 16_000})
READY = json.dumps({"type": "ready", "bot_id": "b-1", "message": "Ready to receive messages"})
PATH = "/v1/meetings/weekly/audio"
WAV = {"content-type": "audio/L16;rate=16000"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def refusals(wire: str, reason: str) -> float:
    labels = {"format": wire, "reason": reason}
    return REGISTRY.get_sample_value("hubbub_ingest_refusals_total", labels) or 0.0


async def denied(url: str, token: str = "") -> tuple[int, str]:
    """The answer instead of a socket."""
    headers = bearer(token) if token else {}
    with pytest.raises(websockets.InvalidStatus) as refused:
        await connect(url, additional_headers=headers)
    response = refused.value.response
    return response.status_code, json.loads(response.body or b"")["error"]["reason"]


async def closed(socket: ClientConnection) -> tuple[str, int]:
    """The reason in the error message, and the close code."""
    reason = ""
    async with asyncio.timeout(20):
        with suppress(websockets.ConnectionClosed):
            while True:
                reason = json.loads(await socket.recv()).get("reason", "")
    assert socket.close_code is not None
    return reason, socket.close_code


async def sending(ingest: Ingest, path: str, token: str, stack: AsyncExitStack) -> ClientConnection:
    """A connection whose meeting has begun."""
    socket = await stack.enter_async_context(connect(ingest.url + path, additional_headers=bearer(token)))
    await socket.send(START)
    await socket.send(bytes(3_200))
    return socket


@pytest.mark.parametrize(
    "path", [PATH, "/v1/meetstream/audio", "/b-1/v1/meetstream/audio", "/v1/meetstream/control"]
)
async def test_nobody_sends_without_a_token_for_it(path: str) -> None:
    async with serving(IngestSettings(port=0), ACCESS) as ingest:
        wire = {"audio": "meetstream", "control": "control"}.get(path.rsplit("/", 1)[-1], "")
        wire = "generic" if path == PATH else wire
        before = refusals(wire, "unauthorized")
        assert await denied(ingest.url + path) == (401, "unauthorized")
        assert await denied(ingest.url + path, "wrong") == (401, "unauthorized")
        assert await denied(ingest.url + path, READER) == (403, "forbidden")
        assert refusals(wire, "unauthorized") == before + 2


async def test_nobody_uploads_without_a_token_for_it() -> None:
    async with serving(IngestSettings(port=0), ACCESS) as ingest, httpx.AsyncClient() as client:
        for token, status in (("", 401), ("wrong", 401), (READER, 403), (ACME, 200)):
            headers = WAV | (bearer(token) if token else {})
            answer = await client.post(ingest.http_url + PATH, content=bytes(3_200), headers=headers)
            assert answer.status_code == status, answer.text
    assert set(ingest.sink.started) == {Meeting("acme", "weekly")}


async def test_the_tenant_follows_from_the_token() -> None:
    async with serving(IngestSettings(port=0), ACCESS) as ingest, AsyncExitStack() as stack:
        await sending(ingest, PATH, ACME, stack)
        await sending(ingest, PATH, UMBRELLA, stack)
        browser = await stack.enter_async_context(
            connect(f"{ingest.url}/v1/meetings/weekly2/audio?access_token={ACME}")
        )
        await browser.send(START)
        await browser.send(bytes(3_200))
        bot = await stack.enter_async_context(connect(f"{ingest.url}/v1/meetstream/audio/{ACME}"))
        await bot.send(READY)
        await bot.send(b"\1\0\0\0\0" + bytes(9_600))
        await ingest.until(lambda: len(ingest.sink.started) == 4, "all meetings have begun")
    names = {f"{meeting.tenant}/{meeting.id}" for meeting in ingest.sink.started}
    assert names == {"acme/weekly", "umbrella/weekly", "acme/weekly2", "acme/b-1"}


async def test_pages_of_other_sites_cannot_send_without_a_token() -> None:
    async with serving(IngestSettings(port=0)) as ingest:
        with pytest.raises(websockets.InvalidStatus, match="403"):
            await connect(ingest.url + PATH, origin=websockets.Origin("https://evil.example"))
        async with connect(ingest.url + PATH):
            pass


async def test_who_loses_the_token_is_put_out_and_others_stay() -> None:
    async with serving(IngestSettings(port=0)) as ingest, AsyncExitStack() as stack:
        store = TokenStore(ingest.redis)
        leaving, token = await store.create("acme", frozenset({Scope.INGEST}))
        staying, _ = await store.create("acme", frozenset({Scope.INGEST}))
        out = await sending(ingest, PATH, leaving, stack)
        stays = await sending(ingest, "/v1/meetings/other/audio", staying, stack)
        upload = asyncio.create_task(_endless_upload(ingest, leaving))
        await ingest.until(lambda: len(ingest.sink.started) == 3, "all have begun")
        await store.revoke(token.id)
        assert await closed(out) == ("unauthorized", 1008)
        await asyncio.wait_for(upload, 20)
        await stays.send('{"type":"end"}')
        assert await closed(stays) == ("", 1000)


async def _endless_upload(ingest: Ingest, token: str) -> None:
    """Until the server puts an end to it; whether its answer arrives before the end is chance."""

    async def body():
        while True:
            yield bytes(3_200)
            await asyncio.sleep(0.1)

    url = ingest.http_url + "/v1/meetings/third/audio"
    async with httpx.AsyncClient(timeout=30) as client:
        with suppress(httpx.TransportError):
            answer = await client.post(url, content=body(), headers=bearer(token) | WAV)
            assert answer.status_code == 401


async def test_a_tenant_has_so_many_meetings_at_once_and_others_are_not_hindered() -> None:
    settings = IngestSettings(port=0, grace_s=0.1, tenant_meetings=2)
    async with serving(settings, ACCESS) as ingest, AsyncExitStack() as stack:
        for number in range(2):
            await sending(ingest, f"/v1/meetings/m{number}/audio", ACME, stack)
        await sending(ingest, "/v1/meetings/m1/audio", ACME, stack)  # comes back, is no third
        third = await sending(ingest, "/v1/meetings/m2/audio", ACME, stack)
        assert await closed(third) == ("too_many", 1008)
        await sending(ingest, "/v1/meetings/m0/audio", UMBRELLA, stack)
        second = await sending(ingest, "/v1/meetings/m1/audio", UMBRELLA, stack)
        assert await closed(second) == ("too_many", 1008)  # its token says one
        await ingest.until(lambda: len(ingest.sink.started) == 3, "three have begun")


async def test_an_ended_meeting_makes_room_for_another() -> None:
    settings = IngestSettings(port=0, grace_s=0.1, tenant_meetings=1)
    async with serving(settings, ACCESS) as ingest, AsyncExitStack() as stack:
        first = await sending(ingest, "/v1/meetings/m0/audio", ACME, stack)
        await first.send('{"type":"end"}')
        assert await closed(first) == ("", 1000)
        for _ in range(200):
            socket = await sending(ingest, "/v1/meetings/m1/audio", ACME, stack)
            await socket.send('{"type":"end"}')
            if await closed(socket) == ("", 1000):
                return
            await asyncio.sleep(0.1)
        pytest.fail("the ended meeting still counts")


@pytest.mark.parametrize("limits", [{"max_connections": 2}, {"tenant_connections": 2}])
async def test_connections_are_bounded_and_a_closed_one_makes_room(limits: dict[str, int]) -> None:
    async with serving(IngestSettings(port=0, **limits), ACCESS) as ingest, AsyncExitStack() as stack:  # type: ignore[arg-type]
        await sending(ingest, "/v1/meetings/m0/audio", ACME, stack)
        second = await sending(ingest, "/v1/meetings/m1/audio", ACME, stack)
        assert await denied(ingest.url + PATH, ACME) == (429, "too_many")
        await second.close()
        for _ in range(200):
            try:
                await sending(ingest, PATH, ACME, stack)
                return
            except websockets.InvalidStatus:
                await asyncio.sleep(0.05)
        pytest.fail("the closed connection still counts")


async def test_a_meeting_has_so_many_tracks_whoever_sends_them() -> None:
    async with serving(IngestSettings(port=0, max_tracks=2), ACCESS) as ingest, AsyncExitStack() as stack:
        sockets = []
        for name in ("ann", "bob"):
            socket = await stack.enter_async_context(
                connect(ingest.url + PATH, additional_headers=bearer(ACME))
            )
            await socket.send(json.dumps({"type": "start", "sample_rate": 16_000, "speaker": {"id": name}}))
            await socket.send(bytes(3_200))
            sockets.append(socket)
        await ingest.until(lambda: len(ingest.sink.ends[Meeting("acme", "weekly")]) == 2, "both are heard")
        await sockets[0].send(json.dumps({"type": "audio", "speaker": {"id": "eve"}, "audio": "AAAAAAAA"}))
        assert await closed(sockets[0]) == ("too_many", 1008)


async def test_who_sends_too_fast_is_read_slower_and_loses_nothing() -> None:
    settings = IngestSettings(port=0, max_speed=4)
    async with serving(settings, ACCESS) as ingest, AsyncExitStack() as stack:
        socket = await sending(ingest, PATH, ACME, stack)
        for _ in range(220):
            await socket.send(bytes(3_200))
        await socket.send('{"type":"end"}')
        await ingest.until(lambda: ingest.sink.samples("weekly") > 0, "audio has come")
        assert await closed(socket) == ("", 1000)
        assert ingest.sink.samples("weekly") == 221 * 1_600
        assert "gap" not in {event for event, _ in ingest.sink.statuses("weekly")}
        held_back = REGISTRY.get_sample_value("hubbub_ingest_held_back_seconds_total", {"format": "generic"})
        assert held_back


@given(
    speed=st.floats(1, 100),
    messages=st.lists(st.tuples(st.floats(0, 2000), st.floats(0, 500)), max_size=200),
)
def test_over_any_stretch_no_more_is_read_than_the_limit_and_its_burst(
    speed: float, messages: list[tuple[float, float]]
) -> None:
    throttle = Throttle(speed, 50)
    now_ms, read_ms = 0.0, 0.0
    for audio_ms, pause_ms in messages:
        now_ms += pause_ms + throttle.take(audio_ms, now_ms + pause_ms)
        read_ms += audio_ms
        assert read_ms <= (now_ms + 5_000 + 1) * speed


def test_a_source_in_real_time_is_never_kept_waiting() -> None:
    throttle = Throttle(1, 50)
    assert not any(throttle.take(20, 20.0 * number) for number in range(10_000))


ROUTES = {
    "WEBSOCKET /v1/meetings/{meeting_id:path}/audio": "/v1/meetings/weekly/audio",
    "POST /v1/meetings/{meeting_id:path}/audio": "/v1/meetings/weekly/audio",
    "WEBSOCKET /v1/meetstream/audio": "/v1/meetstream/audio",
    "WEBSOCKET /v1/meetstream/audio/{token}": f"/v1/meetstream/audio/{ACME}",
    "WEBSOCKET /{bot_id}/v1/meetstream/audio": "/b-1/v1/meetstream/audio",
    "WEBSOCKET /{bot_id}/v1/meetstream/audio/{token}": f"/b-1/v1/meetstream/audio/{ACME}",
    "WEBSOCKET /v1/meetstream/control": "/v1/meetstream/control",
    "WEBSOCKET /v1/meetstream/control/{token}": f"/v1/meetstream/control/{ACME}",
    "WEBSOCKET /{bot_id}/v1/meetstream/control": "/b-1/v1/meetstream/control",
    "WEBSOCKET /{bot_id}/v1/meetstream/control/{token}": f"/b-1/v1/meetstream/control/{ACME}",
}
"""Every way for audio to come in, as a stranger would use it on the meetings `weekly` and `b-1`."""


async def test_by_no_route_does_audio_come_into_anothers_meeting() -> None:
    """A new route fails this until it has a line in ROUTES."""
    async with serving(IngestSettings(port=0), ACCESS) as ingest, AsyncExitStack() as stack:
        assert ingest.routes == ROUTES.keys()
        await sending(ingest, "/v1/meetings/weekly/audio", UMBRELLA, stack)
        await ingest.until(lambda: ingest.sink.samples("weekly") > 0, "the victim's meeting has begun")
        victims = Meeting("umbrella", "weekly")
        before = dict(ingest.sink.ends[victims])
        for line, path in ROUTES.items():
            await _intrude(ingest, line.split(" ")[0], path)
        assert dict(ingest.sink.ends[victims]) == before
        assert {meeting.tenant for meeting in ingest.sink.started if meeting != victims} == {"acme"}


async def _intrude(ingest: Ingest, method: str, path: str) -> None:
    if method == "POST":
        async with httpx.AsyncClient() as client:
            url = ingest.http_url + path
            answer = await client.post(url, content=bytes(3_200), headers=bearer(ACME) | WAV)
            assert answer.status_code in {200, 409}
        return
    async with connect(ingest.url + path, additional_headers=bearer(ACME)) as socket:
        is_own = "meetstream" not in path
        await socket.send(START if is_own else READY)
        await socket.send(bytes(3_200) if is_own else b"\1\0\0\0\0" + bytes(9_600))
        await asyncio.sleep(0)

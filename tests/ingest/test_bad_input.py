"""Whatever is wrong closes that connection with a reason, is counted, and harms nothing else."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import quote

import pytest
from prometheus_client import REGISTRY
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.ingest.kit import Ingest

START = json.dumps({"type": "start", "sample_rate": 16_000})
READY = json.dumps({"type": "ready", "bot_id": "bot-1"})
GENERIC = "/v1/meetings/bad/audio"
MEETSTREAM = "/v1/meetstream/audio"
AUDIO = b64encode(bytes(3_200)).decode()


async def outcome(socket: ClientConnection) -> tuple[dict[str, str], int]:
    """The error that was sent, and the code that closed the connection."""
    error: dict[str, str] = {}
    async with asyncio.timeout(5):
        with suppress(ConnectionClosed):
            async for message in socket:
                error = json.loads(message)
    assert socket.close_code is not None
    return error, socket.close_code


def count(wire: str, reason: str) -> float:
    labels = {"format": wire, "reason": reason}
    return REGISTRY.get_sample_value("hubbub_ingest_refusals_total", labels) or 0


@pytest.fixture
async def bystander(ingest: Ingest) -> AsyncIterator[None]:
    """A meeting that goes on through whatever the others do."""
    async with connect(f"{ingest.url}/v1/meetings/good/audio") as socket:
        await socket.send(START)
        await socket.send(bytes(3_200))
        yield
        await socket.send(bytes(3_200))
        await socket.send('{"type":"end"}')
        assert (await outcome(socket))[1] == 1000
    assert ingest.sink.samples("good") == 3_200


@pytest.mark.usefixtures("bystander")
@pytest.mark.parametrize(
    ("path", "messages", "reason", "code"),
    [
        (GENERIC, ["{not json"], "json", 1007),
        (GENERIC, ["[]"], "json", 1007),
        (GENERIC, [START, bytes(321)], "odd_bytes", 1007),
        (GENERIC, [START, "text where PCM belongs"], "json", 1007),
        (GENERIC, [START, '{"type":"video"}'], "message_type", 1002),
        (GENERIC, ['{"type":"start","sample_rate":0}'], "format", 1008),
        (GENERIC, [START, START], "unexpected", 1002),
        (GENERIC, [bytes(320)], "unexpected", 1002),
        (GENERIC, [START, json.dumps({"type": "audio", "audio": AUDIO[:-3]})], "json", 1007),
        (GENERIC, [START, json.dumps({"type": "audio", "audio": AUDIO, "seq": "1"})], "json", 1007),
        ("/v1/meetings/" + "m" * 5_000 + "/audio", [START], "name", 1008),
        ("/v1/meetings/" + quote("two words") + "/audio", [START], "name", 1008),
        ("/v1/meetings/a/b/c/audio", [START], "name", 1008),
        ("/v1/meetings/" + quote("../x", safe="") + "/audio", [START], "name", 1008),
        (GENERIC, [], "too_slow", 1008),
        (MEETSTREAM, [bytes(5)], "unexpected", 1002),
        (MEETSTREAM, [b"\x01\x00\x00\x00\x00"], "unexpected", 1002),
        (MEETSTREAM, ['{"type":"ready","bot_id":"two words"}'], "name", 1008),
        (MEETSTREAM, ['{"type":"ready"}'], "name", 1008),
        (MEETSTREAM, [READY, bytes.fromhex("01 ff ff 70")], "frame", 1007),
        (MEETSTREAM, [READY, b""], "frame", 1007),
        (MEETSTREAM, [READY, json.dumps({"type": "ready", "bot_id": "other"})], "unexpected", 1002),
        ("/bot-2" + MEETSTREAM, [READY], "name", 1008),
        ("/v1/meetstream/control", ["hello"], "json", 1007),
    ],
)
async def test_bad_message_closes_its_connection(
    ingest: Ingest, path: str, messages: list[str | bytes], reason: str, code: int
) -> None:
    wire = "control" if "control" in path else "meetstream" if "meetstream" in path else "generic"
    before = count(wire, reason)
    async with connect(ingest.url + path) as socket:
        for message in messages:
            await socket.send(message)
        error, closed_with = await outcome(socket)
    assert (error["type"], error["reason"], closed_with) == ("error", reason, code)
    assert error["message"]
    assert count(wire, reason) == before + 1


@pytest.mark.usefixtures("bystander")
async def test_address_of_10_kb_is_no_handshake(ingest: Ingest) -> None:
    before = count("handshake", "frame")
    host, port = ingest.url.removeprefix("ws://").split(":")
    reader, writer = await asyncio.open_connection(host, port)
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
    writer.write(f"GET /v1/meetings/{'m' * 10_000}/audio HTTP/1.1\r\n{upgrade}".encode())
    answer = await asyncio.wait_for(reader.read(), 5)  # to its end: the server closes
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"8192" in answer
    assert count("handshake", "frame") == before + 1
    writer.close()


@pytest.mark.usefixtures("bystander")
@pytest.mark.parametrize("first", [[], [START]])
async def test_huge_message_is_not_read_to_its_end(ingest: Ingest, first: list[str]) -> None:
    before = count("generic", "too_large")
    async with connect(ingest.url + GENERIC, max_size=None, compression=None) as socket:
        for message in first:
            await socket.send(message)
        with suppress(ConnectionClosed):
            await socket.send(bytes(100_000_000))
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 5)
        assert socket.close_code in {1009, 1006}  # 1006: reset before our close frame was read
    await ingest.until(lambda: count("generic", "too_large") == before + 1, "the refusal is counted")


@pytest.mark.usefixtures("bystander")
async def test_message_of_a_mebibyte_is_taken(ingest: Ingest) -> None:
    audio = b64encode(bytes(1_048_576)).decode()
    async with connect(ingest.url + GENERIC) as socket:
        await socket.send(START)
        await socket.send(json.dumps({"type": "audio", "seq": 1, "audio": audio}))
        assert json.loads(await socket.recv()) == {"type": "ack", "seq": 1}
    assert ingest.sink.samples("bad") == 524_288


@pytest.mark.usefixtures("bystander")
async def test_audio_after_end_is_refused_or_never_read(ingest: Ingest) -> None:
    """The server may have closed before it reads what follows the end."""
    async with connect(ingest.url + GENERIC) as socket:
        await socket.send(START)
        await socket.send(bytes(3_200))
        await socket.send('{"type":"end"}')
        await socket.send(bytes(3_200))
        assert (await outcome(socket))[1] in {1000, 1002}
    assert ingest.sink.samples("bad") == 1_600


@pytest.mark.usefixtures("bystander")
async def test_meeting_that_has_ended_says_so(ingest: Ingest) -> None:
    for attempt in range(2):
        async with connect(ingest.url + GENERIC) as socket:
            await socket.send(START)
            await socket.send(bytes(3_200))
            await socket.send('{"type":"end"}')
            error, code = await outcome(socket)
        assert (error.get("reason"), code) == ((None, 1000), ("ended", 1008))[attempt]
        await ingest.until(lambda: ingest.sink.ended, "the meeting ends")


async def test_speakers_beyond_the_bound_close_the_connection(ingest: Ingest) -> None:
    async with connect(ingest.url + GENERIC) as socket:
        await socket.send(START)
        for number in range(201):
            speaker = {"id": str(number)}
            await socket.send(json.dumps({"type": "audio", "audio": "AAA=", "speaker": speaker}))
        error, code = await outcome(socket)
    assert (error["reason"], code) == ("too_many", 1008)

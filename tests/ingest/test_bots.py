"""Bots that Hubbub sent dial in: their audio is their meeting's, and they say what they are told."""

import asyncio
import json
from base64 import b64decode

import pytest
from websockets.asyncio.client import ClientConnection, connect

from common.identity import Meeting, Speaker
from common.streams.bots import Bot
from common.streams.commands import SPEECH_RATE, Silence, Speech
from ingest.player.wires import encode_frame
from tests.ingest.kit import Ingest
from tests.kit import eventually

WEEKLY = Meeting("acme", "weekly")
SECOND = 2 * SPEECH_RATE


def ready(bot_id: str) -> str:
    return json.dumps({"type": "ready", "bot_id": bot_id, "message": "Ready to receive messages"})


def pcm(number: int) -> bytes:
    """A piece of speech too short to wait for."""
    return number.to_bytes(2, "little") * 480


async def sent_bot(ingest: Ingest, meeting: Meeting = WEEKLY, *, bot_id: str = "b-1") -> str:
    """The token in the addresses of a bot."""
    bot = await ingest.bots.claim(Bot(meeting=meeting, id="", name="Notes", request="r-1", asked_at_ms=1))
    token = await ingest.bots.new_token(bot)
    await ingest.bots.name(meeting, bot_id)
    return token


async def message(socket: ClientConnection) -> dict[str, object]:
    found: dict[str, object] = json.loads(await asyncio.wait_for(socket.recv(), 10))
    return found


@pytest.mark.parametrize("prefix", ["", "/b-1"])
async def test_the_audio_of_a_bot_is_its_meetings(ingest: Ingest, prefix: str) -> None:
    token = await sent_bot(ingest)
    async with connect(f"{ingest.url}{prefix}/v1/meetstream/audio/{token}") as socket:
        await socket.send(ready("b-1"))
        await socket.send(encode_frame(Speaker("p-7", "Zoë"), b"\1\0" * 48_000))
    await ingest.until(lambda: WEEKLY in ingest.sink.started, "the meeting has begun")
    assert set(ingest.sink.started) == {WEEKLY}


async def test_a_bot_that_dials_before_its_id_is_known_is_let_in(ingest: Ingest) -> None:
    token = await sent_bot(ingest, bot_id="")
    async with connect(f"{ingest.url}/v1/meetstream/control/{token}") as socket:
        await socket.send(ready("b-1"))
        assert (await message(socket))["command"] == "ack"


async def refusal(url: str, bot_id: str) -> tuple[object, int | None]:
    async with connect(url) as socket:
        await socket.send(ready(bot_id))
        reason = (await message(socket))["reason"]
        await socket.wait_closed()
        return reason, socket.close_code


@pytest.mark.parametrize("path", ["audio", "control"])
async def test_an_address_is_good_for_its_bot_alone(ingest: Ingest, path: str) -> None:
    token = await sent_bot(ingest)
    name, _, secret = token.partition(".")
    url = f"{ingest.url}/v1/meetstream/{path}/"
    assert await refusal(url + token, "b-2") == ("unauthorized", 1008)
    for forged in (f"{name}.{secret[:-1]}", f"{name}.", f".{secret}", f"{name[:-2]}.{secret}", "a.b", "ä.b"):
        assert await refusal(url + forged, "b-1") == ("unauthorized", 1008)
    await ingest.bots.forget(WEEKLY)
    assert await refusal(url + token, "b-1") == ("unauthorized", 1008)


async def test_a_bot_says_what_it_is_told_in_order(ingest: Ingest) -> None:
    token = await sent_bot(ingest)
    other = await sent_bot(ingest, Meeting("acme", "other"), bot_id="b-2")
    url = f"{ingest.url}/v1/meetstream/control/"
    async with connect(url + token) as socket, connect(url + other) as elsewhere:
        for connection, bot_id in ((socket, "b-1"), (elsewhere, "b-2")):
            await connection.send(ready(bot_id))
            assert (await message(connection))["command"] == "ack"

        async def controlled() -> bool:
            return await ingest.bots.is_controlled(WEEKLY)

        await eventually("the socket is known to be held", controlled)
        await ingest.commands.send(WEEKLY, [Speech(pcm(1)), Speech(pcm(2))])
        await ingest.commands.send(Meeting("acme", "other"), [Speech(pcm(3))])
        said = [await message(socket), await message(socket)]
        assert [b64decode(str(m["audiochunk"])) for m in said] == [pcm(1), pcm(2)]
        assert said[0] | {"audiochunk": ""} == {
            "command": "sendaudio",
            "bot_id": "b-1",
            "audiochunk": "",
            "sample_rate": 48_000,
            "encoding": "pcm16",
            "channels": 1,
            "endianness": "little",
        }
        assert b64decode(str((await message(elsewhere))["audiochunk"])) == pcm(3)


async def test_an_interruption_takes_back_what_was_not_said(ingest: Ingest) -> None:
    token = await sent_bot(ingest)
    async with connect(f"{ingest.url}/v1/meetstream/control/{token}") as socket:
        await socket.send(ready("b-1"))
        await message(socket)
        await ingest.commands.send(WEEKLY, [Speech(b"\1\0" * SECOND), *[Speech(b"\2\0" * SECOND)] * 50])
        assert (await message(socket))["command"] == "sendaudio"
        await ingest.commands.send(WEEKLY, [Silence(), Speech(pcm(7))])
        rest = []
        while not rest or "audiochunk" in rest[-1]:
            rest.append(await message(socket))
        assert rest[-1] == {"command": "interrupt", "bot_id": "b-1", "action": "clear_audio_queue"}
        assert len(rest) < 50
        assert b64decode(str((await message(socket))["audiochunk"])) == pcm(7)

"""Audio over real sockets: acknowledgements, reconnections, ends, MeetStream's two sockets."""

import asyncio
import json
from base64 import b64encode
from contextlib import suppress

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from common.identity import Speaker
from ingest.player.wires import encode_frame
from tests.ingest.kit import Ingest

NOISE = np.random.default_rng(3).integers(-9_000, 9_000, 160_000).astype("<i2").tobytes()
START = json.dumps({"type": "start", "sample_rate": 16_000})
END = '{"type":"end"}'


def piece(number: int) -> bytes:
    """100 ms."""
    return NOISE[3_200 * number : 3_200 * (number + 1)]


def numbered(seq: int, **rest: object) -> str:
    return json.dumps({"type": "audio", "seq": seq, "audio": b64encode(piece(seq)).decode(), **rest})


async def answer(socket: ClientConnection) -> dict[str, object]:
    received: dict[str, object] = json.loads(await asyncio.wait_for(socket.recv(), 5))
    return received


async def closed_with(socket: ClientConnection) -> int | None:
    async with asyncio.timeout(5):
        with suppress(ConnectionClosed):
            async for _ in socket:
                pass
    return socket.close_code


def drop(socket: ClientConnection) -> None:
    """Without a good-bye."""
    socket.transport.abort()


async def test_binary_audio_arrives_whole_and_ends(ingest: Ingest) -> None:
    async with connect(ingest.url + "/v1/meetings/m/audio") as socket:
        await socket.send(START)
        for number in range(20):
            await socket.send(piece(number))
        await socket.send(END)
        assert await closed_with(socket) == 1000
    assert ingest.sink.pcm("m", "mixed") == NOISE[:64_000]
    last = ingest.sink.track("m", "mixed")[-1]
    assert (last.end, last.pause) == (32_000, "end")
    assert ingest.sink.statuses("m") == [("speaker_joined", "mixed"), ("speaker_left", "mixed")]
    await ingest.until(lambda: ingest.sink.ended, "the meeting ends after its grace")


async def test_ack_follows_the_write(ingest: Ingest) -> None:
    async with connect(ingest.url + "/v1/meetings/m/audio") as socket:
        await socket.send(START)
        for seq in range(1, 6):
            await socket.send(numbered(seq))
            assert await answer(socket) == {"type": "ack", "seq": seq}
            assert ingest.sink.samples("m") == 1_600 * seq


async def test_client_resumes_where_it_was_acknowledged(ingest: Ingest) -> None:
    """It sends two messages again that had been written before the connection broke."""
    url = ingest.url + "/v1/meetings/m/audio"
    socket = await connect(url)
    await socket.send(START)
    for seq in range(4):
        await socket.send(numbered(seq))
        await answer(socket)
    drop(socket)
    async with connect(url) as again:
        await again.send(START)
        for seq in range(2, 8):
            await again.send(numbered(seq))
            assert await answer(again) == {"type": "ack", "seq": seq}
        await again.send(END)
        assert await closed_with(again) == 1000
    assert ingest.sink.pcm("m", "mixed") == NOISE[: 8 * 3_200]
    offsets = [c.offset for c in ingest.sink.track("m", "mixed")]
    assert offsets == [1_600 * n for n in range(9)]


async def test_numbers_that_jump_leave_a_gap(ingest: Ingest) -> None:
    async with connect(ingest.url + "/v1/meetings/m/audio") as socket:
        await socket.send(START)
        for seq in (1, 2, 5):
            await socket.send(numbered(seq))
            await answer(socket)
    await ingest.until(lambda: ("gap", "mixed") in ingest.sink.statuses("m"), "a gap is published")
    assert ingest.sink.counters["m", "gap_samples"] == 3_200
    assert ingest.sink.track("m", "mixed")[-1].offset >= 6_400


async def test_lost_connection_ends_its_tracks_after_the_grace(ingest: Ingest) -> None:
    socket = await connect(ingest.url + "/v1/meetings/m/audio")
    await socket.send(START)
    await socket.send(piece(0))
    await ingest.until(lambda: ingest.sink.chunks, "the audio is written")
    drop(socket)
    await asyncio.sleep(0.1)
    assert ("speaker_left", "mixed") not in ingest.sink.statuses("m")
    await ingest.until(lambda: ("speaker_left", "mixed") in ingest.sink.statuses("m"), "the speaker leaves")
    assert ingest.sink.track("m", "mixed")[-1].pause == "end"
    await ingest.until(lambda: ingest.sink.ended, "the meeting ends")


async def test_new_connection_takes_over_from_a_dead_one(ingest: Ingest) -> None:
    """At 48 kHz, so that the resampler holds some of the old connection's audio back."""
    url = ingest.url + "/v1/meetings/m/audio"
    start = json.dumps({"type": "start", "sample_rate": 48_000})
    async with connect(url) as old, connect(url) as new:
        await old.send(start)
        await old.send(NOISE[:96_000])
        await ingest.until(lambda: ingest.sink.chunks, "the audio is written")
        await new.send(start)
        assert (await answer(old))["reason"] == "superseded"
        assert await closed_with(old) == 1008
        await new.send(NOISE[:96_000])
        await new.send(END)
        assert await closed_with(new) == 1000
    assert ingest.sink.samples("m") == 32_000
    assert [c.pause for c in ingest.sink.track("m", "mixed")].count("end") == 1


async def test_speakers_of_a_meeting_have_connections_of_their_own(ingest: Ingest) -> None:
    async with (
        connect(ingest.url + "/v1/meetings/m/audio") as ann,
        connect(ingest.url + "/v1/meetings/m/audio") as bo,
    ):
        for socket, name in ((ann, "ann"), (bo, "bo")):
            await socket.send(json.dumps({"type": "start", "sample_rate": 16_000, "speaker": {"id": name}}))
            await socket.send(piece(0))
            await socket.send(END)
            assert await closed_with(socket) == 1000
    assert ingest.sink.pcm("m", "ann") == ingest.sink.pcm("m", "bo") == piece(0)
    assert len(ingest.sink.started) == 1


async def test_refused_live_audio_is_a_gap_that_its_sender_hears_of(ingest: Ingest) -> None:
    async with connect(ingest.url + "/v1/meetings/m/audio") as socket:
        await socket.send(START)
        await socket.send(piece(0))
        await ingest.until(lambda: ingest.sink.chunks, "the audio is written")
        ingest.sink.full.add("m")
        told = asyncio.create_task(answer(socket))
        while not told.done():
            await socket.send(piece(1))
            await asyncio.sleep(0.02)
        ingest.sink.full.clear()
        assert (await told)["type"] == "gap"
    await ingest.until(lambda: ("gap", "mixed") in ingest.sink.statuses("m"), "a gap is published")
    assert ingest.sink.counters["m", "gap_samples"] > 0


async def test_numbered_audio_waits_for_redis_and_loses_nothing(ingest: Ingest) -> None:
    async with connect(ingest.url + "/v1/meetings/m/audio") as socket:
        await socket.send(START)
        await socket.send(numbered(0))
        await answer(socket)
        ingest.sink.full.add("m")
        await socket.send(numbered(1))
        waiting = asyncio.create_task(answer(socket))
        await asyncio.sleep(0.3)  # longer than the patience with live audio
        assert not waiting.done()
        ingest.sink.full.clear()
        assert await waiting == {"type": "ack", "seq": 1}
    assert ingest.sink.pcm("m", "mixed") == NOISE[:6_400]
    assert ("gap", "mixed") not in ingest.sink.statuses("m")


async def test_meetstream_dials_in_with_and_without_the_bot_in_its_path(ingest: Ingest) -> None:
    for bot, path in (("b-1", "/v1/meetstream/audio"), ("b-2", "/b-2/v1/meetstream/audio")):
        async with connect(ingest.url + path) as socket:
            await socket.send(
                json.dumps({"type": "ready", "bot_id": bot, "message": "Ready to receive messages"})
            )
            await socket.send(encode_frame(Speaker("a", "Zoë"), NOISE[: 4_800 * 2]))
            await socket.send(b"\x07 of a type to come")
            await socket.send(encode_frame(Speaker("b", "Bo"), NOISE[: 9_600 * 2]))
        await ingest.until(
            lambda bot=bot: len(ingest.sink.statuses(bot)) == 4, "both speakers joined and left"
        )
        assert ingest.sink.track(bot, "a")[0].track.speaker.name == "Zoë"
        assert sum(len(c.pcm) // 2 for c in ingest.sink.track(bot, "a")) == 1_600
        assert ingest.sink.track(bot, "b")[0].offset == 1_600
        assert ingest.sink.track(bot, "b")[-1].end == 4_800


async def test_meetstream_bot_that_reconnects_goes_on(ingest: Ingest) -> None:
    for _ in range(2):
        socket = await connect(ingest.url + "/v1/meetstream/audio")
        await socket.send(json.dumps({"type": "ready", "bot_id": "b"}))
        await socket.send(encode_frame(Speaker("a", "a"), NOISE[: 2_400 * 2]))
        await asyncio.sleep(0.06)  # longer than the 50 ms of audio in the next frame
        drop(socket)
    await ingest.until(lambda: ("speaker_left", "a") in ingest.sink.statuses("b"), "the speaker leaves")
    assert [event for event, _ in ingest.sink.statuses("b")] == ["speaker_joined", "gap", "speaker_left"]
    assert ingest.sink.samples("b") == 1_600
    assert [c.pause for c in ingest.sink.track("b", "a")].count("end") == 1


async def test_control_socket_is_acknowledged(ingest: Ingest) -> None:
    async with connect(ingest.url + "/b-1/v1/meetstream/control") as socket:
        await socket.send(json.dumps({"type": "ready", "bot_id": "b-1"}))
        assert await answer(socket) == {"command": "ack", "bot_id": "b-1", "message": "control channel bound"}
        await socket.send(json.dumps({"command": "usermsg", "bot_id": "b-1", "message": "hello"}))

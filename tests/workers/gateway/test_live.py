import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace

import httpx
import pytest
import websockets
from live_readers import parse_event, read_events, read_socket, take
from scripted_meeting import MEETING, SHARDS, meeting_results

from common.identity import Meeting
from common.results import Keyword, Result, Transcript
from common.streams.audio_log import AudioLog
from workers.gateway.position import place

pytestmark = pytest.mark.integration

EVENTS, LIVE = "/v1/meetings/standup/events", "/v1/meetings/standup/live"
TRANSPORTS = pytest.mark.parametrize(
    ("read", "path"), [(read_events, EVENTS), (read_socket, LIVE)], ids=["sse", "websocket"]
)


def numbered(count: int, *, size: int = 1) -> list[Result]:
    (final, *_) = [r for r in meeting_results() if isinstance(r, Transcript) and r.status == "final"]
    return [replace(final, id=f"r{n}", utterance=f"r{n}", text="x" * size) for n in range(count)]


def neighbour() -> Meeting:
    """Another meeting on the same shard."""
    others = (Meeting("default", f"m{n}") for n in range(99))
    return next(meeting for meeting in others if meeting.shard(SHARDS) == MEETING.shard(SHARDS))


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    for _ in range(500):
        if await condition():
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"never {what}")


async def readers(client: httpx.AsyncClient) -> int:
    figures = (await client.get("/metrics")).text
    return int(float(re.search(r"^hubbub_gateway_readers (.+)$", figures, re.MULTILINE)[1]))


@TRANSPORTS
async def test_a_reader_gets_the_past_and_then_the_present(gateway, publish, standup, read, path) -> None:
    async with aclosing(read(gateway, path)) as events:
        past = await take(events, len(standup) + 1)  # with the announcement of the meeting
        await publish(numbered(3))
        present = await take(events, 3)
    assert [e.data["id"] for e in past[1:]] == [r.id for r in standup]
    assert [e.data["id"] for e in present] == ["r0", "r1", "r2"]
    assert [e.type for e in past[1:]] == [r.type for r in standup]


@TRANSPORTS
async def test_resuming_misses_nothing_and_repeats_nothing(gateway, publish, standup, read, path) -> None:
    await publish([])
    publishing = asyncio.create_task(publish(numbered(400)))
    seen, after = [], "0"
    wanted = [*(r.id for r in standup), *(f"r{n}" for n in range(400))]
    steps = 0
    while len(seen) < len(wanted) + 1:
        steps += 1
        async with aclosing(read(gateway, path, after)) as events:
            taken = await take(events, min(1 + 13 * steps % 37, len(wanted) + 1 - len(seen)))
        seen += [event.data["id"] for event in taken]
        after = taken[-1].id
    await publishing
    assert seen[1:] == wanted
    assert steps > 10


@TRANSPORTS
async def test_only_what_is_new_on_request(gateway, publish, standup, read, path) -> None:
    await asyncio.sleep(0)
    async with aclosing(read(gateway, path + "?after=$" if read is read_events else path, "$")) as events:
        reading = asyncio.create_task(take(events, 1))
        await until(lambda: admitted(gateway), "admitted")
        await publish(numbered(1))
        assert [event.data["id"] for event in await reading] == ["r0"]


async def admitted(client: httpx.AsyncClient) -> bool:
    return await readers(client) == 1


async def test_only_the_types_asked_for_while_the_place_moves_on(gateway, standup) -> None:
    wanted = [r.id for r in standup if isinstance(r, Keyword)]
    async with aclosing(read_events(gateway, EVENTS + "?types=keyword,highlight")) as events:
        found = await take(events, len(wanted) + 1)
        place = (await anext(events)).id
    assert sorted(event.data["id"] for event in found) == sorted([*wanted, "u3/highlight"])
    async with aclosing(read_events(gateway, EVENTS, place)) as events:
        assert (await anext(events)).type == ""


async def test_a_reader_sees_its_meeting_only(gateway, publish, standup) -> None:
    other = next(
        Meeting("default", f"m{n}")
        for n in range(99)
        if Meeting("default", f"m{n}").shard(4) == MEETING.shard(4)
    )
    await publish([replace(result, meeting=other.id) for result in numbered(5)])
    async with aclosing(read_events(gateway, EVENTS)) as events:
        await take(events, len(standup) + 1)
        await publish([replace(numbered(1)[0], meeting=other.id), *numbered(2)])
        assert {event.data["meeting"] for event in await take(events, 2)} == {"standup"}


async def test_a_quiet_stream_says_that_it_lives(run_gateway, publish, standup) -> None:
    async with run_gateway(heartbeat_s=0.05) as client, aclosing(read_socket(client, LIVE)) as events:
        last = (await take(events, len(standup) + 1))[-1]
        beats = [await anext(events), await anext(events)]
        assert [(beat.type, beat.id) for beat in beats] == [("heartbeat", last.id)] * 2


async def test_a_quiet_meetings_reader_need_not_read_again_what_others_said(
    run_gateway, publish, standup
) -> None:
    others = [replace(result, meeting=neighbour().id) for result in numbered(3)]
    async with run_gateway(heartbeat_s=0.05) as client, aclosing(read_socket(client, LIVE)) as events:
        last = (await take(events, len(standup) + 1))[-1]
        await publish(others)
        async with asyncio.timeout(10):
            while (beat := await anext(events)).id == last.id:
                assert beat.type == "heartbeat"
        assert place(beat.id) > place(last.id)


async def test_a_slow_reader_is_told_and_resumes(run_gateway, publish) -> None:
    results = numbered(120, size=200_000)
    await publish(results[:1])
    async with run_gateway(reader_buffer=5) as client:
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect((client.base_url.host, client.base_url.port))
            slow.sendall(f"GET {EVENTS} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            await until(lambda: admitted(client), "admitted")
            await publish(results[1:])
            slow.settimeout(10)
            text = await asyncio.to_thread(read_to_end, slow)
        *events, notice = [parse_event(block) for block in text.split("\n\n") if "data: " in block]
        assert notice.type == "overflow"
        assert "go on from the last id" in notice.data["reason"]
        got = [event.data["id"] for event in events[1:]]
        assert got == [r.id for r in results[: len(got)]]
        assert len(got) < len(results)
        async with aclosing(read_events(client, EVENTS, events[-1].id)) as more:
            rest = await take(more, len(results) - len(got))
        assert got + [event.data["id"] for event in rest] == [r.id for r in results]


def read_to_end(connection: socket.socket) -> str:
    """The body of a chunked response, chunk sizes left out."""
    raw = b"".join(iter(lambda: connection.recv(1 << 20), b""))
    return re.sub(r"\r\n[0-9a-f]+\r\n", "", raw.partition(b"\r\n\r\n")[2].decode())


async def test_a_reader_that_takes_nothing_is_cut(run_gateway, publish) -> None:
    await publish(numbered(60, size=200_000))
    async with run_gateway(stalled_reader_s=1) as client:
        with socket.socket() as stalled:
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stalled.connect((client.base_url.host, client.base_url.port))
            stalled.sendall(f"GET {EVENTS} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            await until(lambda: admitted(client), "admitted")

            async def gone() -> bool:
                return await readers(client) == 0

            await until(gone, "cut")


@TRANSPORTS
async def test_readers_are_told_when_the_gateway_goes(run_gateway, standup, read, path) -> None:
    async with run_gateway() as client:
        events = read(client, path)
        await take(events, 1)
        waiting = asyncio.create_task(take(events, len(standup) + 1))
        await until(lambda: admitted(client), "admitted")
    assert (await waiting)[-1].type == "closing"


async def test_too_many_readers_are_refused(run_gateway, standup) -> None:
    async with run_gateway(max_readers=1) as client, aclosing(read_events(client, EVENTS)) as events:
        await take(events, 1)
        refused = await client.get(EVENTS)
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "too_many_readers"
        with pytest.raises(websockets.InvalidStatus, match="503"):
            await take(read_socket(client, LIVE), 1)


async def test_a_lost_connection_to_redis_loses_no_result(gateway, publish, standup, log: AudioLog) -> None:
    async with aclosing(read_events(gateway, EVENTS)) as events:
        await take(events, len(standup) + 1)
        await publish(numbered(2))
        await log._redis.client_kill_filter(_type="normal", skipme=True)
        await publish([replace(r, id=f"after-{r.id}") for r in numbered(2)])
        found = [event.data["id"] for event in await take(events, 4)]
    assert found == ["r0", "r1", "after-r0", "after-r1"]

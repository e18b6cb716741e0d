"""The stage loop on a real server: exactly once, whoever dies."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from common.clock import unix_ms
from common.messages import SpeechChunk, unpack
from common.stage import Acknowledge, Append, Entry, EntryFailed, Position, Step, Stream
from common.streams import keys
from common.streams.audio_log import AudioLog
from common.streams.client import Client
from common.streams.dead_letters import list_dead, retry_dead
from common.streams.deployment import join_deployment
from tests.kit import MEETING, READ_COUNT, SHARDS, TRACK, PairingStage, chunk, eventually, working

pytestmark = pytest.mark.integration
SHARD = MEETING.shard(SHARDS)
SPEECH = keys.stream(SHARD, Stream.SPEECH)
AUDIO = keys.stream(SHARD, Stream.AUDIO)


@pytest.fixture
async def audio(redis: Client) -> AudioLog:
    await join_deployment(redis, SHARDS)
    log = AudioLog(redis, SHARDS, backlog_limit=10_000)
    await log.start_meeting(MEETING, 1_000)
    return log


async def pieces(redis: Client) -> list[tuple[int, int]]:
    found = []
    for _, fields in await redis.xrange(SPEECH):
        speech = unpack(fields[b"m"])
        assert isinstance(speech, SpeechChunk)
        found.append((speech.offset // 1600, speech.end // 1600))
    return found


def pairs(count: int) -> list[tuple[int, int]]:
    return [(i, i + 2) for i in range(0, count, 2)]


async def expect(redis: Client, count: int) -> None:
    async def holds() -> object:
        found = await pieces(redis)
        return found == pairs(count) or found

    await eventually(f"{count} chunks paired once, in order", holds)


async def test_outputs_are_complete_and_in_order(redis: Client, audio: AudioLog) -> None:
    async with working(redis, PairingStage(), "first"):
        await audio.append([chunk(i) for i in range(200)])
        await expect(redis, 200)


async def test_acknowledged_entries_are_trimmed_and_pending_ones_kept(redis: Client, audio: AudioLog) -> None:
    async with working(redis, PairingStage(), "first"):
        await audio.append([chunk(i) for i in range(41)])

        async def only_the_odd_one() -> object:
            length = await redis.xlen(AUDIO)
            return length == 1 or length

        await eventually("one entry left", only_the_odd_one)


async def test_a_crashed_members_shards_go_on_where_it_stopped(redis: Client, audio: AudioLog) -> None:
    async with working(redis, PairingStage(), "first") as first:
        await audio.append([chunk(i) for i in range(51)])
        await expect(redis, 50)
        await first.crash()
        async with working(redis, PairingStage(), "second"):
            await audio.append([chunk(i) for i in range(51, 100)])
            await expect(redis, 100)


async def test_a_member_that_crashed_between_process_and_commit_doubles_nothing(
    redis: Client, audio: AudioLog
) -> None:
    processed, frozen = asyncio.Event(), threading.Event()

    class Freezing(PairingStage):
        def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
            step = super().process(entries, now_ms)
            if step.effects:
                loop.call_soon_threadsafe(processed.set)
                frozen.wait()
            return step

    loop = asyncio.get_running_loop()
    async with working(redis, Freezing(), "first") as first:
        await audio.append([chunk(i) for i in range(10)])
        await processed.wait()
        crash = asyncio.create_task(first.crash())
        for _ in range(10):
            await asyncio.sleep(0)  # until the cancellation has arrived
        frozen.set()
        await crash
        assert await pieces(redis) == []
    async with working(redis, PairingStage(), "second"):
        await expect(redis, 10)


@dataclass
class HoardingStage(PairingStage):
    """Puts out nothing until it has so many chunks, and then all of them as one."""

    enough: int = 0
    hoard: list[Entry] = field(default_factory=list)

    def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
        self.hoard += entries
        if len(self.hoard) < self.enough:
            return Step()
        numbers = [entry.message.offset // 1600 for entry in self.hoard]  # type: ignore[union-attr]  # audio
        assert numbers == list(range(self.enough))
        speech = SpeechChunk(TRACK, "u", 0, 0, self.enough * 1600, 2_000, bytes(3200 * self.enough))
        return Step(
            [
                Append(SHARD, Stream.SPEECH, speech, Position(TRACK.key, speech.end)),
                *(Acknowledge(entry.id) for entry in self.hoard),
            ]
        )


@pytest.mark.parametrize("pending", [READ_COUNT - 1, READ_COUNT, READ_COUNT + 1, 2 * READ_COUNT])
async def test_all_that_was_pending_is_read_again_however_many_reads_it_takes(
    redis: Client, audio: AudioLog, pending: int
) -> None:
    async with working(redis, HoardingStage(enough=pending + 1), "first") as first:
        await audio.append([chunk(i) for i in range(pending)])

        async def held() -> object:
            found = await redis.xpending(AUDIO, "vad")
            return found["pending"] == pending or found

        await eventually("all of it pending", held)
        await first.crash()
    async with working(redis, HoardingStage(enough=pending + 1), "second"):
        await audio.append([chunk(pending)])

        async def put_out() -> object:
            found = await pieces(redis)
            return found == [(0, pending + 1)] or found

        await eventually("all of it in one piece", put_out)


@pytest.mark.parametrize("new", [1, READ_COUNT - 1])
async def test_a_successor_sees_at_once_what_was_pending_and_what_came_meanwhile(
    redis: Client, audio: AudioLog, new: int
) -> None:
    """Where a call of the stage takes long, one over what was pending would keep the rest waiting."""
    async with working(redis, PairingStage(), "first") as first:
        await audio.append([chunk(0)])

        async def held() -> object:
            found = await redis.xpending(AUDIO, "vad")
            return found["pending"] == 1 or found

        await eventually("one pending", held)
        await first.crash()
    await audio.append([chunk(i) for i in range(1, 1 + new)])
    calls: list[int] = []

    class Counting(PairingStage):
        def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
            calls.append(len(entries))
            return super().process(entries, now_ms)

    async with working(redis, Counting(), "second"):
        await expect(redis, 1 + new)
    assert next(filter(None, calls)) == 1 + new


async def test_a_drained_member_hands_over_at_once(redis: Client, audio: AudioLog) -> None:
    async with working(redis, PairingStage(), "first", lease_ms=60_000) as first:
        await audio.append([chunk(i) for i in range(31)])
        await expect(redis, 30)
        await first.drain()
        async with working(redis, PairingStage(), "second", lease_ms=60_000):
            await audio.append([chunk(31)])
            await expect(redis, 32)


async def test_members_share_the_shards_and_a_newcomer_gets_some(redis: Client, audio: AudioLog) -> None:
    async with working(redis, PairingStage(), "first") as first:
        await eventually("all shards owned", lambda: _owns(first, {SHARDS}))
        async with working(redis, PairingStage(), "second") as second:
            await eventually("half given up", lambda: _owns(first, {SHARDS // 2}))
            await eventually("half taken", lambda: _owns(second, {SHARDS // 2}))


async def test_an_owner_that_was_replaced_lets_go_and_its_late_commit_is_lost(
    redis: Client, audio: AudioLog
) -> None:
    stage = PairingStage()
    async with working(redis, stage, "first", lease_ms=60_000) as first:
        await eventually("all shards owned", lambda: _owns(first, {SHARDS}))
        await audio.append([chunk(0)])
        await eventually("the chunk read", lambda: _holds(stage))
        until_ms = unix_ms() + 50_000
        await redis.hset(keys.lease(SHARD, "vad"), mapping={"owner": "thief", "until_ms": until_ms})
        await redis.hincrby(keys.lease(SHARD, "vad"), "token", 1)
        await audio.append([chunk(1)])
        await eventually("the shard given up", lambda: _owns(first, {SHARDS - 1}))
        assert await pieces(redis) == []
        assert stage.waiting == {}


async def test_an_entry_that_fails_thrice_is_put_aside_and_the_shard_goes_on(
    redis: Client, audio: AudioLog
) -> None:
    class Choking(PairingStage):
        def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
            if any(entry.message.offset == 4 * 1600 for entry in entries):  # type: ignore[union-attr]  # audio
                raise ValueError("indigestible")
            return super().process(entries, now_ms)

    async with working(redis, Choking(), "first"):
        await audio.append([chunk(i) for i in range(9)])

        async def all_but_one() -> object:
            found = await pieces(redis)
            return found == [(0, 2), (2, 4), (5, 7), (7, 9)] or found

        await eventually("the others paired", all_but_one)
    (letter,) = await list_dead(redis, SHARDS)
    assert (letter.stage, letter.stream) == ("vad", "audio")
    await retry_dead(redis, letter)
    assert await list_dead(redis, SHARDS) == []
    assert await redis.xlen(AUDIO) >= 1


async def test_a_failure_that_shows_late_is_laid_to_the_entry_named(redis: Client, audio: AudioLog) -> None:
    class Late(PairingStage):
        def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
            for entry_id, held in self.waiting.values():
                if held.offset == 4 * 1600:
                    raise EntryFailed(entry_id, "indigestible")
            return super().process(entries, now_ms)

    async with working(redis, Late(), "first"):
        await audio.append([chunk(i) for i in range(4)])
        await expect(redis, 4)
        await audio.append([chunk(4)])

        async def put_aside() -> object:
            return [letter.error for letter in await list_dead(redis, SHARDS)] == ["made the stage fail"]

        await eventually("put aside", put_aside)
        await audio.append([chunk(i) for i in range(5, 9)])

        async def the_rest() -> object:
            found = await pieces(redis)
            return found == [(0, 2), (2, 4), (5, 7), (7, 9)] or found

        await eventually("the rest paired", the_rest)


async def test_an_unreadable_entry_is_put_aside_at_once(redis: Client, audio: AudioLog) -> None:
    async with working(redis, PairingStage(), "first"):
        await redis.xadd(AUDIO, {"m": b"not a message"})
        await audio.append([chunk(0), chunk(1)])
        await expect(redis, 2)
        (letter,) = await list_dead(redis, SHARDS)
        assert "unreadable" in letter.error


async def test_reading_stops_while_the_stream_behind_is_full(redis: Client, audio: AudioLog) -> None:
    async with working(redis, PairingStage(), "first", backlog_limit=5):
        await audio.append([chunk(i) for i in range(20)])
        await expect(redis, 20)
        await asyncio.sleep(1.2)
        await audio.append([chunk(i) for i in range(20, 24)])
        await asyncio.sleep(0.5)
        assert await pieces(redis) == pairs(20)
        for pool in ("asr", "keyword", "sentiment"):
            await redis.xgroup_setid(SPEECH, pool, "$")
        await redis.xtrim(SPEECH, minid="9999999999999-0")
        await eventually("reading goes on", lambda: _length(redis, 2))


async def _length(redis: Client, wanted: int) -> object:
    length = await redis.xlen(SPEECH)
    return length == wanted or length


async def _owns(worker: object, counts: set[int]) -> object:
    owned = len(worker.loop.ownership.owned)  # type: ignore[attr-defined]  # tests.kit.Worker
    return owned in counts or owned


async def _holds(stage: PairingStage) -> object:
    return bool(stage.waiting)


async def test_a_stage_that_is_stuck_shows_in_when_the_loop_last_turned(
    redis: Client, audio: AudioLog
) -> None:
    stuck, go_on = threading.Event(), threading.Event()

    class Stuck(PairingStage):
        def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
            if entries:
                stuck.set()
                go_on.wait()
            return super().process(entries, now_ms)

    async with working(redis, Stuck(), "first") as first:
        await audio.append([chunk(0)])
        await asyncio.to_thread(stuck.wait)
        turned_at = first.loop.turned_at
        await asyncio.sleep(0.3)
        assert first.loop.turned_at == turned_at
        go_on.set()

        async def turns() -> object:
            return first.loop.turned_at > turned_at

        await eventually("the loop turns again", turns)

"""The stream that is read on request, on a real server: put aside, asked for, given up."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from prometheus_client import REGISTRY

from common import metrics
from common.identity import Meeting, Speaker, Track
from common.messages import Window
from common.shelves import ShelfBounds
from common.stage import Acknowledge, Append, Entry, Position, Step, Stream
from common.streams import keys
from common.streams.client import Client
from common.streams.codec import encode
from common.streams.deployment import join_deployment
from common.streams.overview import read_overview
from tests.kit import MEETING, SHARDS, eventually, working

pytestmark = pytest.mark.integration
SHARD = MEETING.shard(SHARDS)
OTHER = next(m for n in range(100) if (m := Meeting("default", f"other-{n}")).shard(SHARDS) != SHARD)
UTTERANCE_BYTES = 80_000


@dataclass
class PatientStage:
    """Puts every short window aside, takes as many back as it has room for, and is done when told."""

    name: str = "emitter"
    inputs: tuple[Stream, ...] = (Stream.WINDOWS, Stream.DEFERRED)
    room: int = 0
    calls: int = 0
    finishes: bool = True
    recalled: list[Entry] = field(default_factory=list)
    takings: list[Counter[int]] = field(default_factory=list)

    def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
        self.calls += 1
        effects: list[Append | Acknowledge] = []
        recalled = [entry for entry in entries if entry.id.stream is Stream.DEFERRED]
        self.recalled += recalled
        if recalled:
            self.takings.append(Counter(entry.id.shard for entry in recalled))
        for entry in entries:
            assert isinstance(entry.message, Window)
            if entry.id.stream is Stream.WINDOWS:
                at = Position(entry.message.utterance, entry.message.end)
                effects.append(Append(entry.id.shard, Stream.DEFERRED, entry.message, at))
            if self.finishes or entry.id.stream is Stream.WINDOWS:
                effects.append(Acknowledge(entry.id))
        return Step(effects, recall=self.room)

    def release(self, shard: int) -> None:
        self.recalled = [entry for entry in self.recalled if entry.id.shard != shard]

    def utterances(self) -> Counter[str]:
        return Counter(e.message.utterance for e in self.recalled if isinstance(e.message, Window))


@pytest.fixture(autouse=True)
async def deployment(redis: Client) -> None:
    await join_deployment(redis, SHARDS)


def window(number: int, meeting: Meeting = MEETING) -> Window:
    track = Track(meeting, "ann", Speaker("ann", "Ann"))
    payload = bytes(UTTERANCE_BYTES)
    name = f"{meeting.id}-{number}"
    return Window(track, name, 0, 0, 1600, 1600, 1_000, "log_mel_f16", payload, due="final")


async def speak(redis: Client, numbers: Sequence[int], meeting: Meeting = MEETING) -> None:
    for number in numbers:
        key = keys.stream(meeting.shard(SHARDS), Stream.WINDOWS)
        flat = encode(window(number, meeting))
        await redis.xadd(key, dict(zip(flat[::2], flat[1::2], strict=True)))


def names(numbers: Sequence[int], meeting: Meeting = MEETING) -> Counter[str]:
    return Counter(f"{meeting.id}-{number}" for number in numbers)


async def put_aside(redis: Client, count: int, meeting: Meeting = MEETING) -> None:
    async def holds() -> object:
        length = await redis.xlen(keys.stream(meeting.shard(SHARDS), Stream.DEFERRED))
        return length == count or length

    await eventually(f"{count} utterances put aside", holds)


async def recalled(stage: PatientStage, wanted: Counter[str]) -> None:
    async def holds() -> object:
        return stage.utterances() == wanted or stage.utterances()

    await eventually("utterances recalled", holds)


async def seen(stage: PatientStage, count: int) -> None:
    """Until the loop knows of so many entries put aside, and has gone on for some cycles since."""
    metrics.PUT_ASIDE.clear()

    async def known() -> object:
        value = REGISTRY.get_sample_value("hubbub_stage_put_aside_entries", {"stage": stage.name})
        return value == count or value

    await eventually(f"{count} entries seen", known)
    calls = stage.calls

    async def called() -> object:
        return stage.calls >= calls + 3

    await eventually("some cycles", called)


async def test_what_is_put_aside_comes_only_when_asked_for_and_then_once(redis: Client) -> None:
    stage = PatientStage()
    async with working(redis, stage, "first"):
        await speak(redis, range(5))
        await put_aside(redis, 5)
        await seen(stage, 5)
        assert stage.recalled == []
        stage.room = 2
        await recalled(stage, names(range(5)))
        assert [taking.total() for taking in stage.takings] == [2, 2, 1]
        assert not any(entry.unasked for entry in stage.recalled)
        await put_aside(redis, 0)


async def test_room_is_shared_by_the_shards_that_have_something(redis: Client) -> None:
    stage = PatientStage()
    async with working(redis, stage, "first"):
        await speak(redis, range(4))
        await speak(redis, range(4), OTHER)
        await put_aside(redis, 4)
        await put_aside(redis, 4, OTHER)
        await seen(stage, 8)
        stage.room = 4
        await recalled(stage, names(range(4)) + names(range(4), OTHER))
        assert stage.takings == [{SHARD: 2, OTHER.shard(SHARDS): 2}] * 2


async def test_a_calm_stage_that_asks_is_still_woken_by_what_is_new(redis: Client) -> None:
    stage = PatientStage(room=3)
    async with working(redis, stage, "first"):
        await speak(redis, range(3))
        await recalled(stage, names(range(3)))


async def test_what_a_crashed_member_had_asked_for_comes_again_unasked_for(redis: Client) -> None:
    stage = PatientStage(room=2, finishes=False)
    async with working(redis, stage, "first") as first:
        await speak(redis, range(2))
        await recalled(stage, names(range(2)))
        await first.crash()
    heir = PatientStage()
    async with working(redis, heir, "second"):
        await speak(redis, [2])
        await put_aside(redis, 1)
        await recalled(heir, names(range(2)))
        assert not any(entry.unasked for entry in heir.recalled)


async def test_the_oldest_beyond_the_bytes_are_read_unasked_for(redis: Client) -> None:
    stage = PatientStage()
    bounds = ShelfBounds(max_bytes=5 * UTTERANCE_BYTES, max_age_ms=3_600_000)
    async with working(redis, stage, "first", shelf_bounds=bounds):
        await speak(redis, range(24))

        async def few_are_left() -> object:
            length = await redis.xlen(keys.stream(SHARD, Stream.DEFERRED))
            return (length in (3, 4, 5) and len(stage.recalled) == 24 - length) or length

        await eventually("the rest given up", few_are_left)
        left = await redis.xlen(keys.stream(SHARD, Stream.DEFERRED))
        await seen(stage, left)
        assert stage.utterances() == names(range(24 - left))
        assert all(entry.unasked for entry in stage.recalled)


async def test_what_lies_there_too_long_is_read_unasked_for(redis: Client) -> None:
    stage = PatientStage()
    bounds = ShelfBounds(max_bytes=2**30, max_age_ms=1_500)
    async with working(redis, stage, "first", shelf_bounds=bounds):
        await speak(redis, range(3))
        await recalled(stage, names(range(3)))
        assert all(entry.unasked for entry in stage.recalled)
        await put_aside(redis, 0)


async def test_much_that_is_put_aside_does_not_stall_the_stage(redis: Client) -> None:
    stage = PatientStage()
    async with working(redis, stage, "first", backlog_limit=2):
        await speak(redis, range(6))
        await put_aside(redis, 6)
        await seen(stage, 6)
        await speak(redis, range(6, 8))
        await put_aside(redis, 8)


async def test_what_is_put_aside_is_told_apart_from_a_backlog(redis: Client) -> None:
    async with working(redis, PatientStage(), "first"):
        await speak(redis, range(3))
        await put_aside(redis, 3)
    groups = (await read_overview(redis)).groups
    lags = {g.stream: g.lag for g in groups if g.pool == "emitter" and g.shard == SHARD}
    assert lags == {Stream.WINDOWS: 0, Stream.DEFERRED: 3}

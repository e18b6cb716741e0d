"""Micro-batches, and what happens when Redis takes no more."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from common.identity import Meeting, Speaker, Track
from common.messages import AudioChunk
from common.results import Status
from common.streams.audio_log import Mark
from ingest.notices import Joined
from ingest.refusals import Reason, Refused
from ingest.writer import Lane, Writer
from tests.ingest.kit import MemorySink


def track(meeting: str, name: str = "a") -> Track:
    return Track(Meeting("default", meeting), name, Speaker(name, name))


def chunks(meeting: str, count: int, *, start: int = 0) -> list[AudioChunk]:
    return [AudioChunk(track(meeting), 1600 * n, n, bytes(3200)) for n in range(start, start + count)]


@dataclass
class Bench:
    """A writer with a clock that tests turn."""

    sink: MemorySink
    now_ms: int = 1_000
    failing: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.writer = Writer(self, lambda: self.now_ms)
        self.record, self.start_meeting = self.sink.record, self.sink.start_meeting
        self.end_meeting, self.tally = self.sink.end_meeting, self.sink.tally

    async def append(self, items: Sequence[AudioChunk | Mark]) -> None:
        if self.failing:
            raise self.failing.pop()
        await self.sink.append(items)

    async def publish(self, result: Status) -> None:
        await self.sink.publish(result)

    async def lane(self, meeting: str, patience_ms: int | None = None) -> Lane:
        await self.sink.start_meeting(Meeting("default", meeting), 0)
        return Lane(self.writer, patience_ms)

    async def turns(self, count: int = 20) -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    async def pass_ms(self, ms: int) -> None:
        """The clock moves; the writer, which sleeps by the real one, is woken."""
        self.now_ms += ms
        self.writer.wake()
        await self.turns()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench(MemorySink())
    running = asyncio.create_task(bench.writer.run())
    yield bench
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_came_during_an_append_goes_in_the_next_one(bench: Bench) -> None:
    lanes = [await bench.lane(f"m{n}") for n in range(50)]
    for number, lane in enumerate(lanes):
        await lane.put(chunks(f"m{number}", 3))
    await asyncio.gather(*(lane.written() for lane in lanes))
    assert len(bench.sink.chunks) == 150
    assert bench.sink.appends == 1


async def test_order_within_a_source_is_kept(bench: Bench) -> None:
    lane = await bench.lane("m")
    for number in range(100):
        await lane.put(chunks("m", 2, start=2 * number))
    await lane.written()
    assert [c.offset for c in bench.sink.chunks] == [1600 * n for n in range(200)]


async def test_source_ahead_of_redis_waits(bench: Bench) -> None:
    bench.sink.full.add("m")
    lane = await bench.lane("m")
    waiting = asyncio.create_task(lane.put(chunks("m", 64)))
    await bench.turns()
    assert not waiting.done()
    bench.sink.full.clear()
    await bench.pass_ms(1_000)
    await waiting
    assert len(bench.sink.chunks) == 64


async def test_full_stream_of_one_meeting_holds_up_no_other(bench: Bench) -> None:
    bench.sink.full.add("stuck")
    stuck, free = await bench.lane("stuck"), await bench.lane("free")
    await stuck.put(chunks("stuck", 2))
    await free.put(chunks("free", 2))
    await free.written()
    assert len(bench.sink.track("free", "a")) == 2
    await free.put(chunks("free", 2, start=2))
    await free.written()
    assert len(bench.sink.track("free", "a")) == 4


async def test_redis_that_refuses_is_not_asked_again_at_once(bench: Bench) -> None:
    bench.sink.full.add("m")
    lane = await bench.lane("m")
    await lane.put(chunks("m", 1))
    await bench.turns()
    asked = bench.sink.appends
    for _ in range(10):
        await bench.pass_ms(1)
    assert bench.sink.appends == asked


async def test_live_audio_that_cannot_be_kept_becomes_one_gap(bench: Bench) -> None:
    bench.sink.full.add("m")
    lane = await bench.lane("m", patience_ms=500)
    end = AudioChunk(track("m"), 1600 * 5, 5, b"", "end")
    await lane.put([*chunks("m", 3), Joined(track("m"), 0)])
    await bench.pass_ms(600)
    await lane.put([*chunks("m", 2, start=3), end])
    await bench.pass_ms(600)
    bench.sink.full.clear()
    await bench.pass_ms(600)
    await lane.written()
    assert bench.sink.chunks == [end]
    gaps = [r for r in bench.sink.results if isinstance(r, Status) and r.event == "gap"]
    assert [(g.start_ms, g.end_ms) for g in gaps] == [(0, 500)]
    assert "full" in gaps[0].reason
    assert bench.sink.counters["m", "gap_samples"] == 8_000
    assert bench.sink.statuses("m")[0] == ("speaker_joined", "a")
    assert sum(gap.end - gap.start for gap in lane.dropped) == 8_000


async def test_every_stretch_that_cannot_be_kept_is_told_and_counted(bench: Bench) -> None:
    bench.sink.full.add("m")
    lane = await bench.lane("m", patience_ms=500)
    await lane.put([*chunks("m", 2), *chunks("m", 3, start=4)])
    await bench.pass_ms(1)
    await bench.turns()
    await bench.pass_ms(600)
    await bench.turns()
    bench.sink.full.clear()
    await bench.pass_ms(600)
    await lane.written()
    gaps = [r for r in bench.sink.results if isinstance(r, Status) and r.event == "gap"]
    assert sorted((g.start_ms, g.end_ms) for g in gaps) == [(0, 200), (400, 700)]
    assert bench.sink.counters["m", "gap_samples"] == 8_000
    assert sum(gap.end - gap.start for gap in lane.dropped) == 8_000


async def test_short_trouble_loses_nothing(bench: Bench) -> None:
    bench.failing = [RedisConnectionError(), RedisConnectionError()]
    lane = await bench.lane("m", patience_ms=500)
    await lane.put(chunks("m", 3))
    await bench.pass_ms(100)
    await bench.pass_ms(100)
    await lane.written()
    assert len(bench.sink.chunks) == 3
    assert not lane.dropped


async def test_patience_begins_anew_after_each_success(bench: Bench) -> None:
    lane = await bench.lane("m", patience_ms=500)
    for number in range(4):
        bench.sink.full.add("m")
        await lane.put(chunks("m", 1, start=number))
        await bench.pass_ms(300)
        bench.sink.full.clear()
        await bench.pass_ms(60)
    assert len(bench.sink.chunks) == 4
    assert not lane.dropped


async def test_patient_source_loses_nothing_however_long_it_takes(bench: Bench) -> None:
    bench.sink.full.add("m")
    lane = await bench.lane("m")
    await lane.put(chunks("m", 3))
    for _ in range(5):
        await bench.pass_ms(100_000)
    bench.sink.full.clear()
    await bench.pass_ms(100)
    await lane.written()
    assert len(bench.sink.chunks) == 3


async def test_meeting_that_has_ended_takes_no_more(bench: Bench) -> None:
    lane = await bench.lane("m")
    other = await bench.lane("other")
    await bench.sink.end_meeting(Meeting("default", "m"), 0)
    await other.put(chunks("other", 1))
    lane.add(chunks("m", 1))
    with pytest.raises(Refused) as refused:
        await lane.written()
    assert refused.value.reason is Reason.ENDED
    await other.written()
    assert len(bench.sink.chunks) == 1


async def test_drain_waits_for_all_and_not_for_ever(bench: Bench) -> None:
    good, bad = await bench.lane("good"), await bench.lane("bad")
    bench.sink.full.add("bad")
    await good.put(chunks("good", 5))
    await bad.put(chunks("bad", 5))
    await bench.writer.drained(0.05)
    assert bench.sink.samples("good") == 8_000

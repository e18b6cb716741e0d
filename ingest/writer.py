"""Micro-batched appends: whatever is there when the append before has returned, and a moment later."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

import structlog

from common.errors import Backlogged, HubbubError
from common.messages import AudioChunk
from common.pace import Pace
from common.streams.audio_log import Mark
from common.streams.client import PASSING, check_cancelled
from ingest import metrics
from ingest.notices import Gap, Notice, to_status
from ingest.refusals import Reason, Refused
from ingest.sink import AudioSink

log = structlog.get_logger()

Item = AudioChunk | Mark | Notice

_FULL = 64
_BATCH = 512
_RETRY_MS = 50
_REST_S = 0.01
_MAX_TOLD = 100


class Lane:
    """What one source has sent and Redis has not taken yet, in order.

    A source that can be kept waiting has `patience_ms` None and loses nothing. From a live one
    audio is dropped after that time, and a Gap takes its place.
    """

    def __init__(self, writer: "Writer", patience_ms: int | None) -> None:
        self.patience_ms = patience_ms
        self.dropped: deque[Gap] = deque(maxlen=_MAX_TOLD)
        self._writer = writer
        self._items: deque[Item] = deque()
        self._moved = asyncio.Event()
        self._refused_since_ms: int | None = None
        self._retry_at_ms = 0
        self._broken: Refused | None = None

    async def put(self, items: Iterable[Item]) -> None:
        """Add items, then wait until there is room for more. Raises Refused when the meeting has ended."""
        self.add(items)
        await self._wait_below(_FULL)

    def add(self, items: Iterable[Item]) -> None:
        """Add items now: the last ones of a source."""
        self._items.extend(items)
        if self._items:
            self._writer.schedule(self)

    async def written(self) -> None:
        """Until all that was put is in Redis or given up. Raises Refused when the meeting has ended."""
        await self._wait_below(1)

    def due_in_ms(self, now_ms: int) -> int:
        """How long to leave it alone after Redis refused."""
        return max(0, self._retry_at_ms - now_ms)

    def head(self, count: int) -> list[Item]:
        """The oldest items; they stay until `took`."""
        return [self._items[i] for i in range(min(count, len(self._items)))]

    def took(self, count: int) -> bool:
        """Redis has the oldest `count`; says whether there are more."""
        for _ in range(count):
            self._items.popleft()
        self._refused_since_ms = None
        self._moved.set()
        return bool(self._items)

    def refuse(self, why: str, now_ms: int) -> None:
        """Redis does not take it now."""
        if self._refused_since_ms is None:
            self._refused_since_ms = now_ms
        self._retry_at_ms = now_ms + _RETRY_MS
        if self.patience_ms is not None and now_ms - self._refused_since_ms >= self.patience_ms:
            self._drop_audio(why)

    def break_off(self, error: HubbubError) -> None:
        """Redis will never take it."""
        self._broken = Refused(Reason.ENDED, str(error))
        self._items.clear()
        self._moved.set()

    def _drop_audio(self, why: str) -> None:
        kept, gaps = _without_audio(self._items, why)
        self.dropped.extend(gaps)
        self._items = deque([*kept, *gaps])
        self._moved.set()

    async def _wait_below(self, count: int) -> None:
        while self._broken is None and len(self._items) >= count:
            self._moved.clear()
            await self._moved.wait()
        if self._broken is not None:
            raise self._broken


def _without_audio(items: Iterable[Item], why: str) -> tuple[list[Item], list[Gap]]:
    """What stays, and a gap for each stretch of audio; what ends a stretch stays without its audio."""
    kept: list[Item] = []
    gaps: list[Gap] = []
    last: dict[str, int] = {}
    for item in items:
        if not isinstance(item, AudioChunk):
            kept.append(item)
            continue
        at = last.get(item.track.id)
        if at is not None and gaps[at].end == item.offset:
            gaps[at] = replace(gaps[at], end=item.end)
        elif item.pcm:
            last[item.track.id] = len(gaps)
            gaps.append(Gap(item.track, item.offset, item.end, why))
        if item.pause:
            kept.append(replace(item, offset=item.end, pcm=b""))
    return kept, gaps


class Writer:
    """Appends what the lanes hold. One append is under way at a time, so that order stays."""

    def __init__(self, sink: AudioSink, now_ms: Callable[[], int]) -> None:
        self._sink = sink
        self.now_ms = now_ms
        self._waiting: dict[Lane, None] = {}
        self._wake = asyncio.Event()
        self._pace = Pace(_REST_S, hurried=True)

    def schedule(self, lane: Lane) -> None:
        """There is something in a lane."""
        self._waiting[lane] = None
        self.wake()

    def wake(self) -> None:
        """Look again."""
        self._wake.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            check_cancelled()
            batch = self._next_batch()
            if batch:
                self._pace.note(sum(len(items) for _, items in batch), time.monotonic())
                await self._write(batch)
                await asyncio.sleep(self._pace.rest_s(time.monotonic()))
            else:
                await self._sleep()

    async def drained(self, within_s: float) -> None:
        """Until nothing waits, or the time is up."""
        try:
            async with asyncio.timeout(within_s):
                await asyncio.gather(*(lane.written() for lane in self._waiting), return_exceptions=True)
        except TimeoutError:
            log.warning("audio_left_behind", sources=len(self._waiting))

    async def _sleep(self) -> None:
        self._wake.clear()
        now_ms = self.now_ms()
        due_in_ms = min((lane.due_in_ms(now_ms) for lane in self._waiting), default=None)
        try:
            await asyncio.wait_for(self._wake.wait(), None if due_in_ms is None else due_in_ms / 1000)
        except TimeoutError:
            return

    def _next_batch(self) -> list[tuple[Lane, list[Item]]]:
        """The heads of lanes, those that waited longest first."""
        now_ms, room = self.now_ms(), _BATCH
        batch = []
        for lane in self._waiting:
            if room <= 0:
                break
            if lane.due_in_ms(now_ms) == 0:
                items = lane.head(room)
                batch.append((lane, items))
                room -= len(items)
        return batch

    async def _write(self, batch: list[tuple[Lane, list[Item]]]) -> None:
        """All in one go; where something is refused, lane by lane, which repeats safely."""
        try:
            await self._store([item for _, items in batch for item in items])
        except (HubbubError, *PASSING):
            await asyncio.gather(*(self._write_lane(lane, items) for lane, items in batch))
            return
        for lane, items in batch:
            self._settle(lane, len(items))

    async def _write_lane(self, lane: Lane, items: list[Item]) -> None:
        try:
            await self._store(items)
        except Backlogged as error:
            self._put_off(lane, str(error))
        except PASSING:
            self._put_off(lane, "Redis does not answer")
        except HubbubError as error:
            lane.break_off(error)
            self._waiting.pop(lane, None)
        else:
            self._settle(lane, len(items))

    def _put_off(self, lane: Lane, why: str) -> None:
        metrics.REFUSED_APPENDS.inc()
        lane.refuse(why, self.now_ms())

    def _settle(self, lane: Lane, count: int) -> None:
        del self._waiting[lane]
        if lane.took(count):
            self._waiting[lane] = None

    async def _store(self, items: list[Item]) -> None:
        """Chunks first, so that a notice never speaks of audio that is not there yet."""
        kept = [item for item in items if isinstance(item, AudioChunk | Mark)]
        if kept:
            with metrics.APPEND_SECONDS.time():
                await self._sink.append(kept)
            metrics.CHUNKS.inc(sum(isinstance(item, AudioChunk) for item in kept))
        for item in items:
            if not isinstance(item, AudioChunk | Mark):
                await self._announce(item)

    async def _announce(self, notice: Notice) -> None:
        status = to_status(notice, self.now_ms())
        await self._sink.publish(status)
        if isinstance(notice, Gap):
            samples = notice.end - notice.start
            metrics.GAP_SAMPLES.inc(samples)
            await self._sink.tally(notice.track.meeting, "gap_samples", samples)

"""A source: whoever sends the audio of a meeting, over one connection after another."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from common.identity import Meeting, Speaker
from common.messages import AudioChunk
from ingest.feed import Moment, captured_ms
from ingest.formats.values import Audio
from ingest.layouts import Cutting, IsolatedTracks, Layout, MixedTracks, Taken, Timeline
from ingest.notices import Gap, Left
from ingest.pcm import PcmFormat
from ingest.pending import Pending
from ingest.receipts import Receipts
from ingest.refusals import Reason, Refused
from ingest.writer import Item, Lane

MIXED = Speaker("mixed", "")

Begin = Callable[[int], Awaitable[Timeline]]
Evict = Callable[[Refused], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a connection says it is.

    `speaker` owns audio that names nobody. A `mixed` caller sends one signal labelled by speaker.
    One that `can_wait` loses nothing when Redis is full; another loses audio, and is told.
    """

    meeting: Meeting
    format: PcmFormat
    speaker: Speaker = MIXED
    mixed: bool = False
    can_wait: bool = False


class Source:
    """Tracks and message numbers that outlive a connection which broke."""

    def __init__(self, caller: Caller, cutting: Cutting, lane: Lane) -> None:
        self.lane = lane
        self.session: Session | None = None
        self.away_since_ms = 0
        self._caller = caller
        self._cutting = cutting
        self._layout: Layout | None = None
        self._receipts = Receipts(caller.speaker.id, None, {})
        self._last_seq: int | None = None

    @property
    def meeting(self) -> Meeting:
        """Whose audio it is."""
        return self._caller.meeting

    @property
    def id(self) -> str:
        """Unique in its meeting."""
        return self._caller.speaker.id

    def resume(self, caller: Caller) -> None:
        """Another connection of the same source."""
        self._caller = caller
        if self._layout is not None:
            self._layout.resume(caller.format)

    @property
    def settled(self) -> int | None:
        """The last message of which nothing is held back, nor of any before it; `lane` has it all."""
        return self._last_seq if self._layout is None else self._receipts.settled

    def has(self, seq: int | None) -> bool:
        """Whether this message was taken before."""
        return seq is not None and self._last_seq is not None and seq <= self._last_seq

    async def open(self, audio: Audio, arrival_ms: int, begin: Begin) -> None:
        """Find the meeting's timeline at the first audio."""
        if self._layout is None:
            length_ms = len(audio.pcm) // audio.format.frame_bytes * 1000 // audio.format.rate
            timeline = await begin(captured_ms(audio, arrival_ms) - length_ms)
            if self._layout is None:
                self._layout = self._new_layout(timeline)
                self._last_seq = self._last_seq if timeline.last_seq is None else timeline.last_seq
                self._receipts = Receipts(self.id, self._last_seq, timeline.ends)

    async def take(self, audio: Audio, arrival_ms: int) -> None:
        """Cut a message and queue it. Raises Refused."""
        before = self._last_seq
        self._last_seq = before if audio.seq is None else audio.seq
        if audio.pcm:
            assert self._layout is not None
            missing = audio.seq - before - 1 if audio.seq and before is not None else 0
            taken = self._layout.take(audio, Moment(arrival_ms, missing))
            await self.lane.put(self._marked(taken, audio.seq))
        elif audio.seq is not None:
            await self.lane.put(self._receipts.empty(audio.seq))

    def excuse(self, waited_ms: int) -> None:
        """It was we who kept the source waiting."""
        if self._layout is not None:
            self._layout.excuse(waited_ms)

    def pause(self) -> None:
        """The connection is gone; the source may come back."""
        self.settle()

    def settle(self) -> None:
        """Hold nothing back any more."""
        if self._layout is not None:
            taken = self._layout.flush()
            chunks = self._receipts.settle(taken.chunks)
            self.lane.add([*taken.joined, *chunks, *taken.gaps])

    def finish(self, ends: Mapping[str, int]) -> None:
        """The source is gone, after `pause`. A track that `ends` shows further on lives elsewhere."""
        if self._layout is None:
            return
        over = [chunk for chunk in self._layout.finish() if chunk.end >= ends.get(chunk.track.id, 0)]
        numbers = [self._receipts.over(over[0].track)] if over and self._last_seq is not None else []
        self.lane.add([*over, *numbers, *map(_left, over)])

    def _marked(self, taken: Taken, seq: int | None) -> list[Item]:
        """With the marks that numbered messages need; the ones among them without a number count too."""
        if self._last_seq is None or taken.extent is None:
            return [*taken.in_order()]
        if taken.extent.follows:
            chunks = self._receipts.follow(self._last_seq, taken.extent, taken.chunks)
        else:
            assert self._layout is not None
            before = self._last_seq if seq is None else seq - 1
            flushed = [*taken.chunks, *self._layout.flush().chunks]
            chunks = self._receipts.jump(self._last_seq, before, taken.extent, flushed)
        return [*taken.joined, *chunks, *taken.gaps]

    def _new_layout(self, timeline: Timeline) -> Layout:
        if self._caller.mixed:
            return MixedTracks(timeline, self._cutting)
        return IsolatedTracks(timeline, self._cutting, self._caller.speaker)


class Session:
    """One connection's hold on its source, until it leaves or another connection takes over."""

    def __init__(self, source: Source, begin: Begin, now_ms: Callable[[], int], evict: Evict) -> None:
        self.meeting = source.meeting
        self.evict = evict
        self.source = source
        self._begin = begin
        self._now_ms = now_ms
        self._pending = Pending()
        source.session = self

    async def take(self, audio: Audio) -> None:
        """A message's audio; with a number, until what is ready of it is in Redis. Raises Refused."""
        source, arrival_ms = self.source, self._now_ms()
        if audio.seq is not None:
            source.lane.patience_ms = None
        if audio.pcm:
            await source.open(audio, arrival_ms, self._begin)
            self._check()
        if not source.has(audio.seq):
            await source.take(audio, arrival_ms)
        if audio.seq is not None:
            self._pending.note(audio.seq, arrival_ms)
            if self.settle_in_ms() == 0:
                source.settle()
            await source.lane.written()
        waited_ms = self._now_ms() - arrival_ms
        source.excuse(waited_ms)
        self._pending.excuse(waited_ms)

    def settle_in_ms(self) -> int | None:
        """When to `settle` if no message comes before; None where none waits for it."""
        return self._pending.settle_in_ms(self.source.settled, self._now_ms())

    async def settle(self) -> None:
        """Nothing more comes now: hold nothing back, until it is in Redis. Raises Refused."""
        self._check()
        self.source.settle()
        self._pending.ran_out()
        await self.source.lane.written()

    def acknowledged(self) -> list[int]:
        """The messages since the last call, after `take` or `settle`, whose audio is in Redis."""
        return self._pending.until(self.source.settled)

    async def written(self) -> None:
        """Until all that was taken is in Redis or given up. Raises Refused when the meeting has ended."""
        await self.source.lane.written()

    def dropped(self) -> list[Gap]:
        """What was given up since the last call."""
        dropped = self.source.lane.dropped
        return [dropped.popleft() for _ in range(len(dropped))]

    def _check(self) -> None:
        if self.source.session is not self:
            raise Refused(Reason.SUPERSEDED, "another connection sends this audio now")


def _left(chunk: AudioChunk) -> Left:
    return Left(chunk.track, chunk.end)

"""A source: whoever sends the audio of a meeting, over one connection after another."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from common.identity import Meeting, Speaker
from common.messages import AudioChunk
from ingest.feed import Moment, captured_ms
from ingest.formats.values import Audio
from ingest.layouts import Cutting, IsolatedTracks, Layout, MixedTracks, Timeline
from ingest.notices import Gap, Left
from ingest.pcm import PcmFormat
from ingest.refusals import Reason, Refused
from ingest.writer import Lane

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

    def has(self, seq: int | None) -> bool:
        """Whether this message was taken before."""
        return seq is not None and self._last_seq is not None and seq <= self._last_seq

    async def open(self, audio: Audio, arrival_ms: int, begin: Begin) -> None:
        """Find the meeting's timeline at the first audio."""
        if self._layout is None:
            length_ms = len(audio.pcm) // audio.format.frame_bytes * 1000 // audio.format.rate
            timeline = await begin(captured_ms(audio, arrival_ms) - length_ms)
            self._layout = self._layout or self._new_layout(timeline)

    async def take(self, audio: Audio, arrival_ms: int) -> None:
        """Cut a message and queue it. Raises Refused."""
        assert self._layout is not None
        missing = audio.seq - self._last_seq - 1 if audio.seq and self._last_seq is not None else 0
        taken = self._layout.take(audio, Moment(arrival_ms, missing))
        self._last_seq = audio.seq if audio.seq is not None else self._last_seq
        await self.lane.put(taken.in_order())

    def excuse(self, waited_ms: int) -> None:
        """It was we who kept the source waiting."""
        if self._layout is not None:
            self._layout.excuse(waited_ms)

    def pause(self) -> None:
        """The connection is gone; the source may come back."""
        if self._layout is not None:
            self.lane.add(self._layout.flush().in_order())

    def finish(self, ends: Mapping[str, int]) -> None:
        """The source is gone, after `pause`. A track that `ends` shows further on lives elsewhere."""
        if self._layout is None:
            return
        over = [chunk for chunk in self._layout.finish() if chunk.end >= ends.get(chunk.track.id, 0)]
        self.lane.add([*over, *map(_left, over)])

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
        source.session = self

    async def take(self, audio: Audio) -> None:
        """A message's audio; with a number, until it is in Redis. Raises Refused."""
        source, arrival_ms = self.source, self._now_ms()
        if source.has(audio.seq):
            return
        if audio.seq is not None:
            source.lane.patience_ms = None
        if audio.pcm:
            await source.open(audio, arrival_ms, self._begin)
            self._check()
            await source.take(audio, arrival_ms)
        if audio.seq is not None:
            await source.lane.written()
        source.excuse(self._now_ms() - arrival_ms)

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

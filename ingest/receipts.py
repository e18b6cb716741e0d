"""Which numbered messages of a source are whole, so that they may be acknowledged."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from common.identity import Track
from common.messages import AudioChunk
from common.streams.audio_log import Mark


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a message lies. `follows`: its track has no hole before it and is known from before."""

    track: Track
    start: int
    end: int
    follows: bool


class Receipts:
    """Marks between the chunks of a source, each behind the audio that it vouches for.

    A message is whole when chunks have reached its end and those of all messages before it: the
    resampler holds some of the last message back. A new process begins at the first message that
    is not whole, where the mark says, and leaves out what is there of it. So a mark is also needed
    before a message that does not begin where the one before ended.
    """

    def __init__(self, source: str, settled: int | None, ends: Mapping[str, int]) -> None:
        self.settled = settled
        self._source = source
        self._ends = dict(ends)
        self._held: deque[tuple[int, Extent]] = deque()
        self._last: Extent | None = None

    def follow(self, seq: int, extent: Extent, chunks: Sequence[AudioChunk]) -> list[AudioChunk | Mark]:
        """A message that follows on; `chunks` are what came of it and of those before."""
        self._held.append((seq, extent))
        self._last = extent
        self._note(chunks)
        return [*chunks, *self._marks()]

    def jump(
        self, seq: int, before: int, extent: Extent, chunks: Sequence[AudioChunk]
    ) -> list[AudioChunk | Mark]:
        """A message behind a hole, or a first one, with all that was held; `before` is the number before."""
        own = [c for c in chunks if c.track.id == extent.track.id and c.offset >= extent.start]
        settled = self.settle([c for c in chunks if c not in own])
        self._held.append((seq, extent))
        self._last = extent
        return [*settled, Mark(extent.track, self._source, before, extent.start), *self.settle(own)]

    def empty(self, seq: int) -> list[AudioChunk | Mark]:
        """A message without audio."""
        if self._last is None:
            self.settled = seq
            return []
        return self.follow(seq, replace(self._last, start=self._last.end), [])

    def settle(self, chunks: Sequence[AudioChunk]) -> list[AudioChunk | Mark]:
        """With these chunks nothing is held back any more."""
        for _, extent in self._held:
            self._ends[extent.track.id] = max(self._ends.get(extent.track.id, 0), extent.end)
        self._note(chunks)
        return [*chunks, *self._marks()]

    def over(self, track: Track) -> Mark:
        """The source is done."""
        return Mark(track, self._source, self.settled or 0, self._ends.get(track.id, 0), over=True)

    def _note(self, chunks: Sequence[AudioChunk]) -> None:
        for chunk in chunks:
            self._ends[chunk.track.id] = max(self._ends.get(chunk.track.id, 0), chunk.end)

    def _marks(self) -> list[Mark]:
        marks = []
        while self._held and self._reaches(self._held[0][1]):
            seq, extent = self._held.popleft()
            self.settled = seq
            marks.append(Mark(extent.track, self._source, seq, extent.end))
        return marks

    def _reaches(self, extent: Extent) -> bool:
        return self._ends.get(extent.track.id, 0) >= extent.end

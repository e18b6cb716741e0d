"""A track: stretches of canonical audio in, chunks out."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from common.audio import BYTES_PER_SAMPLE, ms_to_samples, samples_to_ms
from common.identity import Speaker, Track
from common.messages import AudioChunk, TrackPause
from ingest.feed import Stretch


@dataclass(frozen=True, slots=True)
class ChunkSize:
    """A chunk has at most `longest` samples; `shortest` are sent without waiting for more."""

    shortest: int
    longest: int

    @classmethod
    def of_ms(cls, shortest_ms: int, longest_ms: int) -> "ChunkSize":
        """From milliseconds."""
        return cls(ms_to_samples(shortest_ms), ms_to_samples(longest_ms))


class TrackAudio:
    """One track of a meeting on its way out. Chunks follow each other; a hole is announced."""

    def __init__(self, track: Track, size: ChunkSize) -> None:
        self.track = track
        self._size = size
        self._start = 0
        self._waiting = b""
        self._captured_ms = 0
        self._open = False

    @property
    def end(self) -> int:
        """The position after the last sample that was taken in."""
        return self._start + len(self._waiting) // BYTES_PER_SAMPLE

    def rename(self, speaker: Speaker) -> None:
        """A platform may learn a speaker's name after their first words."""
        if speaker != self.track.speaker:
            self.track = replace(self.track, speaker=speaker)

    def push(self, stretch: Stretch) -> list[AudioChunk]:
        """Take audio; the chunks that are full enough."""
        if not stretch.pcm:
            return []
        chunks = []
        if stretch.start != self.end:
            chunks += self.pause()
            self._start = stretch.start
        self._waiting += stretch.pcm
        self._open = True
        chunks += self._cut(stretch.captured_ms, self._size.shortest)
        self._captured_ms = max(self._captured_ms, stretch.captured_ms)
        return chunks

    def drain(self) -> list[AudioChunk]:
        """What waits for more, without waiting."""
        return list(self._cut(self._captured_ms, 1))

    def pause(self) -> list[AudioChunk]:
        """Nothing follows without a hole."""
        return self._close("pause") if self._open else []

    def finish(self) -> list[AudioChunk]:
        """The track is over."""
        return self._close("end")

    def _close(self, pause: TrackPause) -> list[AudioChunk]:
        self._open = False
        pcm, self._waiting = self._waiting, b""
        return [self._chunk(pcm, self._captured_ms, pause)]

    def _cut(self, captured_ms: int, shortest: int) -> Iterator[AudioChunk]:
        """Chunks of what waits; what is shorter than `shortest` waits on."""
        end = self.end
        while end - self._start >= shortest:
            size = min(self._size.longest, end - self._start) * BYTES_PER_SAMPLE
            pcm, self._waiting = self._waiting[:size], self._waiting[size:]
            after_ms = samples_to_ms(len(self._waiting) // BYTES_PER_SAMPLE)
            self._captured_ms = max(self._captured_ms, captured_ms - after_ms)
            yield self._chunk(pcm, self._captured_ms, "")

    def _chunk(self, pcm: bytes, captured_ms: int, pause: TrackPause) -> AudioChunk:
        chunk = AudioChunk(self.track, self._start, captured_ms, pcm, pause)
        self._start = chunk.end
        return chunk

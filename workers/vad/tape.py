"""The entries of a take that are kept unacknowledged, and the audio in them."""

from collections import deque
from typing import NamedTuple

from common.audio import BYTES_PER_SAMPLE, SAMPLES_PER_MS, sample_count
from common.messages import AudioChunk
from common.stage import EntryId


class Kept(NamedTuple):
    """The audio of one entry, without what overlapped the entry before; `samples` counts that, too.

    A tuple, since one is made of every entry, and a frozen dataclass costs three times as much.
    """

    id: EntryId
    offset: int
    end: int
    captured_ms: int
    pcm: bytes
    samples: int

    @classmethod
    def of(cls, entry: EntryId, chunk: AudioChunk, *, heard: int) -> "Kept":
        """What is new in `chunk`, of a track heard up to `heard`."""
        offset, pcm = chunk.offset, chunk.pcm
        samples = sample_count(pcm)
        end = offset + samples
        if heard > offset:
            pcm = pcm[(heard - offset) * BYTES_PER_SAMPLE :]
            offset = min(heard, end)
        return cls(entry, offset, end, chunk.captured_ms, pcm, samples)

    @property
    def whole(self) -> bool:
        """Nothing overlapped: heard as the first of a take, this entry would be heard as it is here."""
        return self.end - self.offset == self.samples


class Tape:
    """Consecutive audio of one track, without a hole."""

    __slots__ = ("_kept", "end")

    def __init__(self, end: int) -> None:
        self._kept: deque[Kept] = deque()
        self.end = end

    def append(self, kept: Kept) -> None:
        """Take the audio that follows."""
        self._kept.append(kept)
        self.end = kept.end

    @property
    def last_length(self) -> int:
        """Samples of the last entry."""
        last = self._kept[-1]
        return last.end - last.offset

    def captured_at(self, position: int) -> int:
        """The Unix time in milliseconds at which the sample before `position` was captured."""
        last = self._kept[-1]
        return last.captured_ms - (last.end - position) // SAMPLES_PER_MS

    def read(self, start: int, end: int) -> bytes:
        """The samples from `start` to `end`, all of which are on the tape."""
        last = self._kept[-1]
        if start == last.offset and end == last.end:
            return last.pcm
        parts = []
        for kept in reversed(self._kept):
            if kept.end <= start:
                break
            if kept.offset < end:
                first = max(0, start - kept.offset) * BYTES_PER_SAMPLE
                parts.append(kept.pcm[first : (end - kept.offset) * BYTES_PER_SAMPLE])
        return b"".join(reversed(parts))

    def cut(self, start: int) -> list[Kept]:
        """The entries with which a take that hears nothing before `start` may begin."""
        kept = list(self._kept)
        first = next((i for i, k in enumerate(kept) if k.offset >= start and k.whole), len(kept))
        return kept[first:]

    def entries(self) -> list[Kept]:
        """All of it, in order."""
        return list(self._kept)

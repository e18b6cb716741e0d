"""The entries of a take that are kept unacknowledged, and the audio in them."""

from collections import deque
from dataclasses import dataclass

from common.audio import BYTES_PER_SAMPLE, SAMPLES_PER_MS
from common.messages import AudioChunk
from common.stage import EntryId


@dataclass(frozen=True, slots=True)
class Kept:
    """The audio of one entry, without what overlapped the entry before.

    `whole` is unset where something did: such an entry alone would be heard differently, so no
    take may begin with it.
    """

    id: EntryId
    offset: int
    end: int
    captured_ms: int
    pcm: bytes
    whole: bool = True

    @classmethod
    def of(cls, entry: EntryId, chunk: AudioChunk, *, heard: int) -> "Kept":
        """What is new in `chunk`, of a track heard up to `heard`."""
        old = max(0, heard - chunk.offset)
        pcm = chunk.pcm[old * BYTES_PER_SAMPLE :] if old else chunk.pcm
        return cls(entry, chunk.offset + old, chunk.end, chunk.captured_ms, pcm, whole=not old)


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

    def ids(self) -> list[EntryId]:
        """The entries on the tape, in order."""
        return [kept.id for kept in self._kept]

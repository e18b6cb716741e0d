"""An open utterance: chunks of speech in, windows of features out."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.audio import BYTES_PER_SAMPLE, SAMPLES_PER_MS, ms_to_samples
from common.errors import InvalidMessage
from common.messages import Due, SpeechChunk, Window
from common.stage import EntryId
from workers.asr.frontend import Frontend
from workers.asr.schedule import Schedule

_LONGEST_HOLE = ms_to_samples(30_000)


@dataclass(frozen=True, slots=True)
class _Held:
    """An entry that is not acknowledged, and the position of its first sample."""

    entry: EntryId
    offset: int


class Utterance:
    """Turns the chunks of one utterance into windows.

    It may begin with any chunk: the windows from the first one on whose features can be computed
    exactly are the same as if it had begun with the first chunk. `spare` tells which entries can
    go without moving that window behind the next one to come.
    """

    def __init__(self, first: SpeechChunk, frontend: Frontend, schedule: Schedule) -> None:
        if first.offset < first.start:
            raise InvalidMessage(f"utterance {first.utterance}: a chunk at {first.offset}, before its start")
        self._frontend, self._schedule = frontend, schedule
        self._framer = frontend.framer()
        self._unframed = bytearray()
        self._start, self._end = first.start, first.offset
        self._last = first
        self._held: deque[_Held] = deque()
        frame = self._frame_at(first.offset)
        self._skip = first.start + frame * frontend.framing.hop - first.offset
        self._index = self._index_from(first.offset)
        self._frames = _Frames(frame, self._frame_of(self._index))

    def push(self, entry: EntryId, chunk: SpeechChunk) -> list[Window]:
        """Take the next chunk. Raises InvalidMessage where it does not follow the one before."""
        hole = chunk.offset - self._end
        if not 0 <= hole <= _LONGEST_HOLE:
            raise InvalidMessage(
                f"utterance {chunk.utterance}: a chunk at {chunk.offset}, expected {self._end}"
            )
        self._held.append(_Held(entry, chunk.offset))
        # An entry that was given up as poison leaves a hole: silence takes its place.
        self._unframed += bytes(hole * BYTES_PER_SAMPLE) + chunk.pcm
        self._end, self._last = chunk.end, chunk
        windows = list(self._complete())
        return [*windows, self.finish()] if chunk.closed else windows

    def finish(self) -> Window:
        """The final window, of everything not yet put out."""
        self._frame()
        self._frames.append(self._framer.flush())
        return self._window(self._end, self._frames.take_all(), "final")

    def spare(self) -> list[EntryId]:
        """Give up the entries without which the windows still to come are the same."""
        spared = []
        while len(self._held) > 1 and self._index_from(self._held[1].offset) <= self._index:
            spared.append(self._held.popleft().entry)
        return spared

    def entries(self) -> list[EntryId]:
        """The entries that this rests on."""
        return [held.entry for held in self._held]

    def _frame(self) -> None:
        """Compute what has come since the last window at once: a call costs more than its samples."""
        if not self._unframed:
            return
        samples = np.frombuffer(bytes(self._unframed), np.int16)
        self._unframed.clear()
        skipped = min(self._skip, samples.size)
        self._skip -= skipped
        self._frames.append(self._framer.push(samples[skipped:]))

    def _complete(self) -> Iterator[Window]:
        while self._start + self._schedule.end(self._index) <= self._end:
            self._frame()
            due = self._schedule.due(self._index, self._last.voiced_end - self._start)
            frames = self._frames.take(self._frame_of(self._index + 1))
            yield self._window(self._start + self._schedule.end(self._index), frames, due)
            self._index += 1

    def _window(self, end: int, frames: NDArray[Any], due: Due) -> Window:
        chunk = self._last
        return Window(
            track=chunk.track,
            utterance=chunk.utterance,
            start=chunk.start,
            offset=chunk.start + self._schedule.end(self._index - 1),
            end=end,
            voiced_end=min(chunk.voiced_end, end),
            captured_ms=chunk.captured_ms - (chunk.end - end) // SAMPLES_PER_MS,
            encoding=self._frontend.encoding,
            payload=frames.tobytes(),
            due=due,
            continues=chunk.continues,
        )

    def _frame_of(self, index: int) -> int:
        """The first frame of a window."""
        return self._frontend.framing.complete(self._schedule.end(index - 1))

    def _frame_at(self, offset: int) -> int:
        """The first frame that stands at `offset` or later."""
        return -(-(offset - self._start) // self._frontend.framing.hop)

    def _index_from(self, offset: int) -> int:
        """The first window that comes out exactly when the samples from `offset` on are known."""
        if offset == self._start:
            return 1
        framing = self._frontend.framing
        settled = self._frame_at(offset) + framing.settling
        return 1 + self._schedule.windows_to(framing.needed(settled))


class _Frames:
    """Frames not yet put out, from frame `wanted` on; `arriving` is the number of the next to come."""

    def __init__(self, arriving: int, wanted: int) -> None:
        self._arriving, self._wanted = arriving, wanted
        self._waiting: list[NDArray[Any]] = []

    def append(self, frames: NDArray[Any]) -> None:
        unwanted = min(len(frames), max(0, self._wanted - self._arriving))
        self._arriving += len(frames)
        self._waiting.append(frames[unwanted:])

    def take(self, until: int) -> NDArray[Any]:
        """The frames up to frame `until`."""
        frames = self.take_all()
        taken = until - self._wanted
        self._waiting.append(frames[taken:])
        self._wanted = until
        return frames[:taken]

    def take_all(self) -> NDArray[Any]:
        waiting, self._waiting = self._waiting, []
        return waiting[0] if len(waiting) == 1 else np.concatenate(waiting)

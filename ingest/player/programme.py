"""What one meeting plays: recordings one after another, with a pause between."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from common.audio import SAMPLE_RATE
from common.identity import Speaker
from ingest.player.recordings import Clip, Pcm, Recording


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Audio with one label; None where nobody speaks."""

    pcm: Pcm
    speaker: Speaker | None
    clip: Clip | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """What goes into one message. `end` is the position after it, in samples at the programme's rate."""

    pcm: Pcm
    speaker: Speaker | None
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Programme:
    """Segments of one signal at one rate."""

    rate: int
    segments: Sequence[Segment]

    @property
    def seconds(self) -> float:
        """How long it is."""
        return sum(len(segment.pcm) for segment in self.segments) / self.rate

    def rotated(self, by: int) -> "Programme":
        """The same segments, beginning elsewhere."""
        by %= len(self.segments)
        return Programme(self.rate, [*self.segments[by:], *self.segments[:by]])

    def pieces(self, sizes: Iterator[int]) -> Iterator[Piece]:
        """Cut into messages of so many samples; none spans two segments."""
        end = 0
        for segment in self.segments:
            start = 0
            while start < len(segment.pcm):
                pcm = segment.pcm[start : start + next(sizes)]
                start += len(pcm)
                end += len(pcm)
                yield Piece(pcm, segment.speaker, end)


def compose(recordings: Sequence[Recording], *, rate: int | None, pause_ms: int) -> Programme:
    """Each recording and a pause after it; at their own rate if they share one and none is asked for."""
    rates = {recording.rate for recording in recordings}
    chosen = rate or (rates.pop() if len(rates) == 1 else SAMPLE_RATE)
    pause = Segment(np.zeros(chosen * pause_ms // 1000, np.int16), None)
    spoken = [Segment(r.at(chosen).pcm, _speaker(r.clip), r.clip) for r in recordings]
    return Programme(chosen, [part for segment in spoken for part in (segment, pause)])


def _speaker(clip: Clip) -> Speaker:
    name = clip.speaker or clip.path.stem
    return Speaker(name, name)

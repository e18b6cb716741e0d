"""One continuous signal, converted and placed on the meeting's timeline."""

from dataclasses import dataclass

from common.audio import BYTES_PER_SAMPLE, ms_to_samples, sample_count, samples_to_ms
from ingest.clock import Clock
from ingest.converter import Converter
from ingest.formats.values import Audio
from ingest.pcm import PcmFormat

LONGEST_HOLE = ms_to_samples(3_600_000)
_PLAUSIBLE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Moment:
    """When a message came (Unix time), and how many before it did not, by its number."""

    arrival_ms: int
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Canonical audio without a hole in it; `hole` samples before it are missing, and `why`.

    `captured_ms` is the capture time of its last sample.
    """

    start: int
    pcm: bytes
    captured_ms: int
    hole: int = 0
    why: str = ""

    @property
    def end(self) -> int:
        """The position after the last sample."""
        return self.start + sample_count(self.pcm)

    def part(self, start: int, end: int) -> "Stretch":
        """The samples between two positions."""
        pcm = self.pcm[(start - self.start) * BYTES_PER_SAMPLE : (end - self.start) * BYTES_PER_SAMPLE]
        return Stretch(start, pcm, self.captured_ms - samples_to_ms(self.end - end))


def captured_ms(audio: Audio, arrival_ms: int) -> int:
    """The source's word for it where that is plausible, the time of arrival otherwise."""
    stamp = audio.timestamp_ms
    if stamp is None or not arrival_ms - _PLAUSIBLE_MS <= stamp <= arrival_ms:
        return arrival_ms
    return stamp


class Feed:
    """What a source says in one signal, from one connection after another.

    Without a hole as long as audio keeps up with time. When it falls behind by more than
    `gap_samples` at once, or the source's numbers jump, what is missing becomes a hole.
    """

    def __init__(self, pcm_format: PcmFormat, start: int, gap_samples: int) -> None:
        self._converter = Converter(pcm_format)
        self._start = start
        self._gap_samples = gap_samples
        self._captured_ms = 0
        self._arrivals: Clock | None = None
        self._stamps: Clock | None = None
        self._resumed = False

    @property
    def end(self) -> int:
        """The position after the last sample that was taken in."""
        return self._start + self._converter.held

    def push(self, audio: Audio, moment: Moment) -> list[Stretch]:
        """Take a message; what of it and of those before is ready, in order."""
        incoming = self._converter.samples(len(audio.pcm) // audio.format.frame_bytes)
        hole, why = self._find_hole(audio, moment, incoming)
        ready = []
        if hole:
            ready.append(self._emit(self._converter.flush()))
            self._start += hole
        self._resumed = False
        pcm = self._converter.push(audio.pcm)
        self._captured_ms = max(self._captured_ms, captured_ms(audio, moment.arrival_ms))
        ready.append(self._emit(pcm, hole, why))
        return ready

    def flush(self) -> Stretch:
        """What was held back, when the source falls silent."""
        return self._emit(self._converter.flush())

    def resume(self, pcm_format: PcmFormat) -> None:
        """The source is back, after `flush`: the time that it was away is missing."""
        self._converter = Converter(pcm_format)
        self._resumed = True

    def excuse(self, waited_ms: int) -> None:
        """It was we who kept the source waiting."""
        if self._arrivals is not None:
            self._arrivals.excuse(waited_ms)

    def _emit(self, pcm: bytes, hole: int = 0, why: str = "") -> Stretch:
        start = self._start
        self._start += sample_count(pcm)
        held_ms = samples_to_ms(max(0, self._converter.held))
        return Stretch(start, pcm, self._captured_ms - held_ms, hole, why)

    def _find_hole(self, audio: Audio, moment: Moment, incoming: int) -> tuple[int, str]:
        if moment.missing:
            self._lag(audio, moment, incoming)
            return min(moment.missing * incoming, LONGEST_HOLE), f"{moment.missing} messages are missing"
        lag = self._lag(audio, moment, incoming)
        if self._resumed and lag and audio.seq is None:
            return lag, "the connection was lost"
        return (lag, "no audio came") if lag > self._gap_samples else (0, "")

    def _lag(self, audio: Audio, moment: Moment, incoming: int) -> int:
        """By the clock that sees the least: a late burst lags by ours, a wrong stamp by its own."""
        end = self.end + incoming
        self._arrivals = self._arrivals or Clock(moment.arrival_ms, end)
        lag = self._arrivals.lag(moment.arrival_ms, end)
        if audio.timestamp_ms is not None:
            self._stamps = self._stamps or Clock(audio.timestamp_ms, end)
            return min(lag, self._stamps.lag(audio.timestamp_ms, end))
        return lag if audio.seq is None else 0

"""The audio of one utterance on its way through the spotter: candidates become inquiries.

What is found, and the audio each inquiry takes along, follow from the utterance's audio alone,
however it came in chunks.
"""

from dataclasses import dataclass

from common.audio import BYTES_PER_SAMPLE, ms_to_samples, sample_count
from workers.engines.pocketsphinx import Spotted, Spotting

LEAD = ms_to_samples(1200)
TAIL = ms_to_samples(250)
LONGEST = ms_to_samples(4000)
KEPT = LONGEST + ms_to_samples(1000)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A phrase that may have been said from `start` to `end` (positions)."""

    phrase: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Candidates close together, and the audio around them, which begins at position `start`."""

    utterance: str
    start: int
    pcm: bytes
    candidates: tuple[Candidate, ...]


class Listening:
    """Samples in, inquiries out."""

    def __init__(self, utterance: str, start: int, spotting: Spotting) -> None:
        self._utterance = utterance
        self._start = start
        self._spotting = spotting
        self._kept = bytearray()
        self._kept_from = self.end = start
        self._open: list[Candidate] = []
        self._due = 0

    def push(self, pcm: bytes) -> list[Inquiry]:
        """Inquiries that became due with these samples."""
        self._keep(pcm)
        inquiries = self._sort_in(self._spotting.push(pcm))
        if self._open and self._due <= self._start + self._spotting.processed:
            inquiries.append(self._inquire(self._due))
        self._let_go()
        return inquiries

    def close(self) -> list[Inquiry]:
        """The inquiries that are left. The spotter is free after it."""
        inquiries = self._sort_in(self._spotting.close())
        if self._open:
            inquiries.append(self._inquire(self._due))
        return inquiries

    def _sort_in(self, spotted: list[Spotted]) -> list[Inquiry]:
        inquiries: list[Inquiry] = []
        for one in spotted:
            candidate = Candidate(one.phrase, self._start + one.start, self._start + one.end)
            if self._open and self._due <= self._start + one.noticed:
                inquiries.append(self._inquire(self._due))
            if not self._open:
                self._due = max(candidate.end + TAIL, self._start + one.noticed)
            self._open.append(candidate)
        return inquiries

    def _inquire(self, until: int) -> Inquiry:
        first = max(self._kept_from, min(one.start for one in self._open) - LEAD, until - LONGEST)
        pcm = bytes(self._kept[_bytes(first - self._kept_from) : _bytes(until - self._kept_from)])
        inquiry = Inquiry(self._utterance, first, pcm, tuple(self._open))
        self._open = []
        return inquiry

    def _keep(self, pcm: bytes) -> None:
        self._kept += pcm
        self.end += sample_count(pcm)

    def _let_go(self) -> None:
        surplus = self.end - self._kept_from - KEPT
        if surplus > 0:
            del self._kept[: _bytes(surplus)]
            self._kept_from += surplus


def _bytes(samples: int) -> int:
    return samples * BYTES_PER_SAMPLE

"""The audio of one utterance on its way through the spotter: candidates become inquiries.

A candidate is scored as soon as it was noticed, so that the event is early, and where that leaves it open
once more a little later. Around what is open then, what was said is read; and read again with
more behind it, which tells a word from the beginning of a longer one. What is asked, and the audio each
inquiry takes along, follow from the utterance's audio alone, however it came in chunks, unless there was too
much to hear and the spotter was thrifty.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from common.audio import BYTES_PER_SAMPLE, ms_to_samples, sample_count
from workers.engines.spotter import Spotted, Spotting

Look = Literal["first", "second", "third", "last"]
TAILS: dict[Look, int] = {
    "first": ms_to_samples(60),
    "second": ms_to_samples(110),
    "third": ms_to_samples(110),
    "last": ms_to_samples(230),
}
"""How much audio behind a candidate each look takes in, one look after the other."""
SCORING: tuple[Look, ...] = ("first", "second")
READING: tuple[Look, ...] = ("third", "last")
LEAD = ms_to_samples(1200)
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
    look: Look = "first"

    @property
    def reads(self) -> bool:
        """Whether what was said is written down, which costs more than scoring."""
        return self.look in READING


@dataclass(frozen=True, slots=True)
class _Look:
    """What to inquire about when the audio has reached `due`; the looks share their candidates."""

    due: int
    candidates: list[Candidate]
    look: Look


class Listening:
    """Samples in, inquiries out, once the spotter has worked on them."""

    def __init__(self, utterance: str, start: int, spotting: Spotting) -> None:
        self._utterance = utterance
        self._start = start
        self._spotting = spotting
        self._kept = bytearray()
        self._kept_from = self.end = start
        self._looks: list[_Look] = []

    def push(self, pcm: bytes) -> None:
        """Samples that follow on those before."""
        self._kept += pcm
        self.end += sample_count(pcm)
        self._spotting.push(pcm)

    def finish(self) -> None:
        """No more samples will come."""
        self._spotting.finish()

    def give_up(self) -> None:
        """Nobody wants to know what was heard."""
        self._spotting.give_up()

    @property
    def over(self) -> bool:
        """Whether no more will become due."""
        return self._spotting.over

    def inquiries(self) -> list[Inquiry]:
        """Those that became due; all that are left, once it is over."""
        inquiries = self._sort_in(self._spotting.take())
        if self.over:
            return inquiries + self._inquire(self._looks)
        inquiries += self._ripe(self.end)
        self._let_go()
        return inquiries

    def _sort_in(self, spotted: list[Spotted]) -> list[Inquiry]:
        inquiries: list[Inquiry] = []
        for one in spotted:
            noticed = self._start + one.noticed
            inquiries += self._ripe(noticed)
            self._look_into(Candidate(one.phrase, self._start + one.start, self._start + one.end), noticed)
        return inquiries

    def _look_into(self, candidate: Candidate, noticed: int) -> None:
        """Score it with those that are about to be; read it with those whose last look is late enough."""
        enough = candidate.end + TAILS["third"]
        unscored = (one for one in self._looks if one.look == "first")
        unread = (one for one in self._looks if one.look == "last" and one.due >= enough)
        for looks, company in ((SCORING, unscored), (READING, unread)):
            one = next(company, None)
            if one is not None:
                one.candidates.append(candidate)
                continue
            candidates = [candidate]
            for look in looks:
                self._looks.append(_Look(max(candidate.end + TAILS[look], noticed), candidates, look))

    def _ripe(self, position: int) -> list[Inquiry]:
        ripe = [look for look in self._looks if look.due <= position]
        self._looks = [look for look in self._looks if look.due > position]
        return self._inquire(ripe)

    def _inquire(self, looks: Iterable[_Look]) -> list[Inquiry]:
        inquiries = []
        for one in sorted(looks, key=lambda one: one.due):
            begun = min(candidate.start for candidate in one.candidates)
            first = max(self._kept_from, begun - LEAD, one.due - LONGEST)
            pcm = self._kept[_bytes(first - self._kept_from) : _bytes(one.due - self._kept_from)]
            inquiries.append(Inquiry(self._utterance, first, bytes(pcm), tuple(one.candidates), one.look))
        return inquiries

    def _let_go(self) -> None:
        surplus = self.end - self._kept_from - KEPT
        if surplus > 0:
            del self._kept[: _bytes(surplus)]
            self._kept_from += surplus


def _bytes(samples: int) -> int:
    return samples * BYTES_PER_SAMPLE

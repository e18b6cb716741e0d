"""Verifies candidates: how well each phrase fits its audio, and where that is open, what is said there.

Some looks score the phrase (see `workers.engines.phrase_scoring`), which settles most candidates. Others
transcribe the audio around what is left, and look for the phrases in the text. The bounds are from
docs/decisions/keyword-looks.md.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from common.audio import BYTES_PER_SAMPLE, SAMPLE_RATE, ms_to_samples, samples_to_ms
from common.errors import EngineError
from workers.engines.log_mel import LogMel
from workers.engines.phrase_scoring import Question
from workers.engines.speech import DecodeSettings, SpeechEngine
from workers.keyword.heard import Heard
from workers.keyword.listening import TAILS, Candidate, Inquiry, Look
from workers.keyword.matching import INFLECTED, Match, Matcher
from workers.keyword.phrases import Phrase

SURE: dict[Look, float] = {"first": -1.7, "second": -2.2}
"""The score from which a phrase counts as said: at once it may yet be the beginning of another."""
HOPELESS = -5.5
"""The score below which it does not; in between it is looked for in the text."""
ALIKE = 0.8
"""How alike the heard text must be to a phrase that the spotter heard there too."""
DECODE = DecodeSettings(context_s=6.0, beam=1, second_try=False)
_SCORED_LEAD = ms_to_samples(50)
_STEEPNESS, _EVEN = 1.1, -3.9  # of the odds that a candidate was right, by its score
_PIECE = SAMPLE_RATE // 10


class Scorer(Protocol):
    """Says how well phrases fit audio."""

    def scores(self, questions: Sequence[Question]) -> list[float]:
        """The score of each, in order. Raises EngineError."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What verification is done with; both take log mel features of so many bands."""

    scorer: Scorer
    engine: SpeechEngine
    mels: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said, and the score of each candidate that may yet turn out to have been."""

    heard: tuple[Heard, ...]
    doubtful: dict[Candidate, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Scored:
    candidate: Candidate
    score: float


class Verifier:
    """Answers inquiries of all meetings in one forward pass."""

    def __init__(self, by: Verification, matcher: Matcher) -> None:
        self._scorer, self._engine, self._mels = by.scorer, by.engine, by.mels
        self._matcher = matcher
        self._phrases = {phrase.text: phrase for phrase in matcher.phrases}

    def answer(self, inquiries: Sequence[Inquiry]) -> list[Answer]:
        """What was said in each, in order; all read or none. Raises EngineError."""
        return self._transcribe(inquiries) if inquiries[0].reads else self._score(inquiries)

    def _score(self, inquiries: Sequence[Inquiry]) -> list[Answer]:
        asked = [sorted(set(inquiry.candidates), key=_place) for inquiry in inquiries]
        questions = [
            Question(candidate.phrase, self._features(_stretch(inquiry, candidate)))
            for inquiry, candidates in zip(inquiries, asked, strict=True)
            for candidate in candidates
        ]
        scores = iter(self._scorer.scores(questions))
        return [
            self._judged([_Scored(one, next(scores)) for one in candidates], SURE[inquiry.look])
            for inquiry, candidates in zip(inquiries, asked, strict=True)
        ]

    def _transcribe(self, inquiries: Sequence[Inquiry]) -> list[Answer]:
        windows = [self._features(np.frombuffer(inquiry.pcm, np.int16)) for inquiry in inquiries]
        heard = self._engine.transcribe(windows, DECODE, word_times=False)
        if len(heard) != len(inquiries):
            raise EngineError(f"{len(heard)} hypotheses for {len(inquiries)} windows")
        return [
            Answer(tuple(self._read(inquiry, one.text, math.exp(min(0.0, one.log_probability)))))
            for inquiry, one in zip(inquiries, heard, strict=True)
        ]

    def _features(self, samples: NDArray[np.int16]) -> NDArray[np.float16]:
        """In pieces, since a large matrix product wakes BLAS's threads and waits for them."""
        front_end = LogMel(self._mels)
        pieces = [front_end.push(samples[at : at + _PIECE]) for at in range(0, len(samples), _PIECE)]
        return np.concatenate([*pieces, front_end.flush()])

    def _judged(self, scored: Sequence[_Scored], sure: float) -> Answer:
        """Of phrases proposed for the same place the best counts, if any."""
        said = [one for one in scored if one.score >= sure]
        best = [one for one in scored if not any(_outdone(one, other) for other in said)]
        open_ = {one.candidate: one.score for one in best if HOPELESS <= one.score < sure}
        heard = (self._said(one) for one in best if one.score >= sure)
        return Answer(tuple(heard), open_)

    def _said(self, one: _Scored) -> Heard:
        return _heard(self._phrases[one.candidate.phrase], one.candidate, _odds(one.score))

    def _read(self, inquiry: Inquiry, text: str, probability: float) -> Iterator[Heard]:
        candidates: dict[str, Candidate] = {}
        for candidate in inquiry.candidates:
            candidates.setdefault(candidate.phrase, candidate)
        words = text.split()
        for match in self._matcher.find(words, ALIKE):
            if _believable(match, candidates, len(words)):
                where = candidates.get(match.phrase.text, inquiry.candidates[-1])
                yield _heard(match.phrase, where, match.score * probability)


def _stretch(inquiry: Inquiry, candidate: Candidate) -> NDArray[np.int16]:
    """The audio of a candidate, with a little around it."""
    first = max(0, candidate.start - _SCORED_LEAD - inquiry.start)
    samples = len(inquiry.pcm) // BYTES_PER_SAMPLE
    end = max(first + 1, candidate.end + TAILS[inquiry.look] - inquiry.start)
    return np.frombuffer(inquiry.pcm, np.int16)[first : min(end, samples)]


def _place(candidate: Candidate) -> tuple[int, int, str]:
    return candidate.end, candidate.start, candidate.phrase


def _outdone(one: _Scored, other: _Scored) -> bool:
    overlap = other.candidate.start < one.candidate.end and one.candidate.start < other.candidate.end
    return overlap and other.score > one.score


def _odds(score: float) -> float:
    """The share of candidates with such a score that were right."""
    return 1 / (1 + math.exp(-_STEEPNESS * (score - _EVEN)))


def _heard(phrase: Phrase, where: Candidate, probability: float) -> Heard:
    return Heard(phrase, samples_to_ms(where.start), samples_to_ms(where.end), probability, "acoustic")


def _believable(match: Match, candidates: dict[str, Candidate], words: int) -> bool:
    """A phrase that the spotter did not propose must be there as written, and not at the cut."""
    if match.phrase.text in candidates:
        return match.score >= ALIKE
    return match.score >= INFLECTED and match.last < words - 1

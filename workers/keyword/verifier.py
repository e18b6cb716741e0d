"""Verifies candidates: transcribes the audio around them and looks for their phrases in the text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from common.audio import samples_to_ms
from common.errors import EngineError
from workers.engines.log_mel import LogMel
from workers.engines.speech import DecodeSettings, SpeechEngine
from workers.keyword.heard import Heard
from workers.keyword.listening import Candidate, Inquiry
from workers.keyword.matching import INFLECTED, Match, Matcher

ALIKE = 0.8
"""How alike the heard text must be to a phrase that the spotter heard there too."""
DOUBTFUL = 0.5
"""How alike it must be for a second look, once more of the audio is there."""
DECODE = DecodeSettings(context_s=6.0, beam=1, second_try=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said, and which of the candidates may yet turn out to have been."""

    heard: tuple[Heard, ...]
    doubtful: frozenset[str]


class Verifier:
    """Answers inquiries of all meetings in one forward pass."""

    def __init__(self, engine: SpeechEngine, matcher: Matcher, *, mels: int) -> None:
        self._engine, self._matcher, self._mels = engine, matcher, mels

    def answer(self, inquiries: Sequence[Inquiry]) -> list[Answer]:
        """What was said in each, in order. Raises EngineError."""
        windows = [self._features(inquiry) for inquiry in inquiries]
        heard = self._engine.transcribe(windows, DECODE, word_times=False)
        if len(heard) != len(inquiries):
            raise EngineError(f"{len(heard)} hypotheses for {len(inquiries)} windows")
        return [
            self._verified(inquiry, hypothesis.text, math.exp(min(0.0, hypothesis.log_probability)))
            for inquiry, hypothesis in zip(inquiries, heard, strict=True)
        ]

    def _features(self, inquiry: Inquiry) -> np.ndarray[tuple[int, ...], np.dtype[np.float16]]:
        front_end = LogMel(self._mels)
        samples = np.frombuffer(inquiry.pcm, np.int16)
        return np.concatenate([front_end.push(samples), front_end.flush()])

    def _verified(self, inquiry: Inquiry, text: str, probability: float) -> Answer:
        candidates: dict[str, Candidate] = {}
        for candidate in inquiry.candidates:
            candidates.setdefault(candidate.phrase, candidate)
        words = text.split()
        found = self._matcher.find(words, DOUBTFUL)
        believed = [match for match in found if _believable(match, candidates, len(words))]
        heard = (
            _heard(match, candidates.get(match.phrase.text, inquiry.candidates[-1]), probability)
            for match in believed
        )
        doubtful = {match.phrase.text for match in found if match not in believed}
        return Answer(tuple(heard), frozenset(doubtful & candidates.keys()))


def _heard(match: Match, where: Candidate, probability: float) -> Heard:
    return Heard(
        match.phrase,
        samples_to_ms(where.start),
        samples_to_ms(where.end),
        match.score * probability,
        "acoustic",
    )


def _believable(match: Match, candidates: dict[str, Candidate], words: int) -> bool:
    """A phrase that the spotter did not propose must be there as written, and not at the cut."""
    if match.phrase.text in candidates:
        return match.score >= ALIKE
    return match.score >= INFLECTED and match.last < words - 1

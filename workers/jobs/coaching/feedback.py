"""From an alignment to what a learner is told."""

import math
from collections.abc import Sequence

from common.audio import SAMPLES_PER_MS
from common.messages import SpeechChunk
from common.results import CoachedWord, Coaching, Transcript
from workers.engines.pronunciation import AlignedWord
from workers.jobs.coaching.reading import ReferenceText, Stretch

_EVEN = -2.75
"""The goodness at which a word is as likely right as wrong: benchmarks/pronunciation.py."""
_STEEPNESS = 0.6


def feedback(
    final: Transcript,
    first: SpeechChunk,
    text: ReferenceText,
    stretch: Stretch,
    aligned: Sequence[AlignedWord],
) -> Coaching:
    """The words of the stretch, each with its times and score where it could be judged."""
    judged = {word.index: word for word in aligned}
    begun_ms = first.start // SAMPLES_PER_MS
    words = tuple(
        _coached(written, judged.get(i), begun_ms)
        for i, written in enumerate(text.words[stretch.start : stretch.end])
    )
    scores = [word.score for word in words if word.score is not None]
    return Coaching(
        id=f"{final.utterance}/coaching",
        tenant=final.tenant,
        meeting=final.meeting,
        track=final.track,
        speaker=final.speaker,
        start_ms=final.start_ms,
        end_ms=final.end_ms,
        utterance=final.utterance,
        first_word=stretch.start,
        skipped_words=stretch.skipped,
        words=words,
        score=round(sum(scores) / len(scores), 3) if scores else None,
    )


def score(goodness: float) -> float:
    """0 to 1, by a logistic curve."""
    return round(1 / (1 + math.exp((_EVEN - goodness) / _STEEPNESS)), 3)


def _coached(written: str, aligned: AlignedWord | None, begun_ms: int) -> CoachedWord:
    if aligned is None:
        return CoachedWord(written)
    start_ms, end_ms = (begun_ms + at // SAMPLES_PER_MS for at in (aligned.start, aligned.end))
    return CoachedWord(written, start_ms, end_ms, score(aligned.goodness))

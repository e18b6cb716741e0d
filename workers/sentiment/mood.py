"""The mood of a speaker or a meeting: recent evidence, the older the lighter.

A mood is a function of the evidence alone, in any order: what came late or twice through a
restart cannot bend it for longer than it is remembered.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from common.results import Mood, Sentiment

NEUTRAL = Mood(polarity=0.0, arousal=0.5)
NEUTRAL_WEIGHT_S = 2.0
SHORTEST_S = 1.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """One utterance says something about one side of a mood; it weighs as long as it lasted."""

    side: Literal["polarity", "arousal"]
    value: float
    start_ms: int
    end_ms: int

    @property
    def weight_s(self) -> float:
        """Seconds; even a short word counts as SHORTEST_S."""
        return max(SHORTEST_S, (self.end_ms - self.start_ms) / 1000)


def evidence(result: Sentiment) -> Evidence:
    """What a result adds: a tone says how aroused, a text how positive."""
    if result.source == "tone":
        return Evidence("arousal", result.arousal, result.start_ms, result.end_ms)
    return Evidence("polarity", result.polarity, result.start_ms, result.end_ms)


def mood(pieces: Iterable[Evidence], *, at_ms: int, half_life_s: float) -> Mood:
    """The mood at a media time; a piece of evidence loses half its weight each half-life.

    NEUTRAL weighs a constant NEUTRAL_WEIGHT_S, so one word is not a mood and a mood fades.
    """
    sums = {
        "polarity": NEUTRAL_WEIGHT_S * NEUTRAL.polarity,
        "arousal": NEUTRAL_WEIGHT_S * NEUTRAL.arousal,
    }
    weights = dict.fromkeys(sums, NEUTRAL_WEIGHT_S)
    for piece in pieces:
        age_s = max(0, at_ms - piece.end_ms) / 1000
        weight = piece.weight_s * 2 ** (-age_s / half_life_s)
        sums[piece.side] += weight * piece.value
        weights[piece.side] += weight
    return Mood(**{side: round(sums[side] / weights[side], 3) for side in sums})

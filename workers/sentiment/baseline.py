"""How an utterance differs from how its speaker usually talks, and how aroused that sounds.

Voices and microphones differ far more than moods do, so figures are compared with the speaker's
own earlier utterances, after Bone, Lee & Narayanan (2014), "Robust Unsupervised Arousal Rating: A
Rule-Based Framework with Knowledge-Inspired Vocal Features". While there are few of those, the
baseline leans on the population: the posterior of a normal mean with a normal prior, around the
median and the median absolute deviation, which single odd utterances do not move.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from common.results import Tone
from workers.sentiment.prosody import Prosody

REFERENCE_PITCH_HZ = 100.0
MAX_Z = 4.0
DEVIATION_PRIOR_UTTERANCES = 8
MAD_TO_DEVIATION = 1.4826
PITCH_WEIGHT, ENERGY_WEIGHT, RATE_WEIGHT = 0.4, 0.4, 0.2


@dataclass(frozen=True, slots=True)
class Population:
    """One figure among people: their mean, the deviation between them, and within one of them."""

    mean: float
    between: float
    within: float


# Round figures; benchmarks/sentiment.py prints those of a speech folder beside them.
PITCH_SEMITONES = Population(mean=7.0, between=5.0, within=2.5)
ENERGY_DB = Population(mean=-27.0, between=8.0, within=3.0)
RATE = Population(mean=3.7, between=0.7, within=0.8)


def tone(prosody: Prosody, before: Sequence[Tone]) -> Tone:
    """The figures of an utterance, with those of the speaker's utterances before as the baseline."""
    pitched = [semitones(earlier.pitch_hz) for earlier in before if earlier.pitch_hz > 0]
    pitch_z = z_score(semitones(prosody.pitch_hz), pitched, PITCH_SEMITONES) if prosody.pitch_hz > 0 else 0.0
    return Tone(
        pitch_hz=round(prosody.pitch_hz, 1),
        pitch_range_hz=round(prosody.pitch_range_hz, 1),
        energy_db=round(prosody.energy_db, 2),
        zero_crossing_rate=round(prosody.zero_crossing_rate, 1),
        rate=round(prosody.rate, 2),
        pitch_z=round(pitch_z, 3),
        energy_z=round(z_score(prosody.energy_db, [earlier.energy_db for earlier in before], ENERGY_DB), 3),
        rate_z=round(z_score(prosody.rate, [earlier.rate for earlier in before], RATE), 3),
    )


def arousal(of: Tone) -> float:
    """0 (flat) to 1 (agitated); 0.5 is how the speaker usually sounds."""
    score = PITCH_WEIGHT * of.pitch_z + ENERGY_WEIGHT * of.energy_z + RATE_WEIGHT * of.rate_z
    return round(1 / (1 + math.exp(-score)), 3)


def z_score(value: float, before: Sequence[float], population: Population) -> float:
    """Deviations from the baseline, at most MAX_Z either way."""
    count = len(before)
    centre = median(before) if before else 0.0
    spread = MAD_TO_DEVIATION * median(abs(earlier - centre) for earlier in before) if before else 0.0
    variance = (DEVIATION_PRIOR_UTTERANCES * population.within**2 + count * spread**2) / (
        DEVIATION_PRIOR_UTTERANCES + count
    )
    own, common = count / variance, 1 / population.between**2
    mean = (own * centre + common * population.mean) / (own + common)
    z = (value - mean) / math.sqrt(variance + 1 / (own + common))
    return max(-MAX_Z, min(MAX_Z, z))


def semitones(pitch_hz: float) -> float:
    """Pitch on the scale on which voices vary alike, high or low."""
    return 12 * math.log2(pitch_hz / REFERENCE_PITCH_HZ)

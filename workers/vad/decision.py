"""From Silero's probabilities to yes or no: hysteresis that minds the background.

Silero's probability sags within quiet and far-field speech, while in a noisy room a middling one
means noise, most of all in its first seconds, until it has heard what the room sounds like. So how
loud the background is decides how much to ask for, and how far a sound rises above it.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

_QUIET_DB = -60.0
_LOUD_DB = -40.0
"""Backgrounds (relative to full scale) that call for no caution, and for all of it."""
_QUIETEST = 1e-7
"""Mean power below which a background counts as just that quiet."""
_STANDS_OUT = 6.3
"""Power (8 dB) above the background at which a sound is somebody close by."""
_CAUTION = 0.2
"""Probability asked for on top where a sound does not stand out."""
_CAUTION_AFRESH = 0.6
_SETTLING_HOPS = 60.0
"""… and of a model that starts afresh; falls by a factor of e within so many hops."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Speech begins at `enter`; it goes on from `stay` where it stands out, else from `weak`."""

    enter: float
    stay: float
    weak: float


class Decider:
    """One take of one track: its background, the quietest hop so far, and whether somebody speaks."""

    __slots__ = ("_background", "_heard", "_loudness", "_speech", "_thresholds")

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._background = math.inf
        self._loudness = 1.0  # 0 quiet room to 1 loud
        self._heard = 0
        self._speech = False

    def start_afresh(self) -> None:
        """The next hop is the first that the model hears."""
        self._heard = 0

    def decide(self, hops: Iterable[tuple[float, float]]) -> list[bool]:
        """Whether each hop, of a probability and a mean power (full scale is 1), is speech."""
        return [self._hop(probability, power) for probability, power in hops]

    def _hop(self, probability: float, power: float) -> bool:
        self._heard += 1
        if power < self._background:
            self._background = max(power, _QUIETEST)
            loudness = (10 * math.log10(self._background) - _QUIET_DB) / (_LOUD_DB - _QUIET_DB)
            self._loudness = min(1.0, max(0.0, loudness))
        stands_out = power >= self._background * _STANDS_OUT
        self._speech = probability >= self._enough(stands_out=stands_out)
        return self._speech

    def _enough(self, *, stands_out: bool) -> float:
        settling = _CAUTION_AFRESH * math.exp(-self._heard / _SETTLING_HOPS)
        if not self._speech:
            return self._thresholds.enter + self._loudness * (settling + (0 if stands_out else _CAUTION))
        if stands_out:
            return self._thresholds.stay + self._loudness * settling / 2
        return self._thresholds.weak

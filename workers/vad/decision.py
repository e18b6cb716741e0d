"""From Silero's probabilities to yes or no: hysteresis that minds the background."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

_QUIETEST = 1e-7
"""Mean power (-70 dB of full scale) below which a background counts as just that quiet."""
_STANDS_OUT = 4.0
"""Power (6 dB) above the background at which a sound is somebody close by."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Speech begins at `enter`; it goes on from `stay` where it stands out of the background, else from `weak`.

    Silero's probability sags within quiet and far-field speech, while in noise a low one means
    noise: how far the sound rises above the background tells the two apart.
    """

    enter: float
    stay: float
    weak: float


class Decider:
    """One take of one track: its background, the quietest hop so far, and whether somebody speaks."""

    __slots__ = ("_background", "_speech", "_thresholds")

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._background = math.inf
        self._speech = False

    def decide(self, hops: Iterable[tuple[float, float]]) -> list[bool]:
        """Whether each hop, of a probability and a mean power (full scale is 1), is speech."""
        return [self._hop(probability, power) for probability, power in hops]

    def _hop(self, probability: float, power: float) -> bool:
        self._background = min(self._background, max(power, _QUIETEST))
        thresholds = self._thresholds
        if not self._speech:
            enough = thresholds.enter
        elif power > self._background * _STANDS_OUT:
            enough = thresholds.stay
        else:
            enough = thresholds.weak
        self._speech = probability >= enough
        return self._speech

"""What listening costs here and now, learned while it runs."""

import math

_PRIOR_MS_PER_S = 20.0
_PRIOR_S = 5.0
_MEMORY_S = 30.0
"""Of audio; with many tracks at once that is soon, as it must be when others take the processor."""


class Pace:
    """Fading sums of the audio listened to and of the time that took, verification included."""

    def __init__(self) -> None:
        self._audio_s = _PRIOR_S
        self._spent_ms = _PRIOR_S * _PRIOR_MS_PER_S

    def learn(self, audio_s: float, took_ms: float) -> None:
        """So much audio, and what else was to be done, took so long."""
        fade = math.exp(-audio_s / _MEMORY_S)
        self._audio_s = self._audio_s * fade + audio_s
        self._spent_ms = self._spent_ms * fade + took_ms

    @property
    def ms_per_s(self) -> float:
        """Time for a second of audio."""
        return self._spent_ms / self._audio_s
